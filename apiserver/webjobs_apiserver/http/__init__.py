"""HTTP as Kudu speaks it: answers, paths, ranges, names of files, forwarded requests."""
