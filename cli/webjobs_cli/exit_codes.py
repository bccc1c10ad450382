"""Exit codes that stand for the end of a run. Pure."""

from __future__ import annotations

from webjobs.model import WebJobRun
from webjobs_cli.errors import FAILED, OK

_MOST = 255


def exit_code(run: WebJobRun) -> int:
    """Return 0 for Success; else the process' own code, where there is one that a shell can have; else 1.

    A process that a signal ended has 128 and the signal's number from its container, as from any shell.
    """
    if run.status.state == "Success":
        return OK
    code = run.status.exit_code
    return code if code is not None and 0 < code <= _MOST else FAILED


def sentence(run: WebJobRun, run_id: str) -> str:
    """Return a sentence that says how a run ended."""
    status = run.status
    code = f" with exit code {status.exit_code}" if status.exit_code else ""
    said = status.message or ""
    known = not said or status.state == "Success" or (code and said.rstrip(".").endswith(code.removeprefix(" ")))
    why = "" if known else f": {said}"
    return f"Run {run_id} ended: {status.state}{code}{why}"
