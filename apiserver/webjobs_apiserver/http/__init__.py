"""What HTTP is made of here: answers, paths, ranges, names of files, forwarded requests."""
