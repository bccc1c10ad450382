"""Logs of runs and of continuous jobs on their way into the store."""
