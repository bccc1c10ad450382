"""What can go wrong, and the exit codes."""

from __future__ import annotations

OK = 0
FAILED = 1
USAGE = 2
INTERRUPTED = 130


class CliError(Exception):
    """Something that a person has to know; the message says what to do about it."""

    code = FAILED


class UsageError(CliError):
    """The command line itself can't be used."""

    code = USAGE
