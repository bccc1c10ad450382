"""A client of Kudu's REST API over HTTP: of the shim, and of a site of App Service."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self
from urllib.parse import quote, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from webjobs import times
from webjobs.model import JobType
from webjobs_cli import __name__ as package_name
from webjobs_cli.address import Address
from webjobs_cli.errors import CliError
from webjobs_cli.progress import Progress

_AGENT = package_name.replace("_", "-")
_CONNECT_SECONDS = 10.0
_SILENCE_SECONDS = 120.0
"""Seconds for which a site may say nothing; uploads of many files are answered when all of them are stored."""
_PIECE_BYTES = 2**16
FOLDERS = ("site/wwwroot/App_Data/jobs", "site/jobs")
"""Folders where a site has its jobs; the first wins."""


class RestError(CliError):
    """An answer that is an error, or no answer (``status`` 0)."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def _proxy(url: str) -> str | None:
    """Return the proxy that the environment names for an address."""
    parts = urlsplit(url)
    if proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    return getproxies().get(parts.scheme)


def job_folder(job_type: JobType, name: str, *, root: str = FOLDERS[0]) -> str:
    """Return the path of a job's files in the tree, escaped for a URL, with its slash."""
    return f"{quote(root)}/{job_type}/{quote(name, safe='')}/"


def explain(status: int, body: bytes, *, address: Address, what: str) -> str:
    """Return the sentence for an error."""
    said = _said(body)
    match status:
        case 401:
            return f"{address.url} does not accept the credentials: {address.names.help}."
        case 403:
            return f"{address.url}: these credentials may not {what}. {said}".rstrip()
        case 404:
            return f"{address.url} has nothing to {what}. {said}".rstrip()
        case 429:
            return f"{address.url} refuses for now: too many wrong passwords from here. Wait a minute."
    if 300 <= status < 400:
        return f"{address.url} points elsewhere (status {status}): give the address that it points to."
    return f"{address.url} could not {what} (status {status}){f': {said}' if said else '.'}"


def _said(body: bytes) -> str:
    """Return the text in the body of an error: a sentence, or an object with Message."""
    text = body[:2000].decode("utf-8", "replace").strip()
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return "" if text[:1] == "<" else text
    if isinstance(parsed, dict):
        found = parsed.get("Message") or parsed.get("ExceptionMessage") or parsed.get("message") or ""
        return str(found)
    return str(parsed) if isinstance(parsed, str) else text


