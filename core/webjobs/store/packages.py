"""Packages, content-addressed: blobs by sha256, and a manifest (path -> digest) by its own digest.

A package is written blobs first and manifest last, so a reader that finds a manifest finds its blobs. Writing the same
content again changes nothing. All functions but ``open_file`` block; call them in a thread.
"""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import IO, Any

import obstore

from webjobs.files.unpack import Entry
from webjobs.runtimes.package import HEAD
from webjobs.store import ObjectStore, read_stream

FILE_MODE = 0o755
"""Permission bits of every file: on App Service all can be executed, and zips made on Windows have no bits."""
_SPOOL_BYTES = 4 * 2**20
_PARTS_AT_ONCE = 3
"""Parts of 5 MiB that are uploaded at once: on a slow line, more of them would each take longer than a store may be
silent."""
INLINE_BYTES = 512 * 2**10
"""Largest unpacked size in bytes of a package that travels in a ConfigMap (which may hold 1 MiB)."""
_TAR_OVERHEAD = 1536
_CONFIG_MAP_BYTES = 900 * 2**10


class PackageError(Exception):
    """A package that is missing in the store or damaged."""


@dataclass(frozen=True, kw_only=True)
class File:
    """One file of a package."""

    sha256: str
    """Digest of the content in hex, which names its blob."""
    size: int
    """Size of the content in bytes."""
    mode: int
    """Permission bits of the file."""
    mtime: int = 0
    """Last change of the file in seconds of Unix time; 0: not known."""

    def to_wire(self) -> dict[str, str | int]:
        """Return the file as it stands in a manifest.

        Without a time when it is not known: so manifests from before files had a time keep their digests.
        """
        return {key: value for key, value in vars(self).items() if key != "mtime" or value}


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The files of a package by path, and its empty folders."""

    files: dict[str, File]
    """Files by their paths relative to the package's root."""
    folders: frozenset[str] = frozenset()
    """Folders that are there without a file in them. Pods don't get them."""

    @property
    def size(self) -> int:
        """Size of all files of the package together in bytes."""
        return sum(file.size for file in self.files.values())

    def to_json(self) -> bytes:
        """Return the manifest in its canonical form, which the digest is made of."""
        body: dict[str, Any] = {"version": 1, "files": {path: file.to_wire() for path, file in self.files.items()}}
        if self.folders:
            body["folders"] = sorted(self.folders)
        return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()

    @property
    def digest(self) -> str:
        """Digest of the package, ``sha256:`` and hex, as in ``spec.package``."""
        return f"sha256:{sha256(self.to_json()).hexdigest()}"

    @classmethod
    def from_json(cls, content: bytes) -> Manifest:
        """Return the manifest that ``to_json`` made."""
        raw: dict[str, Any] = json.loads(content)
        files = {path: File(**file) for path, file in raw["files"].items()}
        return cls(files=files, folders=frozenset(raw.get("folders", ())))


def is_inline(*, size: int, files: int) -> bool:
    """Return whether a package travels in a ConfigMap; ``size`` is in bytes."""
    return size <= INLINE_BYTES and size + files * _TAR_OVERHEAD <= _CONFIG_MAP_BYTES


def blob_key(*, namespace: str, digest: str) -> str:
    """Return the key of a blob; ``digest`` is hex."""
    return f"{namespace}/blobs/{digest}"


def manifest_key(*, namespace: str, digest: str) -> str:
    """Return the key of a manifest; ``digest`` as in ``spec.package``."""
    return f"{namespace}/packages/{digest.removeprefix('sha256:')}.json"


def _put_blob(store: ObjectStore, namespace: str, content: IO[bytes]) -> tuple[str, int]:
    digest, size = sha256(), 0
    with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as spool:
        while piece := content.read(2**20):
            digest.update(piece)
            size += len(piece)
            spool.write(piece)
        key = blob_key(namespace=namespace, digest=digest.hexdigest())
        spool.seek(0)
        # Also when it is there already: it may be damaged, and an upload is what heals it.
        whole = size <= _SPOOL_BYTES  # then one request does, else one for each part and two around them
        source = spool.read() if whole else iter(lambda: spool.read(2**20), b"")
        obstore.put(store, key, source, max_concurrency=_PARTS_AT_ONCE)
    return digest.hexdigest(), size


