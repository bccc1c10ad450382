"""The words, signs and tones of states, and durations for people. Pure."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

Tone = Literal["good", "bad", "busy", "warn", "quiet"]
"""What a state means for a person; style sheets have a colour for each."""


@dataclass(frozen=True, kw_only=True)
class Word:
    """A state as pages show it: never by its colour alone."""

    text: str
    """Word of the state."""
    sign: str
    """One character before the word."""
    tone: Tone
    """Tone of the state."""


def _word(text: str, sign: str, tone: Tone) -> Word:
    return Word(text=text, sign=sign, tone=tone)


_WORDS = {
    "Initializing": _word("Waiting", "○", "quiet"),
    "Running": _word("Running", "▶", "busy"),
    "Success": _word("Success", "✓", "good"),
    "Failed": _word("Failed", "✗", "bad"),
    "Aborted": _word("Aborted", "⊘", "warn"),
    "Skipped": _word("Skipped", "↷", "quiet"),
    "Idle": _word("Idle", "·", "quiet"),
    "Scheduled": _word("Scheduled", "◷", "quiet"),
    "Starting": _word("Starting", "○", "busy"),
    "Stopped": _word("Stopped", "■", "quiet"),
    "Disabling": _word("Stopping", "■", "warn"),
    "Suspended": _word("Suspended", "‖", "warn"),
    "Error": _word("Error", "✗", "bad"),
    "PendingRestart": _word("Pending restart", "↻", "warn"),
    "InactiveInstance": _word("Inactive", "·", "quiet"),
    "fine": _word("Fine", "✓", "good"),
    "needs an image": _word("Needs an image", "!", "warn"),
    "Windows-only": _word("Windows only", "✗", "bad"),
    "can't run": _word("Can't run", "✗", "bad"),
    "Problem": _word("Needs attention", "!", "bad"),
}


def of(state: str | None) -> Word:
    """Return the word of a state, or of a verdict, in the words of Kudu or of this project; of no state: Waiting."""
    if not state:
        return _WORDS["Initializing"]
    return _WORDS.get(state) or Word(text=state, sign="·", tone="quiet")


def duration(span: timedelta) -> str:
    """Return a duration in its two largest units, as in ``2 h 5 min`` or ``0.4 s``."""
    seconds = max(span.total_seconds(), 0.0)
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    for size, name, below, part in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // below
            return f"{whole // size} {name}" + (f" {rest} {part}" if rest else "")
    raise AssertionError(whole)


def size(count: int) -> str:
    """Return a number of bytes for people, as in ``12 KB``; a KB has 1,000 bytes."""
    for unit, power in (("GB", 9), ("MB", 6), ("KB", 3)):
        if count >= 10**power:
            return f"{count / 10**power:.1f} {unit}"
    return f"{count} bytes"


def visible(text: str) -> str:
    """Return a text in which characters that can't be seen, or turn the direction of others, are told by number."""
    return "".join(
        f"\N{LEFT CEILING}U+{ord(char):04X}\N{RIGHT CEILING}"
        if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") and char not in "\n\t"
        else char
        for char in text
    )
