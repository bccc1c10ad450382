"""The exception that says why a WebJob can't run."""

from __future__ import annotations


class Unrunnable(Exception):
    """A WebJob that can't run here; ``reason`` is a CamelCase word, the message says what to do."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
