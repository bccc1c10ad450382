"""A line on the terminal that says how far a transfer is."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self, TextIO

from webjobs_cli import text

_EVERY_SECONDS = 0.1


class Progress:
    """The progress of one transfer; silent where the error output is no terminal.

    ``total``: bytes, None when not known.
    """

    def __init__(self, out: TextIO, what: str, *, total: int | None = None) -> None:
        self._out = out
        self._what = text.plain(what)
        self._total = total
        self._shown = 0.0
        self._wrote = False
        self._is_seen = out.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._wrote:  # what is told next begins on a clean line
            self._out.write("\r\x1b[K")
            self._out.flush()

    def moved(self, count: int) -> None:
        """Show how many bytes were moved by now."""
        now = time.monotonic()
        if not self._is_seen or now - self._shown < _EVERY_SECONDS:
            return
        self._shown, self._wrote = now, True
        self._out.write(f"\r\x1b[K{line(self._what, count, self._total)}")
        self._out.flush()


def line(what: str, count: int, total: int | None) -> str:
    """Return the line for a transfer: ``report: 3.0 MiB of 12.0 MiB (25%)``."""
    if not total:
        return f"{what}: {text.size(count)}"
    return f"{what}: {text.size(count)} of {text.size(total)} ({min(100 * count // total, 100)}%)"
