"""Safe reading of uploads: a zip, or one script.

What a hostile or broken zip can do (climb out of the folder, name absolute paths, unpack to terabytes, link to
somewhere else) is refused with a message that names the entry. Nothing is written outside of the given callback.
"""

from __future__ import annotations

import calendar
import lzma
import stat
import time
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, cast

from webjobs.files.links import LinkError, followed

_LONGEST_LINK = 4096
"""Most bytes of the text of a symbolic link."""


class UploadError(ValueError):
    """An upload that can't be used; the message is for the person who sent it."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds of an upload."""

    total_bytes: int = 2**30
    """Most bytes of all files together, unpacked."""
    files: int = 10_000
    """Most files of an upload."""
    ratio: int = 200
    """Most unpacked bytes for each packed byte, looked at from ``ratio_from_bytes`` on: text can shrink that far, a
    bomb goes farther."""
    ratio_from_bytes: int = 16 * 2**20
    """Unpacked bytes from which on the ratio is looked at."""
    path_bytes: int = 512
    """Most bytes of a path."""
    name_bytes: int = 255
    """Most bytes of one segment of a path, as Linux file systems hold them."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file of an upload, open for reading once."""

    path: str
    """Path relative to the root of the upload, with ``/``."""
    content: IO[bytes]
    """Content of the file, to be read before the next file is asked for."""
    mtime: int = 0
    """Last change of the file in seconds of Unix time; 0: not known."""


def safe_path(name: str, *, limits: Limits) -> str:
    """Return the path of an entry, with ``/``.

    Raises UploadError when the path could leave the folder or no system can hold it.
    """
    path = name.replace("\\", "/")  # old .NET writers
    parts = path.split("/")
    clean = "/".join(part for part in parts if part not in ("", "."))
    if path.startswith("/") or clean[1:2] == ":":
        raise UploadError(f"The upload has a file with an absolute path: {name!r}. Use relative paths.")
    if ".." in parts:
        raise UploadError(f"The upload has a file outside of its folder: {name!r}. Remove '..' from the path.")
    if any(ord(char) < 32 or ord(char) == 127 for char in path):
        raise UploadError(f"The upload has a file with a control character in its name: {name!r}.")
    if not clean or len(clean.encode("utf-8", "surrogatepass")) > limits.path_bytes:
        raise UploadError(f"The upload has a file with an empty or too long name: {name[:80]!r}.")
    if any(len(part.encode("utf-8", "surrogatepass")) > limits.name_bytes for part in clean.split("/")):
        raise UploadError(f"The upload has a file with a too long name: {name[:80]!r}.")
    return clean


def too_large(most: int) -> UploadError:
    """Return the error of a zip that unpacks to more than so many bytes."""
    return UploadError(f"The zip unpacks to more than {most} bytes (apiserver.limits.unpackedBytes of the chart).")


class _Counted:
    """A stream that refuses to give more than the upload may hold."""

    def __init__(self, source: IO[bytes], budget: _Budget) -> None:
        self._source = source
        self._budget = budget

    def read(self, size: int = -1) -> bytes:
        with _as_upload_error():  # the caller reads outside of the generator, so errors must be told here
            data = self._source.read(min(size, 2**20) if size >= 0 else 2**20)
        self._budget.take(len(data))
        return data


@dataclass
class _Budget:
    limits: Limits
    packed: int
    used: int = 0

    def take(self, count: int) -> None:
        self.used += count
        if self.used > self.limits.total_bytes:
            raise too_large(self.limits.total_bytes)
        if self.used > self.limits.ratio_from_bytes and self.used > self.packed * self.limits.ratio:
            raise UploadError(f"The zip unpacks to more than {self.limits.ratio} times its size.")


_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OSError,
    ValueError,
)


class _Directory:
    """The zip's file while its directory is read: zipfile takes all of it at once, whatever its size."""

    _ENTRY_BYTES = 1536
    """Bytes above what an entry of a sane zip needs: 46, its path twice (a Unicode copy), time stamps, a comment."""

    def __init__(self, file: IO[bytes], *, limits: Limits) -> None:
        self._file = file
        self._limits = limits
        self.checked = False

    def read(self, size: int = -1) -> bytes:
        bound = max(self._limits.files * self._ENTRY_BYTES, 2**17)
        if self.checked or 0 <= size <= bound:
            return self._file.read(size)
        data = self._file.read(bound + 1)  # some versions of zipfile read the end without a size
        if len(data) > bound:
            raise UploadError(
                f"The zip has more than {self._limits.files} entries (apiserver.limits.files of the chart), or damaged "
                "ones."
            )
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True


