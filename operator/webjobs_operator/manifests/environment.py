"""The environment of a job's process (docs/kudu-contract.md, section 5). Pure.

The variables of the contract win over ``spec.env``, those over ``spec.envFrom``, and those over the app settings of the
site.
"""

from __future__ import annotations

import re
from typing import Any

from webjobs import model
from webjobs.constants import PORT
from webjobs.model import WebJob
from webjobs.model.site import app_settings
from webjobs_operator.manifests.folders import TEMP, Folders
from webjobs_operator.manifests.program import Program

SHUTDOWN = "/webjobs/shutdown"
"""Folder of the shutdown file."""
SHUTDOWN_FILE = f"{SHUTDOWN}/stop"
"""WEBJOBS_SHUTDOWN_FILE: the file that tells a process that it is to end."""


def literal(text: str) -> str:
    """Return text as Kubernetes must not expand it.

    ``$(NAME)`` in env and args is a reference, ``$$`` an escaped ``$``.
    """
    return text.replace("$", "$$")


def sources(webjob: WebJob, program: Program) -> list[dict[str, Any]]:
    """Return ``envFrom`` of a job's container; the last source that has a name wins.

    Each app setting of the site comes under its own name and as ``APPSETTING_<name>``, without its value in the
    manifest. The Secret comes after the ConfigMap, and so it wins.
    """
    config_map = {"configMapRef": {"name": app_settings.CONFIG_MAP, "optional": True}}
    secret = {"secretRef": {"name": app_settings.SECRET, "optional": True}}
    settings = [{**prefix, **source} for source in (config_map, secret) for prefix in ({}, {"prefix": "APPSETTING_"})]
    return [
        *settings,
        *(program.borrowed.env_from if program.borrowed else []),
        *(webjob.spec.env_from or []),
    ]


def variables(webjob: WebJob, program: Program, folders: Folders, *, arguments_text: str) -> list[dict[str, Any]]:
    """Return ``env`` of a job's container. ``arguments_text``: the arguments of the run, as they were given."""
    triggered = webjob.spec.type == "triggered"
    contract: dict[str, str] = {
        "WEBJOBS_NAME": literal(webjob.display_name),
        "WEBJOBS_TYPE": webjob.spec.type,
        "WEBJOBS_PATH": literal(folders.work),
        "WEBJOBS_DATA_PATH": literal(folders.data),
        "WEBJOBS_COMMAND_ARGUMENTS": literal(arguments_text),
        marker(webjob): "true",
    }
    if not triggered:
        contract |= {"WEBJOBS_RUN_ID": "", "WEBJOBS_PORT": str(PORT)}
    if webjob.has_shutdown_file:
        contract["WEBJOBS_SHUTDOWN_FILE"] = SHUTDOWN_FILE
    if folders.webroot:
        contract["WEBROOT_PATH"] = folders.webroot
    fixed = [_value(name, value) for name, value in contract.items()]
    if triggered:
        fixed.append(_field("WEBJOBS_RUN_ID", f"metadata.labels['{model.LABEL_RUN}']"))
    defaults = [
        _value("HOME", folders.home),
        _value("TEMP", TEMP),
        _value("TMP", TEMP),
        _field("WEBSITE_INSTANCE_ID", "metadata.uid"),  # logs and statuses show its first six characters
        *(_value(name, literal(value)) for name, value in program.environment.items()),
    ]
    defaults += [_value(name, value) for name, value in (program.picked.environment if program.picked else {}).items()]
    if program.calls("py"):
        defaults.append(_value("PYTHONUNBUFFERED", "1"))  # else a running job's log stays empty
    taken = {variable["name"] for variable in fixed}
    given = [*(program.borrowed.env if program.borrowed else []), *(webjob.spec.env or [])]
    mine = [v for v in {v["name"]: v for v in given}.values() if v["name"] not in taken]
    replaced = {variable["name"] for variable in mine}
    return [*fixed, *(variable for variable in defaults if variable["name"] not in replaced), *mine]


def marker(webjob: WebJob) -> str:
    """Return the name of the variable by which Kudu knows the processes of a job.

    Characters that no shell takes in a name become ``_``.
    """
    kind = "TRIGGERED_JOB" if webjob.spec.type == "triggered" else "ALWAYS_ON_JOB"
    return f"WEBSITE_{kind}_RUNNING_{re.sub('[^A-Za-z0-9_]', '_', webjob.display_name)}"


def _value(name: str, value: str) -> dict[str, Any]:
    return {"name": name, "value": value}


def _field(name: str, path: str) -> dict[str, Any]:
    return {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}