class Rest:
    """A client of one site."""

    def __init__(self, address: Address) -> None:
        self.address = address
        timeout = aiohttp.ClientTimeout(total=None, connect=_CONNECT_SECONDS, sock_read=_SILENCE_SECONDS)
        headers = {"Authorization": address.authorization, "User-Agent": _AGENT}
        # Not trust_env, which would read ~/.netrc as well, and mix its passwords with ours.
        self._http = aiohttp.ClientSession(timeout=timeout, headers=headers, proxy=_proxy(address.url))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._http.close()

    @asynccontextmanager
    async def _ask(
        self, method: str, path: str, *, what: str, data: Any = None, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request; give the answer, which is a success.

        ``path``: escaped, below the address.
        """
        try:
            # Redirects are not followed: the credentials are for this address.
            async with self._http.request(
                method,
                URL(f"{self.address.url}/{path}", encoded=True),  # it would escape a second time
                data=data,
                headers=headers,
                allow_redirects=False,
            ) as answer:
                if answer.status >= 300:
                    body = await answer.content.read(_PIECE_BYTES)
                    raise RestError(answer.status, explain(answer.status, body, address=self.address, what=what))
                yield answer
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            said = f"{type(error).__name__}: {error}".removesuffix(": ")
            raise RestError(0, f"{self.address.url} can't be reached ({said}). Is the address right?") from error

    async def _json(
        self, path: str, *, what: str, method: str = "GET", no_json: str | None = None, **request: Any
    ) -> Any:
        """Return the JSON of an answer. ``no_json``: what is said where the answer is none."""
        async with self._ask(method, path, what=what, **request) as answer:
            content = await answer.read()
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            text = f"{self.address.url} does not answer as Kudu's API does. Is it the address of the scm site?"
            raise RestError(0, no_json or text) from None

    async def date(self) -> datetime | None:
        """Return the time by the clock of the site, in whole seconds; None when it does not say it."""
        async with self._ask("GET", "api/webjobs", what="list WebJobs") as answer:
            return times.parse_http_date(answer.headers.get("Date"))

    async def jobs(self) -> list[dict[str, Any]]:
        """Return all jobs, as Kudu shows them."""
        found = await self._json("api/webjobs", what="list WebJobs")
        if not isinstance(found, list) or not all(
            isinstance(one, dict) and one.keys() >= {"name", "type"} for one in found
        ):
            raise RestError(0, f"{self.address.url} does not list WebJobs as Kudu does.")
        return found

    async def runs(self, name: str) -> list[dict[str, Any]]:
        """Return the history of a triggered job, newest first."""
        found = await self._json(f"api/triggeredwebjobs/{quote(name, safe='')}/history", what="tell the history")
        return list(found.get("runs", [])) if isinstance(found, dict) else []

    async def settings(self) -> dict[str, str]:
        """Return the app settings of the site."""
        found = await self._json("api/settings", what="read the settings of the site")
        return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}

    async def set_settings(self, values: Mapping[str, str]) -> None:
        """Set some app settings of the site; others stay."""
        await self._send("POST", "api/settings", json.dumps(dict(values)).encode(), what="set the settings of the site")

    async def _send(self, method: str, path: str, body: bytes, *, what: str) -> None:
        async with self._ask(method, path, what=what, data=body, headers={"Content-Type": "application/json"}):
            return

    async def log(self, path: str) -> AsyncGenerator[bytes]:
        """Yield a log of the tree below ``data/jobs``, in pieces; ``path`` is escaped."""
        async with self._ask("GET", f"api/vfs/data/jobs/{path}", what="show: there is no such log") as answer:
            async for piece in answer.content.iter_chunked(_PIECE_BYTES):
                yield piece

    async def download(self, folder: str, into: IO[bytes], *, limit: int, progress: Progress) -> int | None:
        """Download the zip of a folder (``job_folder``); return its size in bytes.

        None when there is no such folder.
        """
        size = 0
        try:
            async with self._ask("GET", f"api/zip/{folder}", what="give the files of the job") as answer:
                async for piece in answer.content.iter_chunked(_PIECE_BYTES):
                    size += len(piece)
                    if size > limit:
                        raise RestError(0, f"The files of the job have more than {limit} bytes.")
                    await asyncio.to_thread(into.write, piece)
                    progress.moved(size)
        except RestError as error:
            if error.status == 404:
                return None
            raise
        return size

    async def upload(self, job_type: JobType, name: str, archive: Path, *, progress: Progress) -> dict[str, Any]:
        """Upload a zip: create a job, or replace its files and settings; return the job as it is then."""
        size = (await asyncio.to_thread(archive.stat)).st_size
        headers = {
            "Content-Type": "application/zip",
            "Content-Disposition": "attachment; filename=job.zip",
            "Content-Length": str(size),
        }
        path = f"api/{job_type}webjobs/{quote(name, safe='')}"
        data = _pieces(archive, progress)
        no_json = f"{self.address.url} does not answer as Kudu's API does."
        found: dict[str, Any] = await self._json(
            path, method="PUT", what="take the files", no_json=no_json, data=data, headers=headers
        )
        return found

    async def publish_profile(self, *, host: str | None = None) -> str:
        """Return the publish profile of the site. ``host``: the host in it; None: that of the address."""
        query = f"?host={quote(host, safe='')}" if host is not None else ""
        async with self._ask("GET", f"api/publishprofile{query}", what="give a publish profile") as answer:
            content = await answer.read()
        text = content.decode("utf-8", "replace")
        if not text.startswith("<publishData>"):
            raise RestError(0, f"{self.address.url} has no publish profiles.")
        return text

    @asynccontextmanager
    async def backup(self) -> AsyncIterator[tuple[str, AsyncIterator[bytes]]]:
        """Give the name that the site proposes for a backup of it, and the backup in pieces."""
        async with self._ask("GET", "api/backup", what="make a backup") as answer:
            name = answer.content_disposition.filename if answer.content_disposition else None
            yield name or "", self._read(answer)

    async def _read(self, answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        async for piece in answer.content.iter_chunked(_PIECE_BYTES):
            yield piece

    async def restore(self, content: AsyncIterator[bytes], *, dry_run: bool) -> dict[str, Any]:
        """Upload a backup; return what was restored, or would be."""
        path = "api/backup?dryRun=true" if dry_run else "api/backup"
        headers = {"Content-Type": "application/x-tar"}
        no_json = f"{self.address.url} has no backups."
        found: dict[str, Any] = await self._json(
            path, method="PUT", what="restore the backup", no_json=no_json, data=content, headers=headers
        )
        return found


async def _pieces(file: Path, progress: Progress) -> AsyncIterator[bytes]:
    sent = 0
    with await asyncio.to_thread(file.open, "rb") as source:
        while piece := await asyncio.to_thread(source.read, _PIECE_BYTES):
            yield piece
            sent += len(piece)
            progress.moved(sent)
