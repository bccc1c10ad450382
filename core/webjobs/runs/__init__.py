"""Runs: ids, the one-at-a-time lock, and how a run is told to a pod that waits."""
