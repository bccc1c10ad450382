"""The connection of a client: uvicorn's, with strict framing, time limits and a place among all connections.

uvicorn has no time limit but that between two requests, none for half a request, and bounds no address. A subclass of
its protocol adds them: another server would bring an HTTP parser and workers of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol
from uvicorn.server import ServerState

from webjobs_apiserver.http import framing
from webjobs_apiserver.http.browsers import NO_SNIFF
from webjobs_apiserver.http.crowd import Crowd
from webjobs_apiserver.http.framing import HEAD_BYTES, Problem

log = logging.getLogger(__name__)

ADMITTED = "webjobs.admitted"
"""Key in the state of the ASGI scope: a function to call when the client of a request was let in.

It returns False when there are too many such clients.
"""
_LATE = Problem(408, "The request did not arrive in time.")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Time limits of a connection."""

    head_seconds: float = 10
    """Seconds in which the head of a request has to arrive."""
    body_rate: int = 240
    """Bytes a second of a body that have to arrive at least; 0: it may take any time."""
    body_seconds: float = 20
    """Seconds over which the rate of a body is measured."""
    drain_seconds: float = 30
    """Seconds for which a body is taken that nobody needs, since its request is answered."""
    stalled_seconds: float = 60
    """Seconds after which an answer is given up of which the client takes nothing. Silence of ours has no limit."""


class StrictConnection(h11.Connection):
    """A reader of requests that refuses what could be read in two ways."""

    def __init__(self) -> None:
        super().__init__(h11.SERVER, HEAD_BYTES)
        self.problem: Problem | None = None
        """What was wrong with the request, if anything."""

    def next_event(self) -> Any:
        """Return the next event.

        Raises h11.RemoteProtocolError for a request that can't be read.
        """
        state, before = self.their_state, b""
        if state in (h11.IDLE, h11.SEND_BODY):
            before = self.trailing_data[0]
        if state is h11.IDLE and (end := framing.END.search(before)):
            self._refuse(framing.problem(before[: end.end()]))
        try:
            event = super().next_event()
        except h11.RemoteProtocolError as error:
            self.problem = self.problem or Problem(error.error_status_hint, "The request can't be read.")
            raise
        if isinstance(event, h11.EndOfMessage):
            last = before[: len(before) - len(self.trailing_data[0])]
            if b"\n" in last.replace(b"\r\n", b""):
                self._refuse(Problem(400, "Lines of the body's end must end with CR LF."))
        if isinstance(event, h11.Request) and not event.target.startswith(b"/"):
            target = framing.path_of(event.target)
            return h11.Request(
                method=event.method, target=target, headers=event.headers, http_version=event.http_version
            )
        return event

    def _refuse(self, problem: Problem | None) -> None:
        if problem:
            self.problem = problem
            raise h11.RemoteProtocolError(problem.message, error_status_hint=problem.status)


class Connection(H11Protocol):
    """A connection of a client. ``protocol`` makes classes of it that know their limits."""

    limits: Limits
    """Time limits of the connection."""
    crowd: Crowd
    """All connections of the process."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, {**app_state, ADMITTED: self._admitted}, _loop)
        self.conn: StrictConnection = StrictConnection()
        self._tick: asyncio.TimerHandle | None = None
        self._since: dict[str, float] = {}
        """When the things began of which the time is limited."""
        self._arrived = 0
        self._unsent = 0

    # What asyncio and uvicorn call

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a place among all connections, and begin to wait for a request."""
        super().connection_made(transport)
        self._since["head"] = self.loop.time()
        self._plan()
        self.crowd.enter(self, self.client[0] if self.client else "")

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        self.crowd.leave(self)
        if self._tick:
            self._tick.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read a part of a request."""
        if self.transport.is_closing() or self.conn.their_state in (h11.MUST_CLOSE, h11.CLOSED):
            return  # nothing more is read after what was the last request by its own word
        self._arrived += len(data)
        super().data_received(data)
        # Without its own limit: what comes before a head, or the rest of a body whose request was answered.
        self._limit("head", self.conn.their_state is h11.IDLE)

    def send_400_response(self, msg: str) -> None:
        """Answer a request that can't be read, and close."""
        self._refuse(self.conn.problem or Problem(400, msg))

    def resume_writing(self) -> None:
        """Go on with an answer of which the client has taken something."""
        self._since.pop("stalled", None)
        super().resume_writing()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self.crowd.waits(self)
        super().on_response_complete()

    # Our own

    def evict(self) -> None:
        """Close the connection at once."""
        self.transport.abort()

    def _admitted(self) -> bool:
        return self.crowd.stays(self)

    def _plan(self) -> None:
        self._tick = self.loop.call_later(min(1.0, self.limits.head_seconds / 4), self._look)

    def _look(self) -> None:
        """Look whether something takes too long; look again in a moment."""
        if self.transport.is_closing():
            if self._lasts("closing", True) > self.limits.head_seconds:
                self.transport.abort()  # the client does not take the last answer
                return
        elif self._is_stalled():
            self.transport.abort()
            return
        elif self._is_late():
            if self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]:
                self.transport.close()  # nothing has come that could be answered
            else:
                self._refuse(_LATE)
        self._plan()

    def _is_stalled(self) -> bool:
        """Return whether the client has taken nothing of an answer for too long."""
        unsent = self.transport.get_write_buffer_size() if self.flow.write_paused else 0
        progress = unsent < self._unsent or not unsent
        self._unsent = unsent
        if progress:
            self._since.pop("stalled", None)
        return self._lasts("stalled", not progress) > self.limits.stalled_seconds

    def _is_late(self) -> bool:
        """Return whether a request arrives too slowly."""
        if "head" in self._since and self._lasts("head", True) > self.limits.head_seconds:
            return True
        in_body = self.conn.their_state is h11.SEND_BODY
        answered = in_body and self.cycle.response_complete
        if self._lasts("drain", answered) > self.limits.drain_seconds:
            return True
        # A client whose bytes we don't take yet, or that waits for our word, is not slow.
        held_up = in_body and (self.flow.read_paused or (self.cycle.waiting_for_100_continue and not answered))
        if not in_body or held_up:
            self._since.pop("body", None)
        if "body" not in self._since:
            self._arrived = 0
        seconds = self._lasts("body", in_body and not held_up)
        if seconds < self.limits.body_seconds:
            return False
        self._since.pop("body", None)
        return self._arrived < seconds * self.limits.body_rate

    def _limit(self, what: str, goes_on: bool) -> None:
        if goes_on:
            self._since.setdefault(what, self.loop.time())
        else:
            self._since.pop(what, None)

    def _lasts(self, what: str, goes_on: bool) -> float:
        """Return the seconds for which something has gone on; 0 when it does not."""
        self._limit(what, goes_on)
        return self.loop.time() - self._since[what] if goes_on else 0.0

    def _refuse(self, problem: Problem) -> None:
        """Answer instead of the application, if it has not begun to; close."""
        log.info("%s: %s", self.client[0] if self.client else "?", problem.message)
        if self.cycle and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = problem.message.encode()
            headers = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(body)), **NO_SNIFF}
            pairs = [*headers.items(), ("Connection", "close")]
            reason = STATUS_PHRASES[problem.status]
            begin = h11.Response(status_code=problem.status, headers=pairs, reason=reason)
            for event in (begin, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


def protocol(limits: Limits, crowd: Crowd) -> Callable[..., Connection]:
    """Return the class of connections with some limits, as uvicorn's setting ``http`` takes it."""
    return type("LimitedConnection", (Connection,), {"limits": limits, "crowd": crowd})
