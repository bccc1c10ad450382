"""Lines out of the pieces of a response, long ones cut: the same pieces of a line however its bytes arrive. Pure.

A log is read more than once, and what was read is known by counting. So where a long line is cut must follow from the
line alone, and not from how it came over the network.
"""

from __future__ import annotations

from collections.abc import Iterator

LINE_BYTES = 2**18
"""Most bytes of a line of a log; a longer line is cut, each part under the same stamp."""


class LineCutter:
    """The part of a response that has no end yet."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[str]:
        """Yield the lines, or parts of a long one, that are whole with one more piece of a response."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            yield from map(_text, _parts(line))
        *parts, self._rest = _parts(self._rest)
        yield from map(_text, parts)  # a program that ends no line must not fill the memory

    @property
    def rest(self) -> str:
        """The beginning of a line whose end has not come."""
        return _text(self._rest)

    def end(self) -> Iterator[str]:
        """Yield what is left when the response has ended."""
        if self._rest:
            yield _text(self._rest)
        self._rest = b""


def _parts(line: bytes) -> Iterator[bytes]:
    """Yield a stamped line in parts of at most LINE_BYTES; the last one may be empty, as a line may be."""
    stamp = line[:64].partition(b" ")[0] + b" "
    while len(line) > LINE_BYTES:
        end = LINE_BYTES
        while line[end] & 0xC0 == 0x80:  # in the middle of a character of UTF-8
            end -= 1
        yield line[:end]
        line = stamp + line[end:]
    yield line


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace")
