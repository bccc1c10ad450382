"""Headers of programs, of real ones as compilers make them (programs/build.sh)."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webjobs.runtimes import elf, pe

PROGRAMS = Path(__file__).parent / "programs"
REAL = {path.name: path.read_bytes() for path in sorted(PROGRAMS.iterdir()) if path.suffix != ".sh"}


def program(name: str) -> pe.Program:
    found = pe.read_headers(REAL[name])
    assert found
    return found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("managed.exe", pe.Program(machine="x86", managed=True, bits=32, gui=False)),
        ("managed-x86.exe", pe.Program(machine="x86", managed=True, bits=32, gui=False, requires_32_bits=True)),
        ("managed-gui.exe", pe.Program(machine="x86", managed=True, bits=32, gui=True)),
        ("native-x64.exe", pe.Program(machine="x64", managed=False, bits=64, gui=False)),
        ("native-x86.exe", pe.Program(machine="x86", managed=False, bits=32, gui=False)),
        ("native-gui.exe", pe.Program(machine="x64", managed=False, bits=64, gui=True)),
    ],
)
def test_windows(name: str, expected: pe.Program) -> None:
    assert program(name) == expected
    assert elf.read_headers(REAL[name]) is None


CLR = 0x208
"""Where the compiler puts the header of a managed program: 8 bytes into the first section."""


def managed(*, flags: int, native_size: int = 0) -> bytes:
    """A managed program with other flags, and maybe with code that .NET compiled ahead of time."""
    content = bytearray(REAL["managed.exe"])
    assert struct.unpack_from("<I", content, CLR) == (72,)
    struct.pack_into("<I", content, CLR + 16, flags)
    struct.pack_into("<I", content, CLR + 68, native_size)
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "mixed", "requires_32_bits"),
    [
        pytest.param(managed(flags=1), False, False, id="IL alone"),
        pytest.param(managed(flags=0), True, False, id="native code beside"),
        pytest.param(managed(flags=0, native_size=8), False, False, id="compiled ahead of time"),
        pytest.param(managed(flags=3), False, True, id="32 bits"),
        pytest.param(managed(flags=0x20001), False, False, id="32 bits preferred"),
        pytest.param(managed(flags=0)[: CLR + 40], False, False, id="header cut off"),
    ],
)
def test_flags_of_managed_programs(content: bytes, mixed: bool, requires_32_bits: bool) -> None:
    found = pe.read_headers(content)
    assert found
    assert (found.managed, found.mixed, found.requires_32_bits) == (True, mixed, requires_32_bits)


def test_a_single_file_of_dotnet() -> None:
    assert not program("native-x64.exe").bundle
    by_section = REAL["native-x64.exe"].replace(b".pdata\0\0", b"CLR_UEF\0", 1)
    by_mark = REAL["native-x64.exe"] + bytes.fromhex("8b1202b96a612038727b930214d7a03213f5b9e6efae3318ee3b2dce24b36aae")
    for content in (by_section, by_mark):
        found = pe.read_headers(content)
        assert found
        assert found.bundle


def test_machines() -> None:
    arm = bytearray(REAL["native-x64.exe"])
    (begin,) = struct.unpack_from("<I", arm, 0x3C)
    struct.pack_into("<H", arm, begin + 4, 0xAA64)
    found = pe.read_headers(bytes(arm))
    assert found
    assert found.machine == "arm64"


def test_linux() -> None:
    assert elf.read_headers(REAL["linux-x64"]) == elf.Program(machine="x64", musl=False)
    assert pe.read_headers(REAL["linux-x64"]) is None
    alpine = elf.read_headers(REAL["linux-x64"] + b"/lib/ld-musl-x86_64.so.1")
    assert alpine
    assert alpine.musl


@pytest.mark.parametrize("content", [b"", b"MZ", b"MZ" + b"\xff" * 100, b"#!/bin/sh\n", b"\x7fELF", b"NE" * 50])
def test_no_program(content: bytes) -> None:
    assert pe.read_headers(content) is None
    assert elf.read_headers(content) is None


@given(st.binary(max_size=300))
def test_any_bytes_are_read(content: bytes) -> None:
    for head in (content, b"MZ" + content, b"\x7fELF" + content):
        pe.read_headers(head)
        elf.read_headers(head)


@given(st.sampled_from(sorted(REAL)), st.lists(st.tuples(st.integers(0, 1023), st.binary(max_size=4))), st.integers(0))
def test_damaged_programs_are_read(name: str, damages: list[tuple[int, bytes]], end: int) -> None:
    content = bytearray(REAL[name])
    for at, damage in damages:
        content[at : at + len(damage)] = damage
    pe.read_headers(bytes(content[: end % (len(content) + 1)]))
    elf.read_headers(bytes(content))
