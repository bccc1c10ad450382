"""Headers of Windows programs (PE), as far as the beginning of a file tells. Pure.

Sources: Microsoft's "PE Format", and ECMA-335, partition II, section 25, for the header of managed programs.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

Machine = Literal["x86", "x64", "arm", "arm64", "other"]
"""Processor that a program was built for."""

_MACHINES: dict[int, Machine] = {0x014C: "x86", 0x8664: "x64", 0x01C0: "arm", 0x01C4: "arm", 0xAA64: "arm64"}
_PE32, _PE32_PLUS = 0x010B, 0x020B
_OPTIONAL_HEADER = 24
"""Bytes from the signature to the optional header."""
_SECTION = 40
"""Bytes of one entry in the table of sections."""
_CLR_DIRECTORY = 14
"""Place of the header of managed programs among the data directories."""
_CLR_HEADER = 72
"""Bytes of the header of managed programs."""
_WINDOWS_GUI = 2
_IL_ONLY, _REQUIRES_32_BITS = 0x1, 0x2
_BUNDLE_MARK = bytes.fromhex("8b1202b96a612038727b930214d7a03213f5b9e6efae3318ee3b2dce24b36aae")
"""Digest of ".net core bundle", by which .NET's starter finds what was packed into it."""
_BUNDLE_SECTIONS = frozenset({b"CLR_UEF", b".CLR_UEF"})
"""Names of a section that only a program with .NET's runtime inside has."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program or library for Windows, by its headers."""

    machine: Machine
    """Processor that the program was built for; managed ones for any processor say x86."""
    managed: bool
    """True for a program in .NET's intermediate language, which .NET, .NET Framework or Mono runs."""
    bits: Literal[32, 64]
    """Width of the program's addresses; says nothing of a managed one that isn't ``requires_32_bits``."""
    gui: bool
    """True for a program with windows, that has no console."""
    mixed: bool = False
    """True for a managed program with native code of its own, as C++/CLI makes them."""
    requires_32_bits: bool = False
    """True for a managed program that was built for x86 alone."""
    bundle: bool = False
    """True for a single file with .NET's runtime inside. False where the beginning of the file does not tell."""


def read_headers(head: bytes) -> Program | None:
    """Return what the headers of a Windows program say; None when the bytes are no PE file.

    ``head``: the file's first bytes; 64 KiB are enough. Never raises.
    """
    try:
        return _read(head)
    except struct.error:
        return None  # the headers go on after the end


def _read(head: bytes) -> Program | None:
    if head[:2] != b"MZ":
        return None
    (begin,) = struct.unpack_from("<I", head, 0x3C)
    if head[begin : begin + 4] != b"PE\0\0":
        return None
    machine, sections, optional_size = struct.unpack_from("<HH12xH", head, begin + 4)
    optional = begin + _OPTIONAL_HEADER
    (magic,) = struct.unpack_from("<H", head, optional)
    if magic not in (_PE32, _PE32_PLUS):
        return None
    (subsystem,) = struct.unpack_from("<H", head, optional + 68)
    table = optional + optional_size
    names = {head[at : at + 8].rstrip(b"\0") for at in range(table, table + _SECTION * sections, _SECTION)}
    clr = _clr_address(head, optional, wide=magic == _PE32_PLUS, size=optional_size)
    clr_at = _offset(head, table, sections, clr) if clr else None
    flags, compiled = _clr_header(head, clr_at)
    return Program(
        machine=_MACHINES.get(machine, "other"),
        managed=clr != 0,
        bits=64 if magic == _PE32_PLUS else 32,
        gui=subsystem == _WINDOWS_GUI,
        mixed=flags is not None and not flags & _IL_ONLY and not compiled,
        requires_32_bits=flags is not None and bool(flags & _REQUIRES_32_BITS),
        bundle=not clr and (_BUNDLE_MARK in head or not names.isdisjoint(_BUNDLE_SECTIONS)),
    )


def _clr_address(head: bytes, optional: int, *, wide: bool, size: int) -> int:
    """Return the address of the header of a managed program; 0 for a native one."""
    directories = 112 if wide else 96
    at = directories + 8 * _CLR_DIRECTORY
    (count,) = struct.unpack_from("<I", head, optional + directories - 4)
    if count <= _CLR_DIRECTORY or size < at + 8:
        return 0
    address, length = struct.unpack_from("<II", head, optional + at)
    return int(address) if length else 0


def _offset(head: bytes, table: int, sections: int, address: int) -> int | None:
    """Return where in the file an address of the loaded program is; None when no section has it."""
    for at in range(table, table + _SECTION * sections, _SECTION):
        size, start, raw_size, raw = struct.unpack_from("<IIII", head, at + 8)
        if start <= address < start + max(size, raw_size):
            return int(raw + address - start)
    return None


def _clr_header(head: bytes, at: int | None) -> tuple[int | None, bool]:
    """Return the flags of a managed program, and whether .NET compiled it ahead of time (ReadyToRun).

    None for flags when the header is not within the bytes.
    """
    if at is None or at + _CLR_HEADER > len(head):
        return None, False
    (flags,) = struct.unpack_from("<I", head, at + 16)
    (native_size,) = struct.unpack_from("<I", head, at + 68)
    return int(flags), native_size != 0
