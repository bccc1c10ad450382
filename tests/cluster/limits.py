"""How much a cluster of the tests takes at once, on every provider, so that the soak measures the same thing."""

from __future__ import annotations

MAX_PODS = 500
API_QPS = 500
"""Requests a second that a program of Kubernetes sends to the API server."""
API_BURST = 1000
JOB_SYNCS = 50
"""Jobs that the controller looks at side by side."""
