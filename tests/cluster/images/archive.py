"""Writes docker-archives (what `docker save` writes): a tar of layers, a configuration and a manifest.

Everything in it is a function of the content alone: entries are sorted, owners and times are fixed.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Self

EPOCH = 1735689600  # 2025-01-01; not 0, which zip files and some tools refuse
_CHUNK = 1 << 20
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True, kw_only=True)
class Config:
    """What the image runs by default."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    workdir: str = "/"
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Layer:
    """One layer: an uncompressed tar file, and its digest."""

    source: Path | bytes
    digest: str

    @classmethod
    def of_tar(cls, path: Path) -> Self:
        """A tar file as it is; its digest is kept in a file next to it, since it is costly."""
        note = path.with_name(path.name + ".sha256")
        if note.is_file() and note.stat().st_mtime_ns >= path.stat().st_mtime_ns:
            return cls(path, note.read_text().strip())
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        note.write_text(digest)
        return cls(path, digest)

    @classmethod
    def of_files(cls, files: Mapping[str, Path], *, modes: Mapping[str, int] | None = None) -> Self:
        """Regular files by their path in the image; executable unless ``modes`` says otherwise."""
        text = io.BytesIO()
        with tarfile.open(fileobj=text, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for name, path in sorted(files.items()):
                _add(tar, name, path, mode=(modes or {}).get(name, 0o755))
        return cls(text.getvalue(), hashlib.sha256(text.getvalue()).hexdigest())

    @classmethod
    def of_trees(cls, trees: Mapping[str, Path]) -> Self:
        """Folders with all they hold, by their absolute path in the image; owned by root, readable by all."""
        text = io.BytesIO()
        with tarfile.open(fileobj=text, mode="w", format=tarfile.PAX_FORMAT) as tar:
            made: set[str] = set()
            for target, tree in sorted(trees.items()):
                inside = target.strip("/")
                for parent in [*reversed(Path(inside).parents), Path(inside)]:
                    _add_folder(tar, str(parent), made)
                for path in sorted(tree.rglob("*")):
                    name = f"{inside}/{path.relative_to(tree)}"
                    if path.is_dir() and not path.is_symlink():
                        _add_folder(tar, name, made)
                    else:
                        _add(tar, name, path, mode=0o755 if path.stat().st_mode & 0o111 else 0o644)
        return cls(text.getvalue(), hashlib.sha256(text.getvalue()).hexdigest())

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.source) if isinstance(self.source, bytes) else self.source.stat().st_size

    def open(self) -> IO[bytes]:
        """The tar file's content."""
        return io.BytesIO(self.source) if isinstance(self.source, bytes) else self.source.open("rb")


def write_archive(out: Path, *, ref: str, layers: Sequence[Layer], config: Config) -> Path:
    """Write the image ``ref``, its layers from the lowest up, to ``out``: at once or not at all."""
    image = json.dumps(image_config(layers, config), sort_keys=True).encode()
    digest = hashlib.sha256(image).hexdigest()
    manifest = [{"Config": f"{digest}.json", "RepoTags": [ref], "Layers": [f"{layer.digest}.tar" for layer in layers]}]
    out.parent.mkdir(parents=True, exist_ok=True)
    scratch = out.with_name(out.name + ".new")
    with tarfile.open(scratch, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in ((f"{digest}.json", image), ("manifest.json", json.dumps(manifest).encode())):
            tar.addfile(_entry(name, size=len(content)), io.BytesIO(content))
        for layer in dict.fromkeys(layers):
            with layer.open() as file:
                tar.addfile(_entry(f"{layer.digest}.tar", size=layer.size), file)
    scratch.rename(out)
    return out


def image_config(layers: Sequence[Layer], config: Config) -> dict[str, Any]:
    """The image's configuration as the OCI image specification has it."""
    created = "2025-01-01T00:00:00Z"
    return {
        "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "created": created,
        "config": {
            "Env": [f"{name}={value}" for name, value in config.env.items()],
            "Entrypoint": list(config.entrypoint) or None,
            "Cmd": list(config.command) or None,
            "User": config.user,
            "WorkingDir": config.workdir,
            "Labels": dict(config.labels) or None,
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.digest}" for layer in layers]},
        "history": [{"created": created} for _ in layers],
    }


def _entry(name: str, *, size: int = 0, mode: int = 0o644) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, mode, EPOCH
    return entry


def _add(tar: tarfile.TarFile, name: str, path: Path, *, mode: int) -> None:
    if path.is_symlink():
        link = _entry(name, mode=0o777)
        link.type, link.linkname = tarfile.SYMTYPE, str(path.readlink())
        tar.addfile(link)
        return
    with path.open("rb") as file:
        tar.addfile(_entry(name, size=path.stat().st_size, mode=mode), file)


def _add_folder(tar: tarfile.TarFile, name: str, made: set[str]) -> None:
    if name in made or name == ".":
        return
    made.add(name)
    folder = _entry(name, mode=0o755)
    folder.type = tarfile.DIRTYPE
    tar.addfile(folder)
