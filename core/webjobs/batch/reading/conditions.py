"""What stands behind ``if``. Pure."""

from __future__ import annotations

from collections.abc import Callable

from webjobs.batch.cells import DELIMITERS, Text, plain, shown
from webjobs.batch.errors import NotTaken
from webjobs.batch.reading.source import Source
from webjobs.batch.reading.syntax import Condition

COMPARISONS = ("equ", "neq", "lss", "leq", "gtr", "geq")
_UNARY = ("exist", "defined", "errorlevel", "cmdextversion")


def condition(source: Source, text: Callable[[Text], Text]) -> Condition:
    """Return the condition of the ``if`` that begins here. ``text`` fills in the variables of loops around it."""
    line = source.line
    source.expect("if", "if")
    negated = ignore_case = False

    words: list[str] = []

    def word() -> Text:
        found = _word(source)
        if not found:
            raise NotTaken('"if" has no whole condition', 'put both sides in quotes, as in if "%X%"=="1"', line)
        return text(found)

    while True:
        left = word()
        words.append(shown(left))
        lower = (plain(left) or "").lower()
        if lower == "/i":
            ignore_case = True
        elif lower == "not":
            negated = not negated
        else:
            break
    if lower in _UNARY:
        return Condition(lower, (), word(), negated, ignore_case, " ".join(words))
    source.skip(" \t")
    if source.peek() == "=" and source.peek(1) == "=":
        source.skip()
        return Condition("==", left, word(), negated, ignore_case, " ".join(words[:-1]))
    written = plain(word()) or ""
    operator = written.lower()
    if operator not in COMPARISONS:
        raise NotTaken(f'"if" has no comparison that cmd knows ("{operator}")', "use ==, EQU, NEQ, LSS ...", line)
    return Condition(operator.upper(), left, word(), negated, ignore_case, " ".join(words[:-1]), written)


def _word(source: Source) -> Text:
    source.skip(" \t,;")
    # "=" alone separates words, too, but "==" is the comparison.
    while source.peek() == "=" and source.peek(1) != "=":
        source.take()
        source.skip(" \t,;")
    return source.take_word(f"{DELIMITERS}&|<>")
