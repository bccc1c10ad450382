"""The pod template that Jobs, CronJobs and Deployments share.

The package arrives as a tar in a ConfigMap or is fetched by an init container; the job's own shell unpacks it into the
working folder and starts the script (``boot.py``).

Environment as in docs/kudu-contract.md, section 5: the variables of the contract win over ``spec.env``, those over
``spec.envFrom``, and those over the app settings of the site.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from webjobs import model
from webjobs.constants import PACKAGE_AUDIENCE, PORT
from webjobs.model import WebJob, app_settings
from webjobs.pods import CONTAINER, END, FETCH
from webjobs_operator.config import OperatorConfig
from webjobs_operator.manifests import boot, limits, windows
from webjobs_operator.manifests.merge import merge
from webjobs_operator.manifests.program import Program

WORK = "/webjobs/work"
"""WEBJOBS_PATH: the folder with the job's files."""
DATA = "/webjobs/data"
"""WEBJOBS_DATA_PATH: the folder for the job's data."""
PACKAGE = "/webjobs/package"
"""Folder in which a package arrives."""
SHUTDOWN = "/webjobs/shutdown"
"""Folder of the shutdown file."""
SHUTDOWN_FILE = f"{SHUTDOWN}/stop"
"""WEBJOBS_SHUTDOWN_FILE: the file that tells a process that it is to end."""
LISTEN_SECONDS = 10
"""Seconds for which a script waits for the operator to attach, where that is enabled."""
END_PIPE = "/webjobs/end/pipe"
"""Named pipe by which a pod that waited tells the exit code of its run."""
PACKAGE_FILE = "package.tar"
"""Name of the tar with a small package."""


Pod = dict[str, Any]
"""Spec of a pod, or a part of it."""


def literal(text: str) -> str:
    """Return text as Kubernetes must not expand it.

    ``$(NAME)`` in env and args is a reference, ``$$`` an escaped ``$``.
    """
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
    armed: bool = False,
) -> dict[str, Any]:
    """Return the template for all pods of a WebJob.

    ``armed``: the container waits for its run, which a line on stdin gives it (``webjobs.runs.warm_protocol``); for
    scripts only.

    ``arguments``: words of one run, ``arguments_text`` the text they came from. The run id comes from the pod's label,
    because the label of a suspended Job can still be set when the Job is admitted, its environment can't. Raises
    Unrunnable when the limits of the installation refuse the pod.
    """
    words = [*(webjob.spec.args or []), *(arguments or [])]
    container = _container(webjob, program=program, config=config, arguments_text=arguments_text)
    container |= _command(webjob, program=program, config=config, words=words, armed=armed)
    pod: Pod = {
        "restartPolicy": restart_policy,
        "terminationGracePeriodSeconds": webjob.stopping_wait,
        "enableServiceLinks": False,
        **_identity(webjob, program=program),
        "securityContext": _pod_security(config, plain_image=program.script is None),
        "containers": [container],
        "volumes": [{"name": "work", "emptyDir": {}}, _data(webjob)],
    }
    _bring_package(pod, webjob, program=program, config=config)
    if armed:
        _wait_for_run(pod, program=program, config=config)
    if webjob.spec.type == "continuous":
        container["ports"] = [{"name": "webjob", "containerPort": PORT}]
    if webjob.has_shutdown_file:
        _give_notice(pod, program=program)
    if borrowed := program.borrowed:
        container["volumeMounts"] += borrowed.mounts
        pod["volumes"] += borrowed.volumes
    if program.on_windows and program.script:
        line = [program.script.directory, program.script.file_name, *words]
        pod = windows.adapted(pod, words=line, shutdown_file=SHUTDOWN_FILE)
    template = {"metadata": {"labels": dict(labels)}, "spec": pod}
    merged: dict[str, Any] = merge(template, webjob.spec.pod_template or {})
    merged["metadata"]["labels"] = {**(merged["metadata"].get("labels") or {}), **labels}  # ours say whose pod it is
    limits.check_pod(merged, config)
    return merged


def _container(webjob: WebJob, *, program: Program, config: OperatorConfig, arguments_text: str) -> Pod:
    """Return the job's container, without what it runs."""
    borrowed = program.borrowed
    return {
        "name": CONTAINER,
        "image": program.image,
        "imagePullPolicy": config.image_pull_policy,
        "env": _environment(webjob, arguments_text=arguments_text, program=program),
        "envFrom": [
            *_app_settings(),
            *(borrowed.env_from if borrowed else []),
            *(webjob.spec.env_from or []),
        ],  # the last source that has a name wins
        "resources": _resources(webjob, program=program, config=config),
        "volumeMounts": [
            {"name": "work", "mountPath": WORK},
            {"name": "data", "mountPath": DATA},
        ],
        "securityContext": config.container_security_context,
    }


