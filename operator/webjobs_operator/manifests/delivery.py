"""How files get into a job's pod: a small package by a ConfigMap, others by a container that fetches them. Pure."""

from __future__ import annotations

from typing import Any

from webjobs.constants import PACKAGE_AUDIENCE
from webjobs.model import WebJob
from webjobs.pods import FETCH
from webjobs_operator.config import OperatorConfig
from webjobs_operator.manifests.environment import literal
from webjobs_operator.manifests.folders import Folders
from webjobs_operator.manifests.program import Program

PACKAGE = "/webjobs/package"
"""Folder in which a small package arrives."""
PACKAGE_FILE = "package.tar"
"""Name of the tar with a small package."""
_TOKEN = "/webjobs/token"  # noqa: S105  a folder


def bring_files(
    pod: dict[str, Any], webjob: WebJob, *, program: Program, folders: Folders, config: OperatorConfig
) -> None:
    """Give the spec of a pod the package of its job, and the content of its site if the job gets that."""
    (container,) = pod["containers"]
    if program.config_map:
        container["volumeMounts"].append({"name": "package", "mountPath": PACKAGE, "readOnly": True})
        pod["volumes"].append({"name": "package", "configMap": {"name": program.config_map}})
    fetched: list[str] = []
    base = f"{config.package_url.rstrip('/')}/internal/packages/{webjob.metadata.namespace}"
    if content := program.site_content:
        fetched += [f"{base}/{content.digest}", f"{folders.webroot}"]
    if program.fetch_digest:
        fetched += [f"{base}/{program.fetch_digest}", folders.work]
    if fetched:
        pod["initContainers"] = [_fetch([*fetched, *folders.made], folders, config)]
        token = {"audience": PACKAGE_AUDIENCE, "expirationSeconds": 600, "path": "token"}
        sources = {"sources": [{"serviceAccountToken": token}]}
        pod["volumes"].append({"name": "package-token", "projected": sources})


def _fetch(words: list[str], folders: Folders, config: OperatorConfig) -> dict[str, Any]:
    """Return the container that fetches packages. ``words``: as ``webjobs_pod.fetch`` has them after the token."""
    command = ["python3", "-m", "webjobs_pod.fetch", f"{_TOKEN}/token", *(literal(word) for word in words)]
    return {
        "name": FETCH,
        "image": config.image,
        "imagePullPolicy": config.image_pull_policy,
        "command": command,
        "volumeMounts": [
            {"name": "work", "mountPath": folders.files},
            {"name": "package-token", "mountPath": _TOKEN, "readOnly": True},
        ],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
        "securityContext": config.container_security_context | {"readOnlyRootFilesystem": True},
    }
