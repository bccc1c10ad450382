"""Pods that wait for a run."""
