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
"""Entries of a page."""
USER_IDS: Mapping[Role, int] = {"owner": 1, "reader": 2}
"""Ids of users by the roles of the accounts that may log in."""
OWNER = USER_IDS["owner"]
"""Id of the owner of every Job: they are the site's."""

Body = dict[str, Any]


def job(one: Scheduled) -> Body:
    """Return a Job, as it stands in a list and by itself."""
    return {"id": one.id, **_common(one)}


def changed_job(one: Scheduled) -> Body:
    """Return the answer to a PUT of a Job."""
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
    """Return a Schedule."""
    config = {"period": timing.period} if timing.timestamp is None else {"timestamp": timing.timestamp}
    return {"id": identifier, "name": timing.name, "once": timing.once, "config": config}


def stack(one: Stack) -> Body:
    """Return a Stack, which is what can be run.

    Blocks of a Stack don't exist here.
    """
    return {"id": one.id, "name": one.job.name, "jobs": list(one.users)}


def page(collection: str, entries: Sequence[Body], *, number: int) -> Body:
    """Return one page of a list; an empty one beyond the end."""
    first = (number - 1) * PAGE_SIZE
    shown = list(entries[first : first + PAGE_SIZE]) if first < len(entries) else []
    return {"count": len(entries), "pagesize": PAGE_SIZE, "page": number, collection: shown}
