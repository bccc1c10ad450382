"""The log of an ended run, from its pods into the store, before anything lets the pods go."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from obstore.exceptions import BaseError

from webjobs.logs import kudu_lines
from webjobs.logs.kudu_lines import Output
from webjobs.model import WebJob, WebJobRun
from webjobs.pods import newest_pod
from webjobs.runs import runs
from webjobs.store import ObjectStore, run_log_parts
from webjobs.store import run_logs as stored_logs
from webjobs_kube.errors import ApiError
from webjobs_kube.logs import run_output
from webjobs_kube.logs.pod_logs import PodLogs

GIVE_UP = timedelta(minutes=10)
"""Time after a run's end after which a node that does not give its log is taken for lost."""
REFUSED = timedelta(seconds=20)
"""Time after a run's end in which a node's answer that there is no log is not believed."""


class NotArchived(Exception):
    """A log that is not in the store, and should be tried again."""


def log_key(run: WebJobRun) -> str:
    """Return the key under which the log of a run is stored."""
    return stored_logs.run_log_key(
        namespace=run.metadata.namespace, webjob=run.spec.web_job_name, run_id=runs.run_id(run)
    )


def output(
    run: WebJobRun,
    *,
    pod_logs: PodLogs,
    store: ObjectStore,
    pods: Sequence[Mapping[str, Any]],
    ended: datetime,
    now: datetime,
) -> AsyncIterator[Output]:
    """Return what a run wrote, from its pods and from what was stored of it.

    ``ended``: when the run ended. Raises ApiError when a pod can't be read, until GIVE_UP has passed since then, and
    when there is no log where there should be one, until REFUSED has.
    """
    since = now - ended
    return run_output.output(
        store=store,
        pod_logs=pod_logs,
        log_key=log_key(run),
        pods=pods,
        must_read=since < GIVE_UP,
        must_have=since < REFUSED,
    )


async def archive(
    lines: AsyncIterator[Output],
    *,
    store: ObjectStore,
    webjob: WebJob,
    run: WebJobRun,
    pods: Sequence[Mapping[str, Any]],
) -> dict[str, str]:
    """Store the log of a run whose status says how it ended; return what its status says of where the log lies.

    ``lines``: what the run wrote. Repeating this is safe: the key stays, and the stored log is replaced as a whole.
    Raises NotArchived while the log can't be read or stored now but may be later.
    """
    key = log_key(run)
    header = kudu_lines.run_log(webjob, run, newest_pod(pods))
    count = _Count(lines)
    try:
        await stored_logs.write(store, key, kudu_lines.gathered(kudu_lines.render(header, count.lines())))
        paths = {"logPath": key}
        if count.errors:
            paths["errorLogPath"] = await _archive_errors(store, key)
        await run_log_parts.delete(store, key)
    except (ApiError, BaseError, OSError) as error:
        raise NotArchived(str(error)) from error
    return paths


async def lines_of(store: ObjectStore, run: WebJobRun) -> int:
    """Return the number of lines of output in the stored log of a run."""
    found = await stored_logs.read(store, log_key(run))
    if found is None:
        return 0
    text = b"".join([piece async for piece in found[1]])
    return sum(b": SYS " not in line[:60] for line in text.split(b"\r\n") if line)


async def _archive_errors(store: ObjectStore, key: str) -> str:
    """Store the lines of stderr once more, on their own: from the stored log, so that both say the same."""
    errors, stored = stored_logs.error_log_key(key), await stored_logs.read(store, key)
    if stored:
        await stored_logs.write(store, errors, kudu_lines.errors_of(stored[1]))
    return errors


class _Count:
    """A counter of the lines of stderr that pass."""

    def __init__(self, source: AsyncIterator[Output]) -> None:
        self._source = source
        self.errors = 0

    async def lines(self) -> AsyncIterator[Output]:
        async for line in self._source:
            self.errors += line.level == "ERR"
            yield line
