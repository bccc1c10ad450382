"""Errors for a person, and the exit codes."""

from __future__ import annotations

OK = 0
"""Exit code of success."""
FAILED = 1
"""Exit code of a failure."""
USAGE = 2
"""Exit code of a command line that can't be used."""
INTERRUPTED = 130
"""Exit code after Ctrl-C."""


class CliError(Exception):
    """An error that a person has to know; the message says what to do about it."""

    code = FAILED
    """Exit code that the error ends the program with."""


class UsageError(CliError):
    """A command line that can't be used."""

    code = USAGE
