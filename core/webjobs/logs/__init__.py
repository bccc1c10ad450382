"""Logs of jobs in Kudu's form, and what is known of the output of containers."""
