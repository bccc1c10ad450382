"""Objects as the Kragle API shows them. Pure.

They are those of its November 2015 text, which has every field of the earlier one (docs/kragle.md, section 1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from webjobs_apiserver.auth.credentials import Role
from webjobs_apiserver.service.schedules.jobs import Scheduled, Stack
from webjobs_apiserver.service.schedules.registry import Timing

PAGE_SIZE = 10
USER_IDS: Mapping[Role, int] = {"owner": 1, "reader": 2}
OWNER = USER_IDS["owner"]
"""Of every Job: they are the site's."""

Body = dict[str, Any]


def job(one: Scheduled) -> Body:
    """A Job in a list or by itself."""
    return {"id": one.id, **_common(one)}


def changed_job(one: Scheduled) -> Body:
    """The answer to a PUT."""
    return {"owner": OWNER, **_common(one)}


def _common(one: Scheduled) -> Body:
    return {
        "name": one.name,
        "stack": one.stack,
        "schedule": one.timing,
        "next_run": int(one.next_run.timestamp()) if one.next_run else None,
        "do_run": one.active,
        "do_del": one.queued,
    }


def schedule(identifier: int, timing: Timing) -> Body:
    """A Schedule."""
    config = {"period": timing.period} if timing.timestamp is None else {"timestamp": timing.timestamp}
    return {"id": identifier, "name": timing.name, "once": timing.once, "config": config}


def stack(one: Stack) -> Body:
    """A Stack: what can be run. Its blocks are none of ours."""
    return {"id": one.id, "name": one.job.name, "jobs": list(one.users)}


def page(collection: str, entries: Sequence[Body], *, number: int) -> Body:
    """One page of a list; empty beyond the end."""
    first = (number - 1) * PAGE_SIZE
    shown = list(entries[first : first + PAGE_SIZE]) if first < len(entries) else []
    return {"count": len(entries), "pagesize": PAGE_SIZE, "page": number, collection: shown}
