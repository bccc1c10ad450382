"""The head of a request, byte by byte: what two servers could read in two ways is refused.

A proxy in front that finds another end of a body, or another host, would let one client speak in the name of another.
So this is stricter than HTTP asks for (RFC 9112), where it lets a server guess.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

HEAD_BYTES = 32 * 1024
"""Most bytes of the head of a request: a token of Kubernetes can have half of it."""
HEADERS = 100
"""Most headers of a request."""
END = re.compile(rb"\n\r?\n")
"""End of a head, also of one whose lines end wrongly."""

_REQUEST = re.compile(rb"([-!#$%&'*+.^_`|~0-9A-Za-z]{1,32}) ([\x21-\x7e]+) HTTP/([0-9])\.([0-9])")
_HEADER = re.compile(rb"([-!#$%&'*+.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*", re.DOTALL)
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_AUTHORITY = re.compile(rb"(?:[A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Problem:
    """A reason why a request is not read."""

    status: int
    """HTTP status of the answer."""
    message: str
    """Sentence for the client."""


def _bad(message: str) -> Problem:
    return Problem(400, message)


def problem(head: bytes) -> Problem | None:
    """Return what is wrong with the head of a request; None when nothing is.

    ``head``: all bytes up to the empty line, which is a part of it.
    """
    if len(head) > HEAD_BYTES:
        return Problem(431, f"The head of the request has more than {HEAD_BYTES} bytes.")
    lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    if any(b"\n" in line or b"\r" in line for line in lines):
        return _bad("Lines of the head must end with CR LF.")
    if _CONTROL.search(head):
        return _bad("The head of the request has a control character.")
    first = _REQUEST.fullmatch(lines[0])
    if not first:
        return _bad("The first line must be a method, a target and a version, with one blank between them.")
    if first[3] != b"1":
        return Problem(505, "The version of HTTP must be 1.1 or 1.0.")
    if len(lines) - 1 > HEADERS:
        return Problem(431, f"The request has more than {HEADERS} headers.")
    found: dict[bytes, list[bytes]] = {}
    for line in lines[1:]:
        header = _HEADER.fullmatch(line)
        if not header:
            return _bad("A header must be a name, a colon and a value on one line.")
        found.setdefault(header[1].lower(), []).append(header[2])
    return _length(found, minor=first[4]) or _host(found, method=first[1], target=first[2], minor=first[4])


def _length(headers: dict[bytes, list[bytes]], *, minor: bytes) -> Problem | None:
    """Return what makes the length of the body unclear."""
    lengths, codings = headers.get(b"content-length", []), headers.get(b"transfer-encoding", [])
    if codings:
        if lengths:
            return _bad("Send Content-Length or Transfer-Encoding, not both.")
        if minor == b"0":
            return _bad("HTTP/1.0 has no Transfer-Encoding.")
        if [coding.lower() for coding in codings] != [b"chunked"]:
            return _bad("Transfer-Encoding must be chunked, once.")
    if len(lengths) > 1:
        return _bad("Content-Length must be there once.")
    if lengths and not _LENGTH.fullmatch(lengths[0]):
        return _bad("Content-Length must be a number of digits.")
    return None


def _host(headers: dict[bytes, list[bytes]], *, method: bytes, target: bytes, minor: bytes) -> Problem | None:
    """Return what makes the host unclear; it says whose site is meant."""
    hosts = headers.get(b"host", [])
    if len(hosts) > 1 or (not hosts and minor != b"0"):
        return _bad("Host must be there once.")
    if hosts and not _AUTHORITY.fullmatch(hosts[0]):
        return _bad("Host must be a name or an address, and perhaps a port.")
    if absolute := _ABSOLUTE.fullmatch(target):
        if absolute[1].lower() != (hosts[0].lower() if hosts else b""):
            return _bad("The host of the target is another one than Host.")
    elif not target.startswith(b"/") and (method, target) != (b"OPTIONS", b"*"):
        return _bad("The target must be a path.")
    return None


def path_of(target: bytes) -> bytes:
    """Return path and query of a target, which may have scheme and host before them."""
    absolute = _ABSOLUTE.fullmatch(target)
    if not absolute:
        return target
    rest = absolute[2]
    return rest if rest.startswith(b"/") else b"/" + rest
