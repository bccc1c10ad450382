"""Content types of files by their extension, as Kudu gives them (docs/kudu-contract.md, section 1.5)."""

from __future__ import annotations

from pathlib import PurePosixPath

FOLDER = "inode/directory"
"""Content type of a folder in a listing."""
_UNKNOWN = "application/octet-stream"
_TYPES = {
    ".css": "text/css",
    ".gif": "image/gif",
    ".htm": "text/html",
    ".html": "text/html",
    ".jpg": "image/jpeg",
    ".js": "application/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".xml": "text/xml",
    ".zip": "application/zip",
}


def media_type(name: str) -> str:
    """Return the content type of a file, by its name."""
    return _TYPES.get(PurePosixPath(name).suffix.lower(), _UNKNOWN)
