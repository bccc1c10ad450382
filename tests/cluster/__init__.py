"""A real Kubernetes cluster for tests and the demo, on any machine: by kind, built from source, or the user's own."""

from __future__ import annotations

from tests.cluster.errors import ClusterError
from tests.cluster.facade import down, status, up
from tests.cluster.model import Cluster, Status

__all__ = ["Cluster", "ClusterError", "Status", "down", "status", "up"]
