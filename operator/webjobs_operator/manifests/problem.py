"""Why a WebJob can't run."""

from __future__ import annotations


class Unrunnable(Exception):
    """The WebJob can't run here; ``reason`` is a CamelCase word, the message says what to do."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
