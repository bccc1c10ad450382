"""The pod template that Jobs, CronJobs and Deployments share.

The package arrives as a tar in a ConfigMap or is fetched by an init container (``delivery.py``); the job's own shell
unpacks it into the working folder and starts the script (``boot.py``). The shell script that a batch file was
translated to comes in the ConfigMap, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from webjobs.constants import PORT, SCRIPT_FILE
from webjobs.model import WebJob
from webjobs.model.command_line import join_arguments
from webjobs.model.scripts import Selected
from webjobs.pods import CONTAINER, END
from webjobs_operator.config import OperatorConfig
from webjobs_operator.manifests import boot, limits, windows
from webjobs_operator.manifests.delivery import PACKAGE, PACKAGE_FILE, bring_files
from webjobs_operator.manifests.environment import SHUTDOWN, SHUTDOWN_FILE, literal, sources, variables
from webjobs_operator.manifests.folders import Folders, folders_of
from webjobs_operator.manifests.merge import merge
from webjobs_operator.manifests.program import Program

LISTEN_SECONDS = 10
"""Seconds for which a script waits for the operator to attach, where that is enabled."""
END_PIPE = "/webjobs/end/pipe"
"""Named pipe by which a pod that waited tells the exit code of its run."""

Pod = dict[str, Any]
"""Spec of a pod, or a part of it."""


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
    folders = folders_of(webjob, program)
    container = _container(webjob, program=program, folders=folders, config=config, arguments_text=arguments_text)
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
    bring_files(pod, webjob, program=program, folders=folders, config=config)
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


def _container(
    webjob: WebJob, *, program: Program, folders: Folders, config: OperatorConfig, arguments_text: str
) -> Pod:
    """Return the job's container, without what it runs."""
    return {
        "name": CONTAINER,
        "image": program.image,
        "imagePullPolicy": config.image_pull_policy,
        "env": variables(webjob, program, folders, arguments_text=arguments_text),
        "envFrom": sources(webjob, program),
        "resources": _resources(webjob, program=program, config=config),
        "volumeMounts": [
            {"name": "work", "mountPath": folders.files},
            {"name": "data", "mountPath": folders.data},
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
        package=f"{PACKAGE}/{PACKAGE_FILE}" if program.has_package_in_map else None,
        notice=webjob.has_shutdown_file,
        restart_delay=spec.restart_delay_seconds if spec.type == "continuous" else None,
        idle_timeout=spec.idle_timeout_seconds,
        listen_seconds=LISTEN_SECONDS if listened else None,
        end_pipe=END_PIPE if armed else None,
    )
    if listened or armed:  # who waits for a run is attached to again by an operator that comes later
        found |= {"stdin": True, "stdinOnce": not armed}
    found["command"] = ["/bin/sh", "-euc", literal(text), literal(program.script.directory)]
    found["args"] = [literal(word) for word in [*_line(webjob, program, program.script), *words]]
    return found


def _line(webjob: WebJob, program: Program, script: Selected) -> Sequence[str]:
    """Return the words before the arguments."""
    if program.runtime.command:
        return program.runtime.command
    if program.is_translated:
        # cmd knows no words: the script reads the raw text of a run, and gets that of the spec in front of it.
        return ["sh", f"{PACKAGE}/{SCRIPT_FILE}", join_arguments(webjob.spec.args or [])]
    return (program.choice.command if program.choice else None) or script.words


def _data(webjob: WebJob) -> Pod:
    """Return the volume behind WEBJOBS_DATA_PATH."""
    claim = {"persistentVolumeClaim": {"claimName": webjob.data_claim}} if webjob.data_claim else {"emptyDir": {}}
    return {"name": "data", **claim}


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


def _pod_security(config: OperatorConfig, *, plain_image: bool) -> dict[str, Any]:
    # An image of the user's own brings its user along; only ours are known to work under any.
    skipped = {"runAsUser", "runAsGroup"} if plain_image else set()
    return {key: value for key, value in config.pod_security_context.items() if key not in skipped}


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
