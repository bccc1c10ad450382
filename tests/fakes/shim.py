"""The REST shim in memory, for tests."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from tests.fakes.kube import FakeKube
from webjobs.store import ObjectStore, open_store
from webjobs_apiserver.app import create_app
from webjobs_apiserver.config import ApiserverConfig, LimitsConfig

USER, PASSWORD = "user", "sécret:with colon"
START = datetime(2026, 1, 1, 12, 0, 0, 123400, tzinfo=UTC)
RUN_ID = "202601011200001234"
"""Of a run at START."""


@dataclass
class Shim:
    """A shim over a fake API server, with a clock that stands still until it is moved."""

    directory: Path
    limits: LimitsConfig = field(default_factory=LimitsConfig)
    settings: dict[str, Any] = field(default_factory=dict)
    """More of the configuration."""
    now: datetime = START
    kube: FakeKube = field(default_factory=FakeKube)
    store: ObjectStore = field(default_factory=lambda: open_store("memory:///"))

    def __post_init__(self) -> None:
        self.kube.clock = lambda: self.now
        (self.directory / "username").write_text(USER + "\n")
        (self.directory / "password").write_text(PASSWORD)
        self.config = ApiserverConfig(
            namespace="site",
            store_url="memory:///",
            credentials_directory=self.directory,
            limits=self.limits,
            **self.settings,
        )
        self.app = create_app(config=self.config, kube=self.kube, store=self.store, clock=lambda: self.now)

    def client(
        self,
        *,
        auth: tuple[str, str] | None = (USER, PASSWORD),
        raising: bool = True,
        host: str = "s",
        address: str = "127.0.0.1",
    ) -> httpx.AsyncClient:
        """A client at an address; ``raising``: an unexpected exception comes through instead of its 500."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=raising, client=(address, 1))
        encoded = None if auth is None else httpx.BasicAuth(auth[0].encode(), auth[1].encode())
        return httpx.AsyncClient(
            transport=transport, base_url=f"https://{host}", auth=encoded, headers={"User-Agent": "curl/8.5.0"}
        )

    @asynccontextmanager
    async def running(self, *, watches: int = 2) -> AsyncIterator[httpx.AsyncClient]:
        """The shim as its process runs it, with full caches; gives a client. Calls so far are forgotten."""
        async with self.app.router.lifespan_context(self.app), self.client() as client:
            while (await client.get("/readyz")).status_code != 200:  # noqa: ASYNC110  others get their turn
                await asyncio.sleep(0)
            await self.caught_up(watches=watches)
            self.kube.calls.clear()
            yield client

    async def caught_up(self, *, watches: int = 2) -> None:
        """Until the caches know all that has happened."""
        while not self.kube.stand(watches):  # noqa: ASYNC110  as above
            await asyncio.sleep(0)

    def pass_time(self, **parts: float) -> None:
        """Moves the clock."""
        self.now += timedelta(**parts)

    def set_status(self, kind: str, name: str, **changes: Any) -> None:
        """What the operator would write."""
        there = self.kube.objects[(kind, "site", name)]
        there["status"] = there.get("status", {}) | changes


@contextmanager
def shim(**options: Any) -> Iterator[Shim]:
    """A fresh one."""
    with TemporaryDirectory() as directory:
        yield Shim(directory=Path(directory), **options)


def answer_of(response: httpx.Response) -> tuple[int, str | None, str]:
    """Status, content type and body."""
    return response.status_code, response.headers.get("content-type"), response.text


def zipped(files: Mapping[str, str | bytes], *, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of path -> content."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for path, content in files.items():
            archive.writestr(zipfile.ZipInfo(path), content, compress_type=compression)
    return out.getvalue()


ZIP = {"Content-Type": "application/zip", "Content-Disposition": "attachment; filename=job.zip"}


def script(name: str = "run.sh") -> dict[str, str]:
    """Headers of the upload of one script."""
    return {"Content-Disposition": f'attachment; filename="{name}"'}
