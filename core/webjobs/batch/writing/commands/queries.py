"""``wmic``: what a batch file asks Windows for."""

from __future__ import annotations

from webjobs.batch.cells import Text, plain
from webjobs.batch.writing.commands.interpreters import refuse_windows_tool
from webjobs.batch.writing.scope import Scope

_LISTS = ("/value", "/format:list", "/format:value")


def wmic(_scope: Scope, text: Text) -> list[str]:
    """Write ``wmic os get localdatetime``, which batch files take to make a stamp of the time."""
    match (plain(text) or "").lower().replace("/", " /").split():
        case ["os", "get", "localdatetime"]:
            return ["local_date_time"]
        case ["os", "get", "localdatetime", form] if form in _LISTS:
            return ["local_date_time list"]
    refuse_windows_tool("wmic")
    return []
