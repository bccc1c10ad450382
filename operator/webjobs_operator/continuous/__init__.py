"""Instances of continuous jobs."""
