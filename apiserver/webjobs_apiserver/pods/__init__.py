"""Routes for the pods of jobs."""