def _command(webjob: WebJob, *, program: Program, config: OperatorConfig, words: list[str], armed: bool) -> Pod:
    """Return what the job's container runs: a script by a shell of ours, or what image and spec say."""
    spec, found = webjob.spec, dict[str, Any]()
    if not program.script:
        if command := spec.command or program.runtime.command:
            found["command"] = [literal(word) for word in command]
        if words:
            found["args"] = [literal(word) for word in words]
        return found
    listened = config.attach and not program.on_windows and not armed
    text = boot.script(
        package=f"{PACKAGE}/{PACKAGE_FILE}" if program.config_map else None,
        notice=webjob.has_shutdown_file,
        restart_delay=spec.restart_delay_seconds if spec.type == "continuous" else None,
        idle_timeout=spec.idle_timeout_seconds,
        listen_seconds=LISTEN_SECONDS if listened else None,
        end_pipe=END_PIPE if armed else None,
    )
    if listened or armed:  # who waits for a run is attached to again by an operator that comes later
        found |= {"stdin": True, "stdinOnce": not armed}
    found["command"] = ["/bin/sh", "-euc", literal(text), literal(program.script.directory)]
    found["args"] = [literal(word) for word in [*(program.runtime.command or program.script.words), *words]]
    return found


def _data(webjob: WebJob) -> Pod:
    """Return the volume behind WEBJOBS_DATA_PATH."""
    claim = {"persistentVolumeClaim": {"claimName": webjob.data_claim}} if webjob.data_claim else {"emptyDir": {}}
    return {"name": "data", **claim}


def _bring_package(pod: Pod, webjob: WebJob, *, program: Program, config: OperatorConfig) -> None:
    """Give a pod its package: a small one by a ConfigMap, a large one by a container that fetches it."""
    (container,) = pod["containers"]
    if program.config_map:
        container["volumeMounts"].append({"name": "package", "mountPath": PACKAGE, "readOnly": True})
        pod["volumes"].append({"name": "package", "configMap": {"name": program.config_map}})
    if program.fetch_digest:
        pod["initContainers"] = [_fetch(webjob, program.fetch_digest, config)]
        token = {"audience": PACKAGE_AUDIENCE, "expirationSeconds": 600, "path": "token"}
        sources = {"sources": [{"serviceAccountToken": token}]}
        pod["volumes"].append({"name": "package-token", "projected": sources})


def _wait_for_run(pod: Pod, *, program: Program, config: OperatorConfig) -> None:
    """Give a pod that waits for its run the container that tells the exit code, and the pipe between both."""
    (container,) = pod["containers"]
    pod.setdefault("initContainers", []).append(_end(program, config))
    container["volumeMounts"].append({"name": "end", "mountPath": END_PIPE.rpartition("/")[0]})
    pod["volumes"].append({"name": "end", "emptyDir": {}})


def _give_notice(pod: Pod, *, program: Program) -> None:
    """Give a pod the shutdown file, which tells its process that it is to end."""
    (container,) = pod["containers"]
    container["volumeMounts"].append({"name": "shutdown", "mountPath": SHUTDOWN})
    pod["volumes"].append({"name": "shutdown", "emptyDir": {}})
    if program.script:  # only then is a shell known to be there
        container["lifecycle"] = {"preStop": {"exec": {"command": ["/bin/sh", "-c", f"date -u > {SHUTDOWN_FILE}"]}}}


def _identity(webjob: WebJob, *, program: Program) -> dict[str, Any]:
    """Return ServiceAccount and pull secrets.

    A token is there only for an account that was chosen.
    """
    borrowed, account = program.borrowed, webjob.spec.service_account_name
    automount = account is not None
    if borrowed and account is None and borrowed.service_account:
        account, automount = borrowed.service_account, borrowed.automount
    out: dict[str, Any] = {"automountServiceAccountToken": automount}
    if account:
        out["serviceAccountName"] = account
    if borrowed and borrowed.pull_secrets:
        out["imagePullSecrets"] = borrowed.pull_secrets
    return out


def _resources(webjob: WebJob, *, program: Program, config: OperatorConfig) -> dict[str, Any]:
    """Return requests and limits: the spec's, else the installation's under what settings.job says.

    A value of settings.job is both request and limit.
    """
    if webjob.spec.resources is not None:
        return webjob.spec.resources
    said = {"cpu": program.runtime.cpu, "memory": program.runtime.memory}
    wanted = {name: value for name, value in said.items() if value is not None}
    if not wanted:
        return config.resources
    return config.resources | {kind: (config.resources.get(kind) or {}) | wanted for kind in ("requests", "limits")}


