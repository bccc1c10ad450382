"""What runs in the pods of jobs. It needs the standard library alone."""
