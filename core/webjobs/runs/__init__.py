"""Runs of triggered jobs: their ids, the one-at-a-time lock, and the line that starts a run in a pod that waits."""
