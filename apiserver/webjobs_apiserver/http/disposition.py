"""The file name in a Content-Disposition header, as .NET reads it (docs/kudu-contract.md, section 3.4)."""

from __future__ import annotations

import re
from email.errors import HeaderParseError
from email.header import decode_header

_TOKEN = r"[!#$%&'*+\-.0-9A-Z^_`a-z|~]+"  # noqa: S105  grammar of HTTP, not a secret
_QUOTED = r'"(?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\.)*"'
# Each blank fits one place only: else a hostile header could take ages to be refused.
_PARAMETER = rf";\s*(?:({_TOKEN})\s*=\s*({_TOKEN}|{_QUOTED})\s*)?"
_HEADER = re.compile(rf"\s*{_TOKEN}\s*((?:{_PARAMETER})*)")
_PARAMETERS = re.compile(_PARAMETER)


def file_name(header: str | None) -> str | None:
    """Return the file name in a Content-Disposition header, without its directory.

    None when there is none or the header doesn't parse as a whole. ``header``: as HTTP servers give it, bytes as
    Latin-1. An unquoted name with blanks does not parse; ``filename*`` is not looked at; an encoded word (RFC 2047) is
    decoded.
    """
    whole = _HEADER.fullmatch(_utf8(header or ""))
    if whole is None:
        return None
    for name, value in _PARAMETERS.findall(whole[1]):
        if name.lower() == "filename":
            return _base(_decoded(value))
    return None


def _utf8(text: str) -> str:
    try:
        return text.encode("latin-1").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return text


def _decoded(value: str) -> str:
    if value.startswith('"'):
        value = value[1:-1]  # a backslash in it is a path's, not an escape
    if not (value.startswith("=?") and value.endswith("?=")):
        return value
    try:
        parts = decode_header(value)
        return "".join(p.decode(charset or "ascii") if isinstance(p, bytes) else p for p, charset in parts)
    except (HeaderParseError, UnicodeDecodeError, LookupError, ValueError):
        return value


def _base(name: str) -> str | None:
    """Return a file name without its directory.

    Browsers of old sent a whole path, of either system.
    """
    base = re.split(r"[\\/]", name.strip().strip('"'))[-1].strip()
    return base if base.strip(".") else None
