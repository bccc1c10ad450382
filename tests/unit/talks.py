"""Connections to waiting pods, as they go in a test: each pass there has an event loop of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from webjobs.logs import Output
from webjobs_operator.sessions import Session, SessionHearing, Sessions


class Talk(Session):
    """What one pod was told; the test says what came of it."""

    def __init__(self) -> None:
        self.told: list[bytes] = []
        self.up = True
        self.code = self.over = None
        self.output: list[Output] | None = None

    @property
    def ready(self) -> bool:
        return self.up and not self.told

    @property
    def whole(self) -> bool:
        return True

    @property
    def lines(self) -> list[Output] | None:
        return self.output if self.over else None

    async def begin(self, line: bytes) -> None:
        if not self.told:
            self.told.append(line)

    def hearing(self) -> SessionHearing:
        raise AssertionError("nobody follows in these tests")

    def end(self, when: datetime, *lines: str, code: int = 0) -> None:
        """All output came, and the exit code."""
        self.code, self.over = code, when
        self.output = [Output(f"{when:%Y-%m-%dT%H:%M:%S}.000000000Z {line}") for line in lines]


class Talks(Sessions):
    """By the UID of the pod."""

    def __init__(self) -> None:
        self.known: dict[str, Talk] = {}
        self.refused = False

    @property
    def forbidden(self) -> bool:
        return self.refused

    @property
    def has_room(self) -> bool:
        return True

    def get(self, uid: str) -> Talk | None:
        return self.known.get(uid)

    def attend(self, key: tuple[str, str], pod: Mapping[str, Any]) -> Talk:
        return self.known.setdefault(pod["metadata"]["uid"], Talk())

    def keep(self, key: tuple[str, str], uids: Collection[str]) -> None:
        self.known = {uid: talk for uid, talk in self.known.items() if uid in uids}
