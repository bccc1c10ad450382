"""Headers of Linux programs (ELF), as far as the beginning of a file tells. Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_MACHINES = {3: "x86", 40: "arm", 62: "x64", 183: "arm64"}
_MUSL = b"/lib/ld-musl-"
"""Begin of the path of musl's loader, which its programs name."""
_PROGRAM, _SHARED = 2, 3
"""Types of files that can be started: a program at a fixed address, and one at any."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program for Linux, by its headers."""

    machine: str
    """Processor that the program was built for: x86, x64, arm, arm64 or other."""
    musl: bool
    """True for a program for Alpine's C library, which other images lack."""


def read_headers(head: bytes) -> Program | None:
    """Return what the headers of a Linux program say; None when the bytes are no ELF file that can be started."""
    if head[:4] != b"\x7fELF" or len(head) < 20 or head[5] not in (1, 2):
        return None
    kind, machine = struct.unpack_from("<HH" if head[5] == 1 else ">HH", head, 16)
    if kind not in (_PROGRAM, _SHARED):
        return None
    return Program(machine=_MACHINES.get(machine, "other"), musl=_MUSL in head)