def write(store: ObjectStore, *, namespace: str, entries: Iterable[Entry]) -> Manifest:
    """Store the files of an upload as blobs and return their manifest, which ``commit`` stores.

    What ``entries`` raises passes through: blobs already written are unreferenced and do no harm.
    """
    files: dict[str, File] = {}
    for entry in entries:
        digest, size = _put_blob(store, namespace, entry.content)
        files[entry.path] = File(sha256=digest, size=size, mode=FILE_MODE, mtime=entry.mtime)
    return Manifest(files=files)


def commit(store: ObjectStore, *, namespace: str, manifest: Manifest) -> str:
    """Store a manifest and return its digest; from now on the package can be used."""
    obstore.put(store, manifest_key(namespace=namespace, digest=manifest.digest), manifest.to_json())
    return manifest.digest


def read_manifest(store: ObjectStore, *, namespace: str, digest: str) -> Manifest:
    """Return a stored manifest.

    Raises PackageError when it is missing or was changed.
    """
    try:
        content = obstore.get(store, manifest_key(namespace=namespace, digest=digest)).bytes()
    except FileNotFoundError:
        raise PackageError(f"package {digest} is not in the store: upload the job again") from None
    if f"sha256:{sha256(content).hexdigest()}" != digest:
        raise PackageError(f"package {digest} is damaged in the store: upload the job again")
    return Manifest.from_json(bytes(content))


def read_file(store: ObjectStore, *, namespace: str, file: File) -> bytes:
    """Return the content of one file of a package.

    Raises PackageError when it is missing or was changed.
    """
    try:
        content = bytes(obstore.get(store, blob_key(namespace=namespace, digest=file.sha256)).bytes())
    except FileNotFoundError:
        raise PackageError(f"blob {file.sha256} is not in the store: upload the job again") from None
    if sha256(content).hexdigest() != file.sha256:
        raise _damaged(file)
    return content


def read_head(store: ObjectStore, *, namespace: str, file: File) -> bytes:
    """Return the first ``HEAD`` bytes of one file of a package, which tell what runs it.

    Those of a larger file are not checked. Raises PackageError when the file is missing, or small and was changed.
    """
    if file.size <= HEAD:
        return read_file(store, namespace=namespace, file=file)
    try:
        return bytes(obstore.get_range(store, blob_key(namespace=namespace, digest=file.sha256), start=0, end=HEAD))
    except FileNotFoundError:
        raise PackageError(f"blob {file.sha256} is not in the store: upload the job again") from None


async def open_file(
    store: ObjectStore, *, namespace: str, file: File, span: tuple[int, int] | None = None
) -> AsyncIterator[bytes]:
    """Return the content of one file of a package in pieces, or only ``span`` of it.

    Raises PackageError when the file is missing or was changed. A small file is checked before the first piece. Of a
    large file the last piece is held back until all is checked, so that its reader misses bytes instead of getting
    wrong ones; a part of a large file can't be checked.
    """
    found = await read_stream(
        store, blob_key(namespace=namespace, digest=file.sha256), span=None if _small(file) else span
    )
    if found is None:
        raise PackageError(f"blob {file.sha256} is not in the store: upload the job again")
    if found[0] != file.size:
        raise _damaged(file)
    if _small(file):
        content = b"".join([piece async for piece in found[1]])
        if sha256(content).hexdigest() != file.sha256:
            raise _damaged(file)
        return _one(content[slice(*span)] if span else content)
    return found[1] if span else _checked(found[1], file)


def _small(file: File) -> bool:
    return file.size <= _SPOOL_BYTES


def _damaged(file: File) -> PackageError:
    return PackageError(f"blob {file.sha256} is damaged in the store: upload the job again")


async def _one(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def _checked(source: AsyncIterator[bytes], file: File) -> AsyncIterator[bytes]:
    digest, held = sha256(), b""
    async for piece in source:
        digest.update(piece)
        if held:
            yield held
        held = piece
    if digest.hexdigest() != file.sha256:
        raise _damaged(file)
    yield held


def read_tar(store: ObjectStore, *, namespace: str, digest: str) -> bytes:
    """Return a small package as a tar for its ConfigMap."""
    manifest = read_manifest(store, namespace=namespace, digest=digest)
    return tar(
        (path, file.mode, read_file(store, namespace=namespace, file=file)) for path, file in manifest.files.items()
    )


def tar(files: Iterable[tuple[str, int, bytes]]) -> bytes:
    """Return a tar of files (path, mode, content); files that are equal always give equal bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, mode, content in sorted(files):
            info = tarfile.TarInfo(path)
            info.size, info.mode, info.mtime = len(content), mode, 1
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()
