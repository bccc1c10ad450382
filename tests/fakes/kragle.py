"""The Kragle API over a shim in memory, for tests: requests, and what a WebJob and an operator would add."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from tests.fakes.objects import webjob_body
from tests.fakes.shim import Shim

ROOT = "/api/v1"
Body = dict[str, Any]
Answer = tuple[int, Body]


@dataclass
class Kragle:
    """A shim and a client of it."""

    shim: Shim
    http: httpx.AsyncClient

    async def ask(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        """Status and body of a request."""
        if body is not None:
            options["json"] = body
        answer = await self.http.request(method, ROOT + path, **options)
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        return answer.status_code, answer.json()

    async def get(self, path: str) -> Body:
        """A reply that must be one of success."""
        return await self.ok("GET", path)

    async def ok(self, method: str, path: str, body: Any = None) -> Body:
        """The same by any method."""
        status, found = await self.ask(method, path, body)
        assert status == 200, found
        return found

    async def code(self, method: str, path: str, body: Any = None, **options: Any) -> int:
        """The code of a fault; nothing is changed by it."""
        before = dict(self.shim.kube.objects)
        status, found = await self.ask(method, path, body, **options)
        assert (status, sorted(found)) == (500, ["code", "msg"]), (status, found)
        assert self.shim.kube.objects == before
        assert found["msg"]
        code: int = found["code"]
        return code

    async def schedule(self, **config: int) -> int:
        """A new Schedule with a config."""
        body: Body = {"config": config or {"period": 3600}}
        if "timestamp" in config:
            body["once"] = True
        return int((await self.ok("POST", "/schedules", body))["id"])

    async def stack(self, name: str = "job") -> int:
        """The id of a Stack; its WebJob is made when it is not there."""
        if ("WebJob", "site", name) not in self.shim.kube.objects:
            self.shim.kube.add(webjob_body(name=name))
        return int((await self.get(f"/blockstacks/byname/{name}"))["id"])

    async def job(self, **more: Any) -> int:
        """A new Job; with a Schedule and a Stack of its own unless given."""
        body = {"stack_id": more.pop("stack_id", None) or await self.stack()}
        body["schedule_id"] = more.pop("schedule_id", None) or await self.schedule()
        return int((await self.ok("POST", "/jobs", body | more))["id"])

    def object(self, identifier: int) -> Body | None:
        """The WebJobSchedule of a Job."""
        return self.shim.kube.objects.get(("WebJobSchedule", "site", f"kragle-{identifier}"))

    def handled(self, identifier: int, when: str) -> None:
        """What the operator writes when it has dealt with a time."""
        self.shim.set_status("WebJobSchedule", f"kragle-{identifier}", lastScheduleTime=when, lastOutcome="Started")


@asynccontextmanager
async def kragle(**options: Any) -> AsyncIterator[Kragle]:
    """A fresh one; ``options``: of the section of the configuration."""
    with TemporaryDirectory() as folder:
        shim = Shim(directory=Path(folder), settings={"kragle": {"enabled": True} | options})
        async with shim.client() as client:
            yield Kragle(shim=shim, http=client)
