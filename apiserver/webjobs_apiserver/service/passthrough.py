"""Requests that go through to a continuous job's own server, streamed both ways.

They are described in docs/kudu-contract.md, section 1.2. aiohttp comes with the Kubernetes client.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from webjobs.constants import PORT
from webjobs_apiserver.errors import Missing
from webjobs_apiserver.service.job_logs import JobLogs
from webjobs_apiserver.service.jobs import Jobs
from webjobs_apiserver.sites import Site

Pod = dict[str, Any]
Headers = list[tuple[str, str]]
"""Headers with their values, in their order."""

_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=10, sock_read=230)
"""Timeouts in seconds; App Service's front end too gives up after 230 without a byte."""
_PIECE_BYTES = 2**16
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_OURS = frozenset({"authorization", "host", "expect"})
"""Headers of the request that don't go through: the site's password is not the job's business."""


class Unanswered(Exception):
    """A request to which the job gave no answer; the message is for the client."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A job's answer whose body is still to come."""

    status: int
    """HTTP status of the answer."""
    headers: Headers
    """Headers of the answer that are for the client."""
    content: AsyncIterator[bytes]
    """Pieces of the body."""
    stack: AsyncExitStack
    """Connection to the job, which must be closed after the body."""


def end_to_end(headers: Iterable[tuple[str, str]], *, without: frozenset[str] = frozenset()) -> Headers:
    """Return the headers that are for the other end (RFC 9110, section 7.6.1), except ``without``."""
    known = list(headers)
    named = {
        token.strip().lower() for name, value in known if name.lower() == "connection" for token in value.split(",")
    }
    dropped = _HOP_BY_HOP | named | without
    return [(name, value) for name, value in known if name.lower() not in dropped]


def is_ready(pod: Pod) -> bool:
    """Return whether a pod takes requests."""
    conditions = pod.get("status", {}).get("conditions") or []
    return (
        not pod["metadata"].get("deletionTimestamp")
        and bool(pod.get("status", {}).get("podIP"))
        and any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    )


def url_of(pod: Pod, target: str, *, port: int) -> URL:
    """Return the URL of a target in a pod.

    ``target``: path and query as the client escaped them.
    """
    address = pod["status"]["podIP"]
    host = f"[{address}]" if ":" in address else address
    return URL(f"http://{host}:{port}/{target.lstrip('/')}", encoded=True)


class Passthrough:
    """Requests to the jobs of a site."""

    def __init__(self, *, jobs: Jobs, logs: JobLogs, port: int = PORT) -> None:
        self._jobs = jobs
        self._logs = logs
        self.port = port

    async def send(
        self,
        site: Site,
        name: str,
        *,
        method: str,
        target: str,
        headers: Iterable[tuple[str, str]],
        body: AsyncIterable[bytes] | None,
    ) -> Answer:
        """Send a request to the oldest ready instance of a job; return its answer.

        Raises Unanswered for whatever goes wrong.
        """
        try:
            job = await self._jobs.get(site, "continuous", name)
        except Missing:
            raise Unanswered(f"There is no continuous WebJob {name!r}.") from None
        ready = [pod for pod in await self._logs.instances(site, job) if is_ready(pod)]
        if not ready:
            raise Unanswered(f"No instance of the WebJob {name!r} is ready.")
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(
                aiohttp.ClientSession(
                    timeout=_TIMEOUT,
                    auto_decompress=False,
                    cookie_jar=aiohttp.DummyCookieJar(),
                    skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                )
            )
            try:
                response = await stack.enter_async_context(
                    session.request(
                        method,
                        url_of(ready[0], target, port=self.port),
                        headers=end_to_end(headers, without=_OURS),
                        data=body,
                        allow_redirects=False,
                    )
                )
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
                raise Unanswered(
                    f"The WebJob {name!r} does not answer on its port ({type(error).__name__})."
                ) from error
            received = [(key.decode("latin-1"), value.decode("latin-1")) for key, value in response.raw_headers]
            return Answer(
                status=response.status,
                headers=end_to_end(received),
                content=response.content.iter_chunked(_PIECE_BYTES),
                stack=stack.pop_all(),
            )
        raise AssertionError("unreachable")
