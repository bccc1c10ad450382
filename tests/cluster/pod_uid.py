"""A pod's UID as the names of control groups have it."""

from __future__ import annotations


def spellings(uid: str) -> tuple[str, ...]:
    """Return both spellings: the cgroupfs driver writes the UID as it is, systemd's has ``_`` in place of ``-``."""
    return uid, uid.replace("-", "_")
