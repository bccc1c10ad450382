"""Files on this machine: a folder, a zip or one script, read safely, and zips made of them.

Zips of equal files have equal bytes, so that what is uploaded twice is one package.
"""

from __future__ import annotations

import os
import stat
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO

from webjobs.files.links import LinkError, followed
from webjobs.files.unpack import Limits, UploadError, safe_path, zip_entries
from webjobs.model import PackageProgram
from webjobs.runtimes import package_program
from webjobs.runtimes.package import HEAD, Read
from webjobs.store.packages import FILE_MODE, File, Manifest

_PIECE_BYTES = 2**20
_FIRST_ZIP_TIME = 315532800
"""1980 in seconds of Unix time: zips know no earlier time."""
SITE_LIMITS = Limits(total_bytes=2**34, files=200_000)
"""Limits of a whole site; what of it is uploaded has the shim's own limits."""

JOB_LIMITS = Limits()
"""Limits of one job: those of an upload."""


@dataclass(frozen=True, kw_only=True)
class LocalFile:
    """A file, wherever it lies on this machine."""

    source: Path
    """Path of the file on this machine."""
    size: int
    """Size of the file in bytes."""
    sha256: str
    """Digest of the file in hex."""
    mtime: int
    """Last change of the file in seconds of Unix time, as a zip can hold it."""

    @property
    def stored(self) -> File:
        """The file as the store would hold it after an upload."""
        return File(sha256=self.sha256, size=self.size, mode=FILE_MODE, mtime=self.mtime)


def zip_time(mtime: float) -> int:
    """Return the time that a zip gives back: even seconds from 1980 on."""
    return max(int(mtime) // 2 * 2, _FIRST_ZIP_TIME)


def read_folder(root: Path, *, limits: Limits = SITE_LIMITS) -> dict[str, LocalFile]:
    """Return all files below a folder by their path in it; symbolic links within it become the files they lead to.

    Raises UploadError for links that lead out of it, for devices and for too much of anything.
    """
    found: dict[str, LocalFile] = {}
    links: dict[str, str] = {}
    total = 0
    for path, entry in _walk(root, ""):
        info = entry.stat(follow_symlinks=False)
        if not is_text(path) or safe_path(path, limits=limits) != path:
            raise UploadError(f"{entry.path!r} has a name that no other system can hold. Rename it.")
        if stat.S_ISLNK(info.st_mode):
            links[path] = os.readlink(entry.path)
            continue
        if not stat.S_ISREG(info.st_mode):
            raise UploadError(f"{entry.path} is a device or another special file. Remove it.")
        total += info.st_size
        if len(found) >= limits.files or total > limits.total_bytes:
            raise UploadError(f"{root} has more than {limits.files} files or {limits.total_bytes} bytes.")
        found[path] = _read(Path(entry.path), mtime=info.st_mtime)
    try:
        further = followed(found, links, most=limits.files, longest=limits.path_bytes)
    except LinkError as error:
        raise UploadError(f"{root}: {error}") from None
    return found | {path: found[target] for path, target in further.items()}


def is_text(name: str) -> bool:
    """Return whether a file name is Unicode, and not bytes that only this system understands."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _walk(folder: Path | str, prefix: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    with os.scandir(folder) as entries:
        ordered = sorted(entries, key=lambda entry: entry.name)
    for entry in ordered:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}", entry


def read_script(path: Path) -> dict[str, LocalFile]:
    """Return one script as the only file."""
    info = path.stat()
    return {path.name: _read(path, mtime=info.st_mtime)}


def _read(path: Path, *, mtime: float) -> LocalFile:
    digest, size = sha256(), 0
    with path.open("rb") as source:
        while piece := source.read(_PIECE_BYTES):
            digest.update(piece)
            size += len(piece)
    return _file(path, size=size, digest=digest.hexdigest(), mtime=mtime)


def _file(path: Path, *, size: int, digest: str, mtime: float) -> LocalFile:
    return LocalFile(source=path, size=size, sha256=digest, mtime=zip_time(mtime))


def read_zip(archive: Path, spool: Path, *, limits: Limits = SITE_LIMITS) -> dict[str, LocalFile]:
    """Return the files of a zip by path, unpacked under other names into the folder ``spool``.

    Raises UploadError.
    """
    found: dict[str, LocalFile] = {}
    with archive.open("rb") as file:
        for entry in zip_entries(file, size=archive.stat().st_size, limits=limits):
            target = spool / f"{len(found):06d}"
            digest, size = sha256(), 0
            with target.open("xb") as out:
                while piece := entry.content.read(_PIECE_BYTES):
                    digest.update(piece)
                    size += len(piece)
                    out.write(piece)
            found[entry.path] = _file(target, size=size, digest=digest.hexdigest(), mtime=entry.mtime)
    return found


def write_zip(out: IO[bytes], files: Mapping[str, LocalFile]) -> None:
    """Write a zip of files."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, file in sorted(files.items()):
            info = zipfile.ZipInfo(path, date_time=time.gmtime(file.mtime)[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # Unix, whatever this machine is: the mode counts
            info.external_attr = (stat.S_IFREG | FILE_MODE) << 16
            with archive.open(info, "w", force_zip64=file.size >= 2**31) as target, file.source.open("rb") as source:
                while piece := source.read(_PIECE_BYTES):
                    target.write(piece)


def manifest(files: Mapping[str, LocalFile]) -> Manifest:
    """Return the manifest of the package that an upload of files becomes."""
    return Manifest(files={path: file.stored for path, file in files.items()})


def heads(files: Mapping[str, LocalFile]) -> Read:
    """Return the function that reads the first bytes of one of the files, by its path."""

    def head(path: str) -> bytes:
        with files[path].source.open("rb") as file:
            return file.read(HEAD)

    return head


def program_of(files: Mapping[str, LocalFile]) -> PackageProgram | None:
    """Return what would run these files, once they are uploaded; None: they hold no script."""
    return package_program.program_of(files, heads(files))