def _app_settings() -> list[dict[str, Any]]:
    """Return the sources of the site's app settings, without their values.

    Each setting comes under its own name and as ``APPSETTING_<name>``. The Secret comes last, and so it wins.
    """
    config_map = {"configMapRef": {"name": app_settings.CONFIG_MAP, "optional": True}}
    secret = {"secretRef": {"name": app_settings.SECRET, "optional": True}}
    return [{**prefix, **source} for source in (config_map, secret) for prefix in ({}, {"prefix": "APPSETTING_"})]


def marker(webjob: WebJob) -> str:
    """Return the name of the variable by which Kudu knows the processes of a job.

    Characters that no shell takes in a name become ``_``.
    """
    kind = "TRIGGERED_JOB" if webjob.spec.type == "triggered" else "ALWAYS_ON_JOB"
    return f"WEBSITE_{kind}_RUNNING_{re.sub('[^A-Za-z0-9_]', '_', webjob.display_name)}"


def _environment(webjob: WebJob, *, arguments_text: str, program: Program) -> list[dict[str, Any]]:
    triggered = webjob.spec.type == "triggered"
    contract: dict[str, str] = {
        "WEBJOBS_NAME": literal(webjob.display_name),
        "WEBJOBS_TYPE": webjob.spec.type,
        "WEBJOBS_PATH": WORK,
        "WEBJOBS_DATA_PATH": DATA,
        "WEBJOBS_COMMAND_ARGUMENTS": literal(arguments_text),
        marker(webjob): "true",
    }
    if not triggered:
        contract |= {"WEBJOBS_RUN_ID": "", "WEBJOBS_PORT": str(PORT)}
    if webjob.has_shutdown_file:
        contract["WEBJOBS_SHUTDOWN_FILE"] = SHUTDOWN_FILE
    fixed = [{"name": name, "value": value} for name, value in contract.items()]
    if triggered:
        fixed.append(_field("WEBJOBS_RUN_ID", f"metadata.labels['{model.LABEL_RUN}']"))
    defaults: list[dict[str, Any]] = [
        {"name": "HOME", "value": "/tmp"},  # noqa: S108  the pod's own: the user has no other home
        _field("WEBSITE_INSTANCE_ID", "metadata.uid"),  # logs and statuses show its first six characters
    ]
    if program.script and program.script.host.runtime == "py":
        defaults.append({"name": "PYTHONUNBUFFERED", "value": "1"})  # else a running job's log stays empty
    if program.time_zone:
        defaults.append({"name": "TZ", "value": program.time_zone})
    taken = {variable["name"] for variable in fixed}
    given = [*(program.borrowed.env if program.borrowed else []), *(webjob.spec.env or [])]
    mine = [v for v in {v["name"]: v for v in given}.values() if v["name"] not in taken]
    replaced = {variable["name"] for variable in mine}
    return [*fixed, *(variable for variable in defaults if variable["name"] not in replaced), *mine]


def _field(name: str, path: str) -> dict[str, Any]:
    return {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}


def _pod_security(config: OperatorConfig, *, plain_image: bool) -> dict[str, Any]:
    # An image of the user's own brings its user along; only ours are known to work under any.
    skipped = {"runAsUser", "runAsGroup"} if plain_image else set()
    return {key: value for key, value in config.pod_security_context.items() if key not in skipped}


def _fetch(webjob: WebJob, digest: str, config: OperatorConfig) -> dict[str, Any]:
    url = f"{config.package_url.rstrip('/')}/internal/packages/{webjob.metadata.namespace}/{digest}"
    return {
        "name": FETCH,
        "image": config.image,
        "imagePullPolicy": config.image_pull_policy,
        "command": ["python3", "-m", "webjobs_pod.fetch", url, WORK, "/webjobs/token/token"],
        "volumeMounts": [
            {"name": "work", "mountPath": WORK},
            {"name": "package-token", "mountPath": "/webjobs/token", "readOnly": True},
        ],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
        "securityContext": config.container_security_context | {"readOnlyRootFilesystem": True},
    }


def _end(program: Program, config: OperatorConfig) -> dict[str, Any]:
    """Return the container that tells the exit code of the script.

    It ends when the job's container is gone: then nobody has the pipe open. It is a container of its own, so that
    nothing of this project is among the output of the job.
    """
    text = f"trap 'exit 0' TERM\n[ -p {END_PIPE} ] || mkfifo {END_PIPE}\ncat {END_PIPE} &\nwait\n"
    return {
        "name": END,
        "image": program.image,
        "imagePullPolicy": config.image_pull_policy,
        "restartPolicy": "Always",  # what makes an init container one that runs beside the others
        "command": ["/bin/sh", "-euc", text],
        "volumeMounts": [{"name": "end", "mountPath": END_PIPE.rpartition("/")[0]}],
        "resources": {"requests": {"cpu": "1m", "memory": "4Mi"}, "limits": {"memory": "32Mi"}},
        "securityContext": config.container_security_context,
    }
