"""The pod template that Jobs, CronJobs and Deployments share.

The package arrives as a tar in a ConfigMap or is fetched by an init container; the job's own shell unpacks it
into the working folder and becomes the interpreter (``exec``), so that the script is the container's process.
Environment as in Kudu's contract, section 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webjobs import model
from webjobs.model import WebJob
from webjobs_operator.config import OperatorConfig
from webjobs_operator.manifests.merge import merge
from webjobs_operator.manifests.program import Program

CONTAINER = "job"
WORK = "/webjobs/work"
DATA = "/webjobs/data"
PACKAGE = "/webjobs/package"
SHUTDOWN = "/webjobs/shutdown"
SHUTDOWN_FILE = f"{SHUTDOWN}/stop"
PORT = 8100
"""WEBJOBS_PORT: every pod has its own network, so that one number is always free."""
PACKAGE_AUDIENCE = "webjobs.dev/packages"
PACKAGE_FILE = "package.tar"

_UNPACK = f'tar -xf {PACKAGE}/{PACKAGE_FILE} -C "$WEBJOBS_PATH"\n'
_RUN = (
    'cd "$WEBJOBS_PATH/$0"\n'
    'command -v "$1" >/dev/null 2>&1 || { echo "The image has no $1: set spec.image." >&2; exit 127; }\n'
    'exec "$@"\n'
)


def literal(text: str) -> str:
    """Text that Kubernetes must not expand: ``$(NAME)`` in env and args is a reference, ``$$`` an escaped ``$``."""
    return text.replace("$", "$$")


def pod_template(
    webjob: WebJob,
    *,
    program: Program,
    config: OperatorConfig,
    restart_policy: str,
    labels: Mapping[str, str],
    arguments: list[str] | None = None,
    arguments_text: str = "",
) -> dict[str, Any]:
    """Template for all pods of a WebJob.

    ``arguments``: words of one run, ``arguments_text`` the text they came from. The run id comes from the pod's
    label, because the label of a suspended Job can still be set when the Job is admitted, its environment can't.
    """
    spec = webjob.spec
    container: dict[str, Any] = {
        "name": CONTAINER,
        "image": program.image,
        "imagePullPolicy": config.image_pull_policy,
        "env": _environment(webjob, arguments_text=arguments_text, program=program),
        "resources": spec.resources if spec.resources is not None else config.resources,
        "volumeMounts": [
            {"name": "work", "mountPath": WORK},
            {"name": "data", "mountPath": DATA},
        ],
        "securityContext": config.container_security_context,
    }
    words = [*(spec.args or []), *(arguments or [])]
    if program.script:
        boot = (_UNPACK if program.config_map else "") + _RUN
        container["command"] = ["/bin/sh", "-euc", literal(boot), literal(program.script.directory)]
        container["args"] = [literal(word) for word in [*program.script.words, *words]]
    else:
        if spec.command:
            container["command"] = [literal(word) for word in spec.command]
        if words:
            container["args"] = [literal(word) for word in words]
    if spec.env_from:
        container["envFrom"] = spec.env_from
    volumes: list[dict[str, Any]] = [{"name": "work", "emptyDir": {}}, {"name": "data", "emptyDir": {}}]
    pod: dict[str, Any] = {
        "restartPolicy": restart_policy,
        "terminationGracePeriodSeconds": webjob.stopping_wait,
        "enableServiceLinks": False,
        "automountServiceAccountToken": spec.service_account_name is not None,
        "securityContext": _pod_security(config, plain_image=program.script is None),
        "containers": [container],
        "volumes": volumes,
    }
    if spec.service_account_name:
        pod["serviceAccountName"] = spec.service_account_name
    if program.config_map:
        container["volumeMounts"].append({"name": "package", "mountPath": PACKAGE, "readOnly": True})
        volumes.append({"name": "package", "configMap": {"name": program.config_map}})
    if program.fetch_digest:
        pod["initContainers"] = [_fetch(webjob, program.fetch_digest, config)]
        volumes.append(
            {
                "name": "package-token",
                "projected": {
                    "sources": [
                        {
                            "serviceAccountToken": {
                                "audience": PACKAGE_AUDIENCE,
                                "expirationSeconds": 600,
                                "path": "token",
                            }
                        }
                    ]
                },
            }
        )
    if spec.type == "continuous":
        container["volumeMounts"].append({"name": "shutdown", "mountPath": SHUTDOWN})
        volumes.append({"name": "shutdown", "emptyDir": {}})
        container["ports"] = [{"name": "webjob", "containerPort": PORT}]
        if program.script:  # only then is a shell known to be there
            container["lifecycle"] = {"preStop": {"exec": {"command": ["/bin/sh", "-c", f"date -u > {SHUTDOWN_FILE}"]}}}
    template = {"metadata": {"labels": dict(labels)}, "spec": pod}
    merged: dict[str, Any] = merge(template, spec.pod_template or {})
    return merged


def _environment(webjob: WebJob, *, arguments_text: str, program: Program) -> list[dict[str, Any]]:
    triggered = webjob.spec.type == "triggered"
    own: dict[str, str] = {
        "WEBJOBS_NAME": literal(webjob.display_name),
        "WEBJOBS_TYPE": webjob.spec.type,
        "WEBJOBS_PATH": WORK,
        "WEBJOBS_DATA_PATH": DATA,
        "WEBJOBS_COMMAND_ARGUMENTS": literal(arguments_text),
        "HOME": "/tmp",  # noqa: S108  the pod's own: the user has no other home
    }
    if program.script and program.script.host.runtime == "py":
        own["PYTHONUNBUFFERED"] = "1"  # else a running job's log stays empty
    if not triggered:
        own |= {"WEBJOBS_RUN_ID": "", "WEBJOBS_PORT": str(PORT), "WEBJOBS_SHUTDOWN_FILE": SHUTDOWN_FILE}
    variables: list[dict[str, Any]] = [{"name": name, "value": value} for name, value in own.items()]
    if triggered:
        field = {"fieldRef": {"apiVersion": "v1", "fieldPath": f"metadata.labels['{model.LABEL_RUN}']"}}
        variables.append({"name": "WEBJOBS_RUN_ID", "valueFrom": field})
    mine = {variable["name"] for variable in webjob.spec.env or []}
    return [v for v in variables if v["name"] not in mine] + list(webjob.spec.env or [])


def _pod_security(config: OperatorConfig, *, plain_image: bool) -> dict[str, Any]:
    # An image of the user's own brings its user along; only ours are known to work under any.
    skipped = {"runAsUser", "runAsGroup"} if plain_image else set()
    return {key: value for key, value in config.pod_security_context.items() if key not in skipped}


def _fetch(webjob: WebJob, digest: str, config: OperatorConfig) -> dict[str, Any]:
    url = f"{config.package_url.rstrip('/')}/internal/packages/{webjob.metadata.namespace}/{digest}"
    return {
        "name": "fetch",
        "image": config.image,
        "imagePullPolicy": config.image_pull_policy,
        "command": ["python3", "-m", "webjobs.fetch", url, WORK, "/webjobs/token/token"],
        "volumeMounts": [
            {"name": "work", "mountPath": WORK},
            {"name": "package-token", "mountPath": "/webjobs/token", "readOnly": True},
        ],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
        "securityContext": config.container_security_context | {"readOnlyRootFilesystem": True},
    }
