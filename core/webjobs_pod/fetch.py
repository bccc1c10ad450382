"""The fetcher of packages: ``python3 -m webjobs_pod.fetch TOKEN_FILE [URL] DIRECTORY ...``.

The init container of pods with large packages, or with the content of their site, runs it. URL is
``<base>/internal/packages/<namespace>/<digest>`` of the REST shim; its files go into the directory that follows. A
directory without a URL before it is made, and stays empty. Nothing that arrives is trusted: the manifest must have the
digest of the URL and each file the digest of the manifest, and no path may leave the folder. Only the standard library:
it starts in a blink.

Ends with 0 when every file is in its place, else with 1 and one line on stderr, which never holds the token.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import ssl
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_BLOB = re.compile(r"[0-9a-f]{64}")
_MANIFEST_BYTES = 64 * 2**20
_PIECE_BYTES = 2**20
_TIMEOUT = 30
"""Seconds without a byte after which a request has failed."""
_PATIENCE = 60
"""Seconds for which one request is tried again."""
_LONGEST_PAUSE = 8.0
_SMALL_BYTES = 2**18
"""Most bytes of a file that comes with others in one answer, as the shim has it: a site has many small files."""


class FetchError(Exception):
    """A package that can't be had; the message is for the pod's log."""


class Missing(FetchError):
    """A package, or a part of it, that the shim does not have."""


class _Again(Exception):
    """A failure that is worth another try."""


class Server:
    """A kept connection to the REST shim."""

    def __init__(
        self,
        url: str,
        *,
        token_file: Path,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        parts = urlsplit(url)
        try:
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
        if parts.scheme not in ("http", "https") or not host:
            raise FetchError(f"{url} is no http or https URL")
        self._path = parts.path.rstrip("/")
        self._token_file = token_file
        self._sleep = sleep
        self._clock = clock
        self._connection: http.client.HTTPConnection
        if parts.scheme == "https":
            context = ssl.create_default_context()
            self._connection = http.client.HTTPSConnection(host, port, timeout=_TIMEOUT, context=context)
        else:
            self._connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def read(self, path: str, receive: Callable[[Iterator[bytes]], None]) -> None:
        """Get what is below the URL and hand its pieces to ``receive``, anew at each try.

        Raises FetchError when the server refuses, or when no try succeeds within a minute.
        """
        end, pause = self._clock() + _PATIENCE, 0.5
        while True:
            try:
                return self._try(path, receive)
            except _Again as error:
                self._connection.close()
                if self._clock() + pause > end:
                    raise FetchError(f"{self._path}{path}: {error}") from error
            self._sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _try(self, path: str, receive: Callable[[Iterator[bytes]], None]) -> None:
        try:
            token = self._token_file.read_text().strip()  # anew: the kubelet replaces it before it ends
        except (OSError, UnicodeDecodeError) as error:
            raise FetchError(f"the token can't be read: {type(error).__name__}") from None
        try:
            headers = {"Authorization": f"Bearer {token}"}
            with _worth_another_try():
                self._connection.request("GET", self._path + path, headers=headers)
                response = self._connection.getresponse()
        except ValueError:  # its text would show the header
            raise FetchError("the token can't be sent: it is not one line of ASCII") from None
        if response.status >= 500 or response.status == 429:
            raise _Again(f"the server says {response.status} {response.reason}")
        if response.status != 200:
            self._connection.close()
            refused = Missing if response.status == 404 else FetchError
            raise refused(f"{self._path}{path}: the server says {response.status} {response.reason}")
        receive(_pieces(response))


@contextmanager
def _worth_another_try() -> Iterator[None]:
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        raise _Again(f"{type(error).__name__}: {error}".removesuffix(": ")) from error


def _pieces(response: http.client.HTTPResponse) -> Iterator[bytes]:
    while True:
        with _worth_another_try():
            piece = response.read(_PIECE_BYTES)
        if not piece:
            if response.length:  # a connection that broke looks like an end
                raise _Again(f"{response.length} bytes are missing at the end")
            return
        yield piece


def fetch(server: Server, *, digest: str, directory: Path) -> int:
    """Fetch all files of the package ``sha256:...`` into a directory; return their number.

    Raises FetchError.
    """
    if not _DIGEST.fullmatch(digest):
        raise FetchError(f"{digest!r} is no digest: the URL must end with sha256:<64 hex digits>")
    files = _files(_manifest(server, digest=digest))
    root = Path(os.path.realpath(_made(directory)))
    targets = {path: _target(root, path) for path in files}
    done = _fetch_small(server, files, targets)
    for path, file in files.items():
        if path not in done:
            _fetch_file(server, file, target=targets[path])
    return len(files)


def _fetch_small(server: Server, files: dict[str, dict[str, Any]], targets: dict[str, Path]) -> set[str]:
    """Fetch all small files by one request: their contents one after the other, in the order of paths.

    Returns the paths of those that are in their place: none when the shim is of before it could do that.
    """
    small = [path for path in sorted(files) if files[path]["size"] <= _SMALL_BYTES]
    if len(small) < 2:
        return set()

    def receive(pieces: Iterator[bytes]) -> None:
        pending = bytearray()
        for path in small:
            size = files[path]["size"]
            while len(pending) < size:
                piece = next(pieces, b"")
                if not piece:
                    raise FetchError(f"{path} does not have the size of the manifest")
                pending += piece
            content = bytes(pending[:size])
            del pending[:size]
            if sha256(content).hexdigest() != files[path]["sha256"]:
                raise FetchError(f"{path} does not have the size and digest of the manifest")
            _write(targets[path], content, mode=files[path]["mode"])

    try:
        server.read("/small", receive)
    except Missing:
        return set()
    return set(small)


def _write(target: Path, content: bytes, *, mode: int) -> None:
    """Write a small file anew: whatever was there, a link above all, is not written through."""
    try:
        target.unlink(missing_ok=True)
        with target.open("xb") as out:
            out.write(content)
        target.chmod(_bits(mode))
    except OSError as error:
        raise FetchError(f"{target.name} can't be written: {error.strerror}") from error


def _bits(mode: int) -> int:
    """Return the permission bits of a file: the group may what the owner may, since the job can have another user."""
    return mode & 0o777 | (mode & 0o700) >> 3


def _made(directory: Path) -> Path:
    """Return a directory, which is made when it is not there."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FetchError(f"{directory} can't be made: {error.strerror}") from error
    return directory


