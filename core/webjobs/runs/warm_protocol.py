"""The line that starts a run in a pod that is up and waits for one (a warm run).

``go NAME=value ... =argument ... end``, words apart by one blank: variables to export, then arguments. In values, each
byte that is not a plain one is ``\\0`` and three octal digits, which ``printf %b`` of any shell undoes. So a value is
never parsed as shell and holds neither blank nor newline, and a line that was cut has no ``end`` and starts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

MOST_BYTES = 2**16
"""Most bytes of the line that starts a run: shells read it byte by byte."""
MOST_ARGUMENTS = 256
"""Most arguments in the line that starts a run: shells copy all words for each further one."""
UNUSED = "unused"
"""Termination message of a pod that waited for a run and ended without having begun one."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+./:,@%")


class TooLong(ValueError):
    """More bytes or arguments than a shell should be told by one line."""


def line(*, environment: Mapping[str, bytes], arguments: Sequence[bytes]) -> bytes:
    """Return the line that starts a run, with its end, and with a line end before it.

    The line end before it ends what another sender may have left unended. Raises TooLong, and ValueError for a name
    that no variable can have (or that begins with ``_``: such names are the shell's own) and for a value with NUL,
    which no process can get.
    """
    if len(arguments) > MOST_ARGUMENTS:
        raise TooLong(f"{len(arguments)} arguments are more than {MOST_ARGUMENTS}")
    bad = [name for name in environment if not _NAME.fullmatch(name)]
    if bad or any(b"\0" in value for value in [*environment.values(), *arguments]):
        raise ValueError(f"no environment for a process: {bad or 'NUL in a value'}")
    words = [f"{name}={_escaped(value)}" for name, value in environment.items()]
    words += [f"={_escaped(value)}" for value in arguments]
    made = " ".join(["\ngo", *words, "end\n"]).encode()
    if len(made) > MOST_BYTES:
        raise TooLong(f"{len(made)} bytes are more than {MOST_BYTES}")
    return made


def _escaped(value: bytes) -> str:
    return "".join(chr(byte) if byte in _PLAIN else f"\\0{byte:03o}" for byte in value)
