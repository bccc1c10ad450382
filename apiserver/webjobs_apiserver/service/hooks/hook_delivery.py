"""Delivery of ended runs to web hooks.

What is told is noted in an annotation of the run, by conditional writes: a claim before the first try, ``done`` at the
end. So several shims tell it once, a shim that dies in between is replaced after CLAIM_SECONDS, and nothing grows: the
note goes with its run.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from webjobs import times
from webjobs.model import GROUP, WebJobRun
from webjobs.objects import Object
from webjobs_apiserver import metrics
from webjobs_apiserver.errors import ServiceError
from webjobs_apiserver.service.hooks import hook_requests
from webjobs_apiserver.service.hooks.hooks import Hook, Hooks
from webjobs_apiserver.service.jobs import Job, Jobs
from webjobs_apiserver.sites import Site
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import ApiError, Conflict, NotFound
from webjobs_kube.update import update_by_patch

log = logging.getLogger(__name__)

ANNOTATION = f"{GROUP}/hooks"
"""Annotation of a run with the notes on its deliveries, by the hooks' ids."""
POLL_SECONDS = 5.0
"""Seconds from one look for ended runs to the next."""
PAUSES = (2.0, 10.0, 30.0)
"""Seconds before the second and each further try."""
CLAIM_SECONDS = 180
"""Seconds for which a claim counts: longer than all tries together."""
DONE = "done"
"""Note on a delivery that is done."""
_AT_ONCE = 16


class Post(Protocol):
    """A function that posts to a hook, as ``hook_requests.post`` with its destinations."""

    def __call__(self, url: str, body: bytes, *, insecure: bool) -> Awaitable[tuple[int, str]]:
        """Send a body to an address; return status and reason of the answer.

        Raises NotDelivered.
        """


Body = Callable[[WebJobRun, Job, str], bytes]
"""A function that returns what is posted of a run; its third argument is the base of URLs."""


class Delivery:
    """The loop of one process that delivers the ended runs of one site."""

    def __init__(
        self,
        kube: KubeClient,
        *,
        hooks: Hooks,
        jobs: Jobs,
        body: Body,
        clock: Callable[[], datetime],
        post: Post,
    ) -> None:
        self._kube = kube
        self._hooks = hooks
        self._jobs = jobs
        self._body = body
        self._clock = clock
        self._post = post
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def run(self, site: Site) -> None:
        """Deliver forever; errors are logged and tried again."""
        async with asyncio.TaskGroup() as deliveries:
            while True:
                try:
                    for work in await self.due(site):
                        deliveries.create_task(self.tell(site, *work))
                except (ApiError, ServiceError) as error:
                    log.warning("web hooks of %s: %s", site.namespace, error)
                except Exception:  # one object that can't be read must not end the loop
                    log.exception("web hooks of %s", site.namespace)
                await asyncio.sleep(POLL_SECONDS)

    async def due(self, site: Site) -> list[tuple[Hook, WebJobRun]]:
        """Claim the deliveries that are to be made now, and return them.

        One read when there is no hook.
        """
        hooks = await self._hooks.all(site)
        found: list[tuple[Hook, WebJobRun]] = []
        if not hooks:
            return found
        for raw in await self._kube.list("WebJobRun", site.namespace):
            run = WebJobRun.parse(raw)
            if not run.ended or run.status.state == "Skipped" or not run.status.end_time:
                continue
            notes = _notes(raw)
            mine = [hook for hook in hooks if self._is_due(hook, run, notes.get(hook.id))]
            if mine and await self._note(site, raw, dict.fromkeys((hook.id for hook in mine), self._now())):
                found += [(hook, run) for hook in mine]
        return found

    def _is_due(self, hook: Hook, run: WebJobRun, note: str | None) -> bool:
        if note == DONE or times.parse_time(run.status.end_time) < times.parse_time(hook.since):
            return False
        return note is None or self._clock() - _time(note) > timedelta(seconds=CLAIM_SECONDS)

    def _now(self) -> str:
        return times.rfc3339(self._clock())

    async def _note(self, site: Site, raw: Object, notes: dict[str, str]) -> bool:
        """Write notes unless the run has changed since it was read; return whether they are written."""
        meta = raw["metadata"]
        noted = _noted(raw, notes)["metadata"]
        patch = {"metadata": noted | {"resourceVersion": meta["resourceVersion"]}}
        try:
            await self._kube.patch("WebJobRun", site.namespace, meta["name"], patch)
        except (Conflict, NotFound):
            return False
        return True

    async def tell(self, site: Site, hook: Hook, run: WebJobRun) -> None:
        """Post one run to one hook, several times if need be, and note that it is done."""
        async with self._room:
            try:
                job = await self._job(site, run)
                if job:
                    await self._try(site, hook, self._body(run, job, hook.base))
                done = partial(_noted, notes={hook.id: DONE})
                await update_by_patch(self._kube, "WebJobRun", site.namespace, run.metadata.name, done)
            except (ApiError, ServiceError) as error:
                log.warning("web hook %s of run %s: %s", hook.id, run.metadata.name, error)
            except Exception:  # one delivery must not end the others
                log.exception("web hook %s of run %s", hook.id, run.metadata.name)

    async def _job(self, site: Site, run: WebJobRun) -> Job | None:
        jobs = await self._jobs.list(site, "triggered", scriptless=True)
        return next((job for job in jobs if job.object_name == run.spec.web_job_name), None)

    async def _try(self, site: Site, hook: Hook, body: bytes) -> None:
        status, reason = 0, ""
        for pause in (0.0, *PAUSES):
            await asyncio.sleep(pause)
            try:
                status, reason = await self._post(hook.url, body, insecure=hook.insecure_ssl)
            except hook_requests.NotDelivered as error:
                status, reason = 0, str(error)
            if status and status < 500 and status != 429:
                break
        metrics.HOOKS.labels("delivered" if 200 <= status < 300 else "failed").inc()
        if status == 410:
            log.info("web hook %s is gone", hook.id)
            await self._hooks.remove(site, hook.id)
            return
        told = {
            "last_status": str(status) if status else "Failure",
            "last_reason": reason,
            "last_datetime": times.kudu_time(self._clock()),
            "last_context": body.decode("utf-8", "replace"),
        }
        await self._hooks.change(
            site, lambda hooks: [one.model_copy(update=told) if one.id == hook.id else one for one in hooks]
        )


def _notes(raw: Object) -> dict[str, str]:
    try:
        notes = json.loads((raw["metadata"].get("annotations") or {}).get(ANNOTATION, "{}"))
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in notes.items()} if isinstance(notes, dict) else {}


def _noted(raw: Object, notes: dict[str, str]) -> Object:
    """Return the patch that adds notes to those of a run."""
    text = json.dumps(_notes(raw) | notes, separators=(",", ":"), sort_keys=True)
    return {"metadata": {"annotations": {ANNOTATION: text}}}


def _time(text: str) -> datetime:
    try:
        return times.parse_time(text)
    except ValueError:
        return times.parse_time(None)