def _manifest(server: Server, *, digest: str) -> bytes:
    content = bytearray()

    def receive(pieces: Iterator[bytes]) -> None:
        content.clear()
        for piece in pieces:
            content.extend(piece)
            if len(content) > _MANIFEST_BYTES:
                raise FetchError("the manifest is too large")

    server.read("", receive)
    if f"sha256:{sha256(content).hexdigest()}" != digest:
        raise FetchError("the manifest does not have the digest that was asked for")
    return bytes(content)


def _files(manifest: bytes) -> dict[str, dict[str, Any]]:
    try:
        files = json.loads(manifest)["files"]
        for file in files.values():
            if not (
                _BLOB.fullmatch(file["sha256"]) and isinstance(file["size"], int) and isinstance(file["mode"], int)
            ):
                raise ValueError("a file without digest, size or mode")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FetchError(f"the manifest can't be read: {error}") from error
    known: dict[str, dict[str, Any]] = files
    return known


def _target(root: Path, path: str) -> Path:
    """Return the path to which a file goes; its folder is made.

    Raises FetchError when the path is not inside of ``root``.
    """
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\\" in path or "\0" in path:
        raise FetchError(f"the package has a path that is not allowed: {path!r}")
    target = root.joinpath(*parts)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # What already lies in the folder may hold links.
        inside = Path(os.path.realpath(target.parent)).is_relative_to(root) and not target.is_dir()
    except OSError as error:
        raise FetchError(f"{path!r} can't be written: {error.strerror}") from error
    if not inside:
        raise FetchError(f"the package has a path that is not allowed: {path!r}")
    return target


def _fetch_file(server: Server, file: dict[str, Any], *, target: Path) -> None:
    """Fetch one file under another name and rename it when it is whole."""
    part = None
    try:
        with tempfile.NamedTemporaryFile(prefix=".webjobs-", dir=target.parent, delete=False) as out:
            part = Path(out.name)

            def receive(pieces: Iterator[bytes]) -> None:
                digest, size = sha256(), 0
                out.seek(0)
                out.truncate()
                for piece in pieces:
                    digest.update(piece)
                    size += len(piece)
                    if size > file["size"]:
                        break
                    out.write(piece)
                if size != file["size"] or digest.hexdigest() != file["sha256"]:
                    raise FetchError(f"{target.name} does not have the size and digest of the manifest")

            server.read(f"/blobs/{file['sha256']}", receive)
        part.chmod(_bits(file["mode"]))
        part.replace(target)
    except OSError as error:
        raise FetchError(f"{target.name} can't be written: {error.strerror}") from error
    finally:
        if part:
            part.unlink(missing_ok=True)


def main(arguments: list[str]) -> int:
    """Run the program with its arguments; return the exit code."""
    token_file, words = arguments[:1], arguments[1:]
    if not token_file or not words or _is_url(words[-1]):
        print("usage: python3 -m webjobs_pod.fetch TOKEN_FILE [URL] DIRECTORY ...", file=sys.stderr)
        return 1
    os.umask(0o002)  # the job's container may have another user, of the same group
    url = None
    try:
        for word in words:
            if _is_url(word):
                url = word
                continue
            if url is None:
                _made(Path(word))
                continue
            with closing(Server(url, token_file=Path(*token_file))) as server:
                fetch(server, digest=url.rstrip("/").rpartition("/")[2], directory=Path(word))
            url = None
    except FetchError as error:
        print(f"webjobs_pod.fetch: {error}", file=sys.stderr)
        return 1
    return 0


def _is_url(word: str) -> bool:
    return not word.startswith("/")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
