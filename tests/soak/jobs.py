"""The jobs of the soak: six kinds that take turns."""

from __future__ import annotations

from typing import Any

KINDS = ("forbid", "queue", "allow", "timer", "cron", "worker")
WORKERS = 10
"""Continuous jobs: each is a pod that stays, and a node holds 110."""
HOT = 12
"""Jobs that are called so often that runs meet."""
SCHEDULED = ("timer", "cron")
ONE_AT_A_TIME = ("forbid", "queue", *SCHEDULED)
ALL_HISTORY = 1000
_SCRIPT = """version={version}
echo "began $WEBJOBS_RUN_ID $EPOCHREALTIME"
sleep {seconds}
echo "ended $WEBJOBS_RUN_ID $EPOCHREALTIME"
exit {code}
"""
_WORKER = "while true; do sleep 1; done\n"


def script(version: str, *, code: int = 0, seconds: str = "0.$((RANDOM % 9))") -> str:
    """Says when it began and ended; ``version`` tells it from others."""
    return _SCRIPT.format(version=version, code=code, seconds=seconds)


def version_of(text: str) -> str:
    """The version of a script."""
    return text.partition("\n")[0].partition("=")[2]


def kind_of(number: int) -> str:
    """Kinds take turns; of workers there are few."""
    kind = KINDS[number % len(KINDS)]
    return "forbid" if kind == "worker" and number // len(KINDS) >= WORKERS else kind


def spec_of(kind: str, number: int) -> dict[str, Any]:
    """The job of a kind."""
    if kind == "worker":
        return {"type": "continuous", "script": {"fileName": "run.sh", "text": _WORKER}, "singleton": True}
    text = script("0", code=3 if number % 7 == 0 else 0, seconds="2" if number < HOT else "0.$((RANDOM % 9))")
    spec: dict[str, Any] = {
        "type": "triggered",
        "script": {"fileName": "run.sh", "text": text},
        "historyLimit": ALL_HISTORY,
    }
    match kind:
        case "queue" | "allow":
            spec["concurrencyPolicy"] = kind.capitalize()
        case "timer":
            spec["schedule"] = f"{number % 59 + 1} * * * * *"
        case "cron":
            spec["schedule"] = "0 */2 * * * *"
    return spec