@contextmanager
def _as_upload_error() -> Iterator[None]:
    try:
        yield
    except UploadError:
        raise
    except _UNREADABLE as error:
        raise UploadError(f"The upload is not a readable zip: {error}") from error


def zip_entries(file: IO[bytes], *, size: int, limits: Limits, folders_seen: set[str] | None = None) -> Iterator[Entry]:
    """Yield the files of a zip; each must be read before the next is asked for.

    Of entries with one path the last counts, as with Kudu. Symbolic links become the files that they lead to.
    ``size``: bytes of the zip itself. ``folders_seen`` takes the folders that have entries of their own. Raises
    UploadError, possibly after some entries.
    """
    budget = _Budget(limits=limits, packed=max(size, 1))
    directory = _Directory(file, limits=limits)
    with _as_upload_error(), zipfile.ZipFile(cast(IO[bytes], directory)) as archive:
        directory.checked = True
        infos = archive.infolist()
        if len(infos) > limits.files:
            raise UploadError(
                f"The zip has {len(infos)} entries; at most {limits.files} are allowed "
                "(apiserver.limits.files of the chart)."
            )
        files, links, folders = _sorted(infos, limits=limits)
        if folders_seen is not None:
            folders_seen |= folders
        texts = {path: _link(archive, info, budget) for path, info in links.items()}
        for path, target in _followed(files, texts, folders, limits=limits).items():
            info = files[target]
            with archive.open(info) as content:
                counted = cast(IO[bytes], _Counted(content, budget))
                yield Entry(path=path, content=counted, mtime=_mtime(info))


def survey(entries: Iterable[Entry]) -> dict[str, int]:
    """Read all files of an upload to their ends; return the size of each in bytes, by its path.

    Before anything is stored, so that nothing is left of an upload that can't be used. Raises UploadError.
    """
    sizes: dict[str, int] = {}
    for entry in entries:
        sizes[entry.path] = 0
        while piece := entry.content.read(2**20):
            sizes[entry.path] += len(piece)
    return sizes


def _sorted(
    infos: list[zipfile.ZipInfo], *, limits: Limits
) -> tuple[dict[str, zipfile.ZipInfo], dict[str, zipfile.ZipInfo], set[str]]:
    """Return the files and the symbolic links of a zip by their paths, the last entry of each, and its own folders."""
    found: dict[str, zipfile.ZipInfo] = {}
    folders: set[str] = set()
    for info in infos:
        # Windows tools write a folder as "lib\\", with nothing in it.
        if info.is_dir() or (info.filename.endswith("\\") and info.file_size == 0):
            if info.filename.strip("/\\. "):
                folders.add(safe_path(info.filename, limits=limits))
            continue
        path = safe_path(info.filename, limits=limits)
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFLNK):
            raise UploadError(f"The upload has a device or another special file: {info.filename!r}. Remove it.")
        if info.flag_bits & 1:
            raise UploadError(f"The zip is encrypted (entry {info.filename!r}). Upload it without a password.")
        found[path] = info
    held = folders | {parent for folder in folders for parent in _parents(folder)}
    for path in found:
        if path in held or any(parent in found for parent in _parents(path)):
            raise UploadError(f"The zip has a file and a folder with one name: {path!r}. Rename one of them.")
    links = {path: info for path, info in found.items() if stat.S_ISLNK(info.external_attr >> 16)}
    return {path: info for path, info in found.items() if path not in links}, links, folders


def _parents(path: str) -> list[str]:
    return [path[:at] for at, char in enumerate(path) if char == "/"]


def _link(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: _Budget) -> str:
    """Return the text of a symbolic link. What the zip says of its size is not believed."""
    with archive.open(info) as content:
        text = _Counted(content, budget).read(_LONGEST_LINK + 1)
    if len(text) > _LONGEST_LINK:
        raise UploadError(f"The zip has a symbolic link that is too long: {info.filename!r}.")
    return text.decode("utf-8", "surrogateescape")


def _followed(
    files: Collection[str], links: Mapping[str, str], folders: Collection[str], *, limits: Limits
) -> dict[str, str]:
    """Return the path of an entry for each file of a zip and for what its symbolic links lead to."""
    try:
        further = followed(files, links, folders=folders, most=limits.files, longest=limits.path_bytes)
    except LinkError as error:
        raise UploadError(str(error)) from None
    return {path: path for path in files} | {safe_path(path, limits=limits): to for path, to in further.items()}


def _mtime(info: zipfile.ZipInfo) -> int:
    """Return the last change of an entry in seconds of Unix time.

    Zips hold a local time without its zone; it is taken for UTC. Impossible dates count as unknown.
    """
    try:
        return max(calendar.timegm(time.strptime(" ".join(map(str, info.date_time)), "%Y %m %d %H %M %S")), 0)
    except ValueError:
        return 0
