"""Programs that run in the pods of jobs. They need the standard library alone."""
