"""The history of a job beyond what etcd should hold: beside the log of each older run an object ``status``.

It is written once and never changed, before the WebJobRun goes; it is removed after the logs, so that what is left of
a run by a removal that was cut off is still known.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import obstore
from obstore.exceptions import AlreadyExistsError

from webjobs.runs.runs import time_of_run_id
from webjobs.store import ObjectStore
from webjobs.store import run_logs as stored_logs
from webjobs.store.run_logs import ERRORS, OUTPUT

STATUS = "status"
_AT_ONCE = 8


def folder(*, namespace: str, webjob: str = "") -> str:
    """Key prefix of all that is stored of a WebJob by its object name (of all of a namespace), without the slash."""
    return f"{namespace}/data/jobs/triggered/{webjob}".removesuffix("/")


def key(*, namespace: str, webjob: str, run_id: str, file_name: str = STATUS) -> str:
    """Key of a run's object, or of a file beside it."""
    return stored_logs.run_log_key(namespace=namespace, webjob=webjob, run_id=run_id, file_name=file_name)


async def write(store: ObjectStore, key: str, content: bytes) -> bool:
    """Stores an object unless there is one; whether there was none."""
    try:
        await obstore.put_async(store, key, content, mode="create", use_multipart=False)
    except AlreadyExistsError:
        return False
    return True


async def replace(store: ObjectStore, key: str, content: bytes) -> None:
    """Stores an object over another one."""
    await obstore.put_async(store, key, content)


async def read(store: ObjectStore, key: str) -> bytes | None:
    """An object; None when there is none."""
    try:
        return bytes(await (await obstore.get_async(store, key)).bytes_async())
    except FileNotFoundError:
        return None


async def run_ids(store: ObjectStore, *, namespace: str, webjob: str) -> list[str]:
    """Ids of the runs whose objects are stored, oldest first. One listing."""
    found = []
    async for batch in obstore.list(store, folder(namespace=namespace, webjob=webjob), chunk_size=1000):
        for one in batch:
            _, run_id, name = one["path"].rsplit("/", 2)
            if name == STATUS and time_of_run_id(run_id):
                found.append(run_id)
    return sorted(found)


async def candidates(store: ObjectStore, *, namespace: str, webjob: str) -> list[str]:
    """Ids of all runs of which anything is stored, oldest first: several times quicker than ``run_ids``."""
    found = await obstore.list_with_delimiter_async(store, folder(namespace=namespace, webjob=webjob))
    names = (str(prefix).rpartition("/")[2] for prefix in found["common_prefixes"])
    return sorted(name for name in names if time_of_run_id(name))


async def delete(store: ObjectStore, run_ids: Sequence[str], *, namespace: str, webjob: str) -> None:
    """Removes runs with their logs; fine when they are gone already."""
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(run_id: str) -> None:
        async with room:
            for name in (OUTPUT, ERRORS, STATUS):
                await stored_logs.delete(store, key(namespace=namespace, webjob=webjob, run_id=run_id, file_name=name))

    await asyncio.gather(*(one(run_id) for run_id in run_ids))


async def folders(store: ObjectStore, *, namespace: str) -> list[str]:
    """Object names of the triggered WebJobs of a namespace of which anything is stored."""
    found = await obstore.list_with_delimiter_async(store, folder(namespace=namespace))
    return [str(prefix).rpartition("/")[2] for prefix in found["common_prefixes"]]


async def run_files(store: ObjectStore, *, namespace: str, webjob: str, limit: int) -> list[str]:
    """Keys of all that is stored of the runs of a WebJob, at most so many; the objects last."""
    found: list[str] = []
    prefix = folder(namespace=namespace, webjob=webjob)
    async for batch in obstore.list(store, prefix, chunk_size=1000):
        for one in batch:
            path = str(one["path"])
            if time_of_run_id(path.removeprefix(f"{prefix}/").partition("/")[0]):
                found.append(path)
        if len(found) >= limit:
            break
    return sorted(found[:limit], key=lambda path: path.endswith(f"/{STATUS}"))
