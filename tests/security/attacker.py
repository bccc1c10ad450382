"""What an attacker has: accounts with few rights, bytes on a socket, a pen for statuses. And a look at what is left."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests import stack as stacks
from tests.site import Site

OPERATOR = f"system:serviceaccount:{stacks.SYSTEM}:{stacks.RELEASE}-operator"
SHIM = f"system:serviceaccount:{stacks.SYSTEM}:{stacks.RELEASE}-apiserver"

_LIST = """
import os
for folder, _, files in os.walk("/var/lib/webjobs"):
    for name in files:
        print(os.path.relpath(os.path.join(folder, name), "/var/lib/webjobs"))
"""
_SIZE = """
import os
print(sum(os.path.getsize(os.path.join(f, n)) for f, _, names in os.walk("/var/lib/webjobs/shop/blobs") for n in names))
"""


def token(site: Site, account: str, *rules: tuple[str, str], namespace: str = stacks.SITE) -> str:
    """A token of a service account with these rights only: (verbs, resources), each joined by commas."""
    site.apply_all(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account, "namespace": namespace}},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": account, "namespace": namespace},
            "rules": [
                {"apiGroups": ["webjobs.dev"], "resources": resources.split(","), "verbs": verbs.split(",")}
                for verbs, resources in rules
            ],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": account, "namespace": namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": account},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
        },
    )
    return site.kubectl("create", "token", account, namespace=namespace).strip()


def client(site: Site, bearer: str) -> httpx.Client:
    """A client with a token."""
    return httpx.Client(base_url=site.stack.url, headers={"Authorization": f"Bearer {bearer}"}, timeout=30)


def refusal(site: Site, *arguments: str, stdin: str | None = None, namespace: str = stacks.SITE) -> str:
    """Error text of a kubectl that must fail."""
    command = [stacks.tool("kubectl"), "--kubeconfig", str(site.stack.kubeconfig), "-n", namespace, *arguments]
    done = subprocess.run(command, input=stdin, text=True, capture_output=True)
    assert done.returncode != 0, f"{arguments} was let through: {done.stdout}"
    return done.stderr


def may(site: Site, account: str, *what: str, namespace: str = stacks.SITE) -> bool:
    """Whether an account may do something, as the API server says it."""
    command = [stacks.tool("kubectl"), "auth", "can-i", *what, "-n", namespace, f"--as={account}"]
    environment = os.environ | {"KUBECONFIG": str(site.stack.kubeconfig)}
    return subprocess.run(command, env=environment, capture_output=True, text=True).stdout.strip() == "yes"


def write_status(site: Site, kind: str, name: str, **status: Any) -> None:
    """A status as somebody with rights on the subresource writes it."""
    patch = json.dumps({"status": status})
    site.kubectl("patch", kind, name, "--subresource=status", "--type=merge", "-p", patch)


def stored(site: Site) -> set[str]:
    """Keys of all that is in the store."""
    script = ("exec", f"deploy/{stacks.RELEASE}-operator", "--", "python3", "-c", _LIST)
    return set(site.kubectl(*script, namespace=stacks.SYSTEM).splitlines())


def stored_bytes(site: Site) -> int:
    """Bytes of the files of the site in the store."""
    script = ("exec", f"deploy/{stacks.RELEASE}-operator", "--", "python3", "-c", _SIZE)
    return int(site.kubectl(*script, namespace=stacks.SYSTEM))


def connect(site: Site) -> socket.socket:
    """A connection to the shim."""
    address = urlsplit(site.stack.url)
    return socket.create_connection((address.hostname, address.port), timeout=30)


def spoken(site: Site, *pieces: bytes) -> bytes:
    """All that the shim says to these bytes until it closes, or is silent for five seconds."""
    heard = b""
    with connect(site) as connection:
        connection.settimeout(5)
        with contextlib.suppress(OSError):
            for piece in pieces:
                connection.sendall(piece)
            while part := connection.recv(65536):
                heard += part
    return heard


def restarts(site: Site) -> list[int]:
    """How often the containers of operator and shim were started again."""
    pods = json.loads(site.kubectl("get", "pods", "-o", "json", namespace=stacks.SYSTEM))["items"]
    return [one["restartCount"] for pod in pods for one in pod["status"]["containerStatuses"]]
