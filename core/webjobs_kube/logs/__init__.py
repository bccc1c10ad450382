"""Logs of pods by Kubernetes' log API."""
