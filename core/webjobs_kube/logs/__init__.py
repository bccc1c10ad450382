"""Logs of pods, read by Kubernetes' log API."""
