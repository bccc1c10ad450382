"""What the benchmarks share: a native Job as one side, the way to the API server, and how figures are shown."""

from __future__ import annotations

import statistics
import subprocess
import time
from typing import Any

import httpx

from tests import stack as stacks
from tests.site import Site

STAMP = "date +%s.%N\n"


def milliseconds(values: list[float]) -> str:
    """Median and the farthest quarter, in ms."""
    ordered = sorted(values)
    return f"{statistics.median(ordered) * 1000:7.0f} ms   (min {ordered[0] * 1000:.0f}, max {ordered[-1] * 1000:.0f})"


def native_start(
    site: Site, *, number: int, image: str | None = None, command: str = STAMP, files: str | None = None
) -> float:
    """Seconds from the create of a plain Job, as `kubectl create job` makes it, to its first instruction.

    Only the security context that the namespace demands is added. ``command``: tells the clock; ``files``: name of a
    ConfigMap with what it needs, in /files.
    """
    name = f"bench-native-{number}"
    secure = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    pod = {
        "restartPolicy": "Never",
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "job",
                "image": image or site.stack.image,
                "command": ["bash", "-c", command],
                "securityContext": secure,
                "volumeMounts": [{"name": "files", "mountPath": "/files"}] if files else [],
            }
        ],
        "volumes": [{"name": "files", "configMap": {"name": files}}] if files else [],
    }
    body = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": stacks.SITE},
        "spec": {"backoffLimit": 0, "template": {"spec": pod}},
    }
    before = time.time()
    PROXY.request("POST", f"/apis/batch/v1/namespaces/{stacks.SITE}/jobs", body)
    site.kubectl("wait", "--for=condition=Complete", f"job/{name}", "--timeout=60s")
    started = float(site.kubectl("logs", f"job/{name}")) - before
    site.kubectl("delete", "job", name)
    return started


class Proxy:
    """`kubectl proxy` on a free loopback port, and one kept-alive connection: as quick as the shim's own HTTP call."""

    def start(self, site: Site) -> None:
        command = [stacks.tool("kubectl"), "--kubeconfig", str(site.stack.kubeconfig), "proxy", "--port=0"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        port = self._process.stdout.readline().rpartition(":")[2].strip()
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)

    def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """A direct call of the API server; what it answered."""
        answer = self.http.request(method, path, json=body)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def stop(self) -> None:
        self.http.close()
        self._process.terminate()
        self._process.wait()


PROXY = Proxy()


def table(title: str, rows: list[tuple[str, str]]) -> None:
    """Prints rows of name and figure."""
    print(f"\n{title}")
    for name, figure in rows:
        print(f"  {name:<48}{figure}")
