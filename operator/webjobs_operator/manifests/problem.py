"""The exception that says why a WebJob can't run."""

from __future__ import annotations


class Unrunnable(Exception):
    """A WebJob that can't run here; ``reason`` is a CamelCase word, the message says what to do.

    ``passes``: it may pass without a change of the WebJob, so that runs wait instead of failing; ``ends``:
    they do so for startingDeadlineSeconds only. ``stops``: Deployment and CronJob of before have to go, because what
    they run is not wanted any more, or not allowed.
    """

    def __init__(
        self, reason: str, message: str, *, passes: bool = False, ends: bool = False, stops: bool = False
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.passes = passes
        self.ends = ends
        self.stops = stops
