"""Logs of containers with stdout and stderr told apart, where the API server offers it.

Kubernetes does from 1.32 on, behind the feature gate PodLogsQuerySplitStreams; without it all lines are INFO.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from webjobs import logs
from webjobs.logs import CONTAINER, Output
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import Invalid

_NOT_OFFERED = 422
"""What is wrong with the pod or its container is 400 or 404."""


class PodLogs:
    """Reads logs of jobs' containers."""

    def __init__(self, kube: KubeClient) -> None:
        self._kube = kube
        self._apart = True
        """Until the API server says no: it is asked once a process."""

    async def lines(self, namespace: str, pod: str, *, previous: bool = False) -> AsyncIterator[Output]:
        """Lines of the job's container, or of the one before its last restart. Raises what ``log_lines`` does."""
        if self._apart:
            out = self._kube.log_lines(namespace, pod, container=CONTAINER, previous=previous, stream="Stdout")
            err = self._kube.log_lines(namespace, pod, container=CONTAINER, previous=previous, stream="Stderr")
            try:
                async for line in logs.merge(out, err):
                    yield line
                return
            except Invalid as error:  # comes before the first line
                if error.status != _NOT_OFFERED:
                    raise
                self._apart = False
        async for stamped in self._kube.log_lines(namespace, pod, container=CONTAINER, previous=previous):
            yield Output(stamped)
