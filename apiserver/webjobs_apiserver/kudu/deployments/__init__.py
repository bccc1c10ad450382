"""Kudu's routes of deployments."""
