"""The Range header (RFC 9110, section 14): one range of bytes; several are answered with the whole file."""

from __future__ import annotations

import re
from typing import Literal

_RANGE = re.compile(r"\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.ASCII | re.IGNORECASE)


def parse(header: str | None, *, size: int) -> tuple[int, int] | Literal["unsatisfiable"] | None:
    """Return the bytes that a Range header asks for, from the first up to and without the second.

    None when the whole file is to be sent.
    """
    known = _RANGE.fullmatch(header or "")
    if known is None or not (known[1] or known[2]):
        return None
    if not known[1]:
        start, end = max(size - int(known[2]), 0), size
    else:
        start = int(known[1])
        if known[2] and int(known[2]) < start:
            return None
        end = min(int(known[2]) + 1, size) if known[2] else size
    return (start, end) if start < end else "unsatisfiable"
