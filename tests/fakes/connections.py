"""Connections to waiting pods, as they go in a test: each pass there has an event loop of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from webjobs.logs.kudu_lines import Output
from webjobs.logs.stderr import Stderr
from webjobs_operator.attach.connections import Session, SessionHearing, Sessions


class Pods:
    """What the processes in the pods know, whoever told them: it outlives operators."""

    def __init__(self) -> None:
        self.heard: dict[str, list[bytes]] = {}
        """All lines by the UID of the pod; the first is what it runs."""

    def hear(self, uid: str, line: bytes) -> None:
        """A line on stdin."""
        self.heard.setdefault(uid, []).append(line)

    def run_of(self, uid: str) -> str | None:
        """Id of the run that a pod began."""
        if uid not in self.heard:
            return None
        _, _, rest = self.heard[uid][0].partition(b"WEBJOBS_RUN_ID=")
        return rest.partition(b" ")[0].decode()


class Talk(Session):
    """What one pod was told over one connection; the test says what came of it."""

    def __init__(self, pods: Pods, uid: str) -> None:
        self._pods, self._uid = pods, uid
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
            self._pods.hear(self._uid, line)

    def hearing(self) -> SessionHearing:
        return SessionHearing(Stderr(), asyncio.Event())

    def end(self, when: datetime, *lines: str, code: int = 0) -> None:
        """All output came (lines of stderr begin with !), and the exit code."""
        self.code, self.over = code, when
        stamp = f"{when:%Y-%m-%dT%H:%M:%S}.000000000Z"
        self.output = [
            Output(f"{stamp} {line.removeprefix('!')}", "ERR" if line.startswith("!") else "INFO") for line in lines
        ]


class Talks(Sessions):
    """By the UID of the pod."""

    def __init__(self, pods: Pods | None = None) -> None:
        self.pods = pods or Pods()
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
        uid = pod["metadata"]["uid"]
        return self.known.setdefault(uid, Talk(self.pods, uid))

    def keep(self, key: tuple[str, str], uids: Collection[str]) -> None:
        self.known = {uid: talk for uid, talk in self.known.items() if uid in uids}
