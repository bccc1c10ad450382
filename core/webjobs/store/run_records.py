"""The history of a job beyond what etcd should hold: beside the log of each older run an object ``status``.

The object is written once and never changed, before the WebJobRun goes; it is removed after the logs, so that what is
left of a run by a removal that was cut off is still known.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import obstore
from obstore.exceptions import AlreadyExistsError

from webjobs.constants import STATUS_FILE
from webjobs.runs.runs import time_of_run_id
from webjobs.store import ObjectStore
from webjobs.store import run_logs as stored_logs
from webjobs.store.run_logs import ERRORS, OUTPUT

_AT_ONCE = 8


def folder(*, namespace: str, webjob: str = "") -> str:
    """Return the key prefix of all that is stored of a WebJob, without the slash at its end.

    ``webjob``: the object name; without it the prefix of all triggered jobs of the namespace.
    """
    return f"{namespace}/data/jobs/triggered/{webjob}".removesuffix("/")


def key(*, namespace: str, webjob: str, run_id: str, file_name: str = STATUS_FILE) -> str:
    """Return the key of the object that stays of a run, or of a file beside it."""
    return stored_logs.run_log_key(namespace=namespace, webjob=webjob, run_id=run_id, file_name=file_name)


async def write(store: ObjectStore, key: str, content: bytes) -> bool:
    """Store the object that stays of a run, unless there is one; return whether there was none."""
    try:
        await obstore.put_async(store, key, content, mode="create", use_multipart=False)
    except AlreadyExistsError:
        return False
    return True


async def replace(store: ObjectStore, key: str, content: bytes) -> None:
    """Store the object that stays of a run over another one."""
    await obstore.put_async(store, key, content)


async def read(store: ObjectStore, key: str) -> bytes | None:
    """Return the object that stays of a run; None when there is none."""
    try:
        return bytes(await (await obstore.get_async(store, key)).bytes_async())
    except FileNotFoundError:
        return None


async def run_ids(store: ObjectStore, *, namespace: str, webjob: str) -> list[str]:
    """Return the ids of the runs whose objects are stored, oldest first, by one listing of all keys."""
    found = []
    async for batch in obstore.list(store, folder(namespace=namespace, webjob=webjob), chunk_size=1000):
        for one in batch:
            _, run_id, name = one["path"].rsplit("/", 2)
            if name == STATUS_FILE and time_of_run_id(run_id):
                found.append(run_id)
    return sorted(found)


async def candidates(store: ObjectStore, *, namespace: str, webjob: str) -> list[str]:
    """Return the ids of all runs of which anything is stored, oldest first.

    Several times quicker than ``run_ids``.
    """
    found = await obstore.list_with_delimiter_async(store, folder(namespace=namespace, webjob=webjob))
    names = (str(prefix).rpartition("/")[2] for prefix in found["common_prefixes"])
    return sorted(name for name in names if time_of_run_id(name))


async def delete(store: ObjectStore, run_ids: Sequence[str], *, namespace: str, webjob: str) -> None:
    """Delete the stored objects and logs of runs; do nothing for runs that are gone already."""
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(run_id: str) -> None:
        async with room:
            for name in (OUTPUT, ERRORS, STATUS_FILE):
                await stored_logs.delete(store, key(namespace=namespace, webjob=webjob, run_id=run_id, file_name=name))

    await asyncio.gather(*(one(run_id) for run_id in run_ids))


async def folders(store: ObjectStore, *, namespace: str) -> list[str]:
    """Return the object names of the triggered WebJobs of a namespace of which anything is stored."""
    found = await obstore.list_with_delimiter_async(store, folder(namespace=namespace))
    return [str(prefix).rpartition("/")[2] for prefix in found["common_prefixes"]]


async def run_files(store: ObjectStore, *, namespace: str, webjob: str, limit: int) -> list[str]:
    """Return at most ``limit`` keys of what is stored of the runs of a WebJob; the objects ``status`` last."""
    found: list[str] = []
    prefix = folder(namespace=namespace, webjob=webjob)
    async for batch in obstore.list(store, prefix, chunk_size=1000):
        for one in batch:
            path = str(one["path"])
            if time_of_run_id(path.removeprefix(f"{prefix}/").partition("/")[0]):
                found.append(path)
        if len(found) >= limit:
            break
    return sorted(found[:limit], key=lambda path: path.endswith(f"/{STATUS_FILE}"))
