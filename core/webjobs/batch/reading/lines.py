"""The lines of a batch file. Pure."""

from __future__ import annotations

from webjobs.batch.errors import NotTaken


def lines_of(content: bytes) -> list[str]:
    """Return the lines of a batch file without their ends; bytes that are no UTF-8 are kept as surrogates.

    A mark of byte order stays in the first line, as cmd leaves it there. Ctrl-Z ends the file.
    Raises ``NotTaken`` for UTF-16 and for other texts with NUL.
    """
    content = content.partition(b"\x1a")[0]
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content:
        raise NotTaken("the file holds NUL characters, as UTF-16 has them", "save it as UTF-8 or ANSI text", 1)
    lines = content.decode("utf-8", "surrogateescape").split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r").replace("\r", "") for line in lines]
