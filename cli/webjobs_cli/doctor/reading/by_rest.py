"""The reading of what the REST shim answers at its address."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from webjobs_cli.doctor.facts import ByRest
from webjobs_cli.rest import Rest, RestError


async def read(rest: Rest, *, clock: Callable[[], datetime]) -> ByRest:
    """Return what comes of a list of all jobs, asked for twice: for what it says, and for the time it is sent at."""
    url = rest.address.url
    try:
        jobs = await rest.jobs()
        before = clock()
        date = await rest.date()
    except RestError as error:
        return ByRest(url=url, error=str(error), status=error.status)
    middle = before + (clock() - before) / 2
    ahead = (date - middle).total_seconds() + 0.5 if date else None
    return ByRest(url=url, jobs=len(jobs), ahead=ahead)
