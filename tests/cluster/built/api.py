"""The few questions to the API server that starting a cluster takes, with the standard library alone."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.cluster.readiness import node_problem


@dataclass(frozen=True, kw_only=True)
class Api:
    """An API server as a kubeconfig written by ``credentials.kubeconfig`` names it."""

    server: str
    authority: str
    token: str

    @classmethod
    def of(cls, kubeconfig: Path) -> Api:
        """Read the kubeconfig."""
        config: dict[str, Any] = json.loads(kubeconfig.read_text())
        cluster = config["clusters"][0]["cluster"]
        return cls(
            server=cluster["server"],
            authority=base64.b64decode(cluster["certificate-authority-data"]).decode(),
            token=config["users"][0]["user"]["token"],
        )

    def get(self, path: str, *, timeout: float = 2.0) -> tuple[int, bytes]:
        """GET, answered by status and body; status 0 when there is no answer."""
        address = urlsplit(self.server)
        context = ssl.create_default_context(cadata=self.authority)
        connection = http.client.HTTPSConnection(address.hostname or "", address.port, timeout=timeout, context=context)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()

    def not_ready(self) -> str | None:
        """None once a pod in namespace ``default`` can be created and starts; else what is missing."""
        status, body = self.get("/readyz")
        if status != 200:
            return "the API server is not ready"
        status, body = self.get("/api/v1/nodes")
        problem = node_problem(json.loads(body)) if status == 200 else "nodes cannot be listed"
        if problem:
            return problem
        # Pods are refused until the controllers have made these two.
        for path in ("serviceaccounts/default", "configmaps/kube-root-ca.crt"):
            if self.get(f"/api/v1/namespaces/default/{path}")[0] != 200:
                return f"{path} of namespace default is not there"
        return None
