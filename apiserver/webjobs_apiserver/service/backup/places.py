"""What a backup may hold, and under which names. Pure.

``backup.json``, then ``objects/<kind>/<name>.json`` and ``store/<key without its namespace>``, in the order in which a
restore needs them: one pass over the stream is enough. Names are data: what is not known here is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from webjobs.constants import PREVIOUS_LOG, STATUS_FILE
from webjobs.model.site import app_settings
from webjobs.runs.runs import time_of_run_id
from webjobs.store.run_logs import ERRORS, OUTPUT
from webjobs_apiserver.errors import BadRequest
from webjobs_apiserver.service.hooks import hooks
from webjobs_apiserver.service.schedules import registry_store

HEAD = "backup.json"
"""Name of the first file of a backup: format, namespace and time."""
FORMAT = 1
"""Version of the format of backups."""
OBJECT_BYTES = 4 * 2**20
"""Most bytes of an object; etcd takes less."""
MOST_WEBJOBS = 10_000
HELD_BYTES = 64 * 2**20
"""Most bytes of all WebJobs of a backup: they are checked together before anything is written."""
MOST_FILES = 5_000_000

SETTINGS, HOOKS, REGISTRY = app_settings.SECRET, hooks.SECRET, registry_store.CONFIG_MAP
_SETTINGS = frozenset({f"objects/Secret/{SETTINGS}", f"objects/Secret/{HOOKS}", f"objects/ConfigMap/{REGISTRY}"})
_NAME = r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?"
_OBJECT = re.compile(rf"(objects/([A-Za-z]+)/({_NAME}))\.json")
_STAGES = {"WebJob": 1, "Secret": 2, "ConfigMap": 2, "WebJobRun": 4, "WebJobSchedule": 5}
_PACKAGES = re.compile(r"packages/[0-9a-f]{64}\.json|blobs/([0-9a-f]{64})")
_DATA = re.compile(rf"data/jobs/(triggered|continuous)/({_NAME})/(?:(\d{{18}})/)?([a-z_]+(?:\.[a-z]+)*)")
JOURNAL = "job_log.journal"
_FILES = {"continuous": {"job_log.txt", PREVIOUS_LOG, JOURNAL}, "triggered": {"job_scheduler.log"}}
_RUN_FILES = frozenset({OUTPUT, ERRORS, STATUS_FILE})


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """A file of the store."""

    key: str
    """Its key without the namespace."""
    blob: str | None = None
    """Digest that its content has; None: its name says none."""
    webjob: str | None = None
    """Object name of its WebJob; None for packages."""
    run_id: str | None = None
    name: str = ""


def stored(key: str) -> StoredFile | None:
    """Return what a key of the store, without its namespace, stands for; None when it is in no backup."""
    if found := _PACKAGES.fullmatch(key):
        return StoredFile(key=key, blob=found[1])
    found = _DATA.fullmatch(key)
    if found is None:
        return None
    job_type, webjob, run_id, name = found.groups()
    if run_id:
        known = job_type == "triggered" and name in _RUN_FILES and time_of_run_id(run_id) is not None
    else:
        known = name in _FILES[job_type]
    return StoredFile(key=key, webjob=webjob, run_id=run_id, name=name) if known else None


@dataclass(frozen=True, kw_only=True)
class Place:
    """The place of a file in a backup."""

    stage: int
    """Number in the order of the backup."""
    kind: str = ""
    """Kind of the object."""
    name: str = ""
    """Name of the object."""
    file: StoredFile | None = None


def place(name: str) -> Place:
    """Return what a file of a backup is.

    Raises BadRequest for one that no backup has.
    """
    if name == HEAD:
        return Place(stage=0)
    if found := _OBJECT.fullmatch(name):
        stage = _STAGES.get(found[2])
        if stage and (stage != 2 or found[1] in _SETTINGS):
            return Place(stage=stage, kind=found[2], name=found[3])
    if name.startswith("store/") and (file := stored(name.removeprefix("store/"))):
        return Place(stage=3, file=file)
    raise BadRequest(f"{name[:200]!r} is in no backup.")
