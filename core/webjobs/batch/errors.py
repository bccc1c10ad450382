"""What is told of a batch file that has no equal in sh. Pure."""

from __future__ import annotations


class Untranslatable(ValueError):
    """A construct of a batch file that is not taken over; ``str()`` is a sentence for the author of the file.

    ``file``: path below the package's root; ``line``: number of the line, from 1; ``construct``: what stands there,
    with the reason; ``advice``: what to do about it.
    """

    def __init__(self, file: str, line: int, construct: str, advice: str) -> None:
        super().__init__(f"{file}, line {line}: {construct}; {advice}")
        self.file = file
        self.line = line
        self.construct = construct
        self.advice = advice


class NotTaken(Exception):
    """A construct that is not taken over, while file and line are not known yet: ``translate`` adds them."""

    def __init__(self, construct: str, advice: str, line: int | None = None) -> None:
        super().__init__(f"{construct}; {advice}")
        self.construct = construct
        self.advice = advice
        self.line = line
