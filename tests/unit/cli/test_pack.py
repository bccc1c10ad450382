"""Files of this machine: read safely, and packed so that the store makes the same package of them."""

from __future__ import annotations

import io
import os
import socket
import zipfile
from pathlib import Path

import pytest

from tests.site import zip_of
from webjobs.files.unpack import Limits, UploadError, zip_entries
from webjobs.store import open_store, packages
from webjobs_cli import pack
from webjobs_cli.commands.packages import read
from webjobs_cli.errors import CliError

LIMITS = Limits()


def folder(root: Path) -> Path:
    (root / "lib").mkdir(parents=True)
    (root / "run.sh").write_text("echo ü\n")
    (root / "run.sh").chmod(0o700)
    (root / "lib" / "böth.bin").write_bytes(bytes(range(256)))
    (root / "empty").write_bytes(b"")
    os.utime(root / "empty", (5, 5))  # zips begin with 1980
    os.utime(root / "run.sh", (1_600_000_001, 1_600_000_001))  # and have even seconds
    return root


def zipped(files: dict[str, pack.LocalFile]) -> bytes:
    out = io.BytesIO()
    pack.write_zip(out, files)
    return out.getvalue()


def test_the_store_makes_the_package_that_was_said(tmp_path: Path) -> None:
    files = pack.read_folder(folder(tmp_path / "job"))
    content = zipped(files)
    entries = zip_entries(io.BytesIO(content), size=len(content), limits=LIMITS)
    stored = packages.write(open_store("memory:///"), namespace="x", entries=entries)
    assert stored == pack.manifest(files)
    assert {file.mode for file in stored.files.values()} == {0o755}  # as on App Service, all can be executed


def test_a_zip_and_its_folder_are_the_same(tmp_path: Path) -> None:
    files = pack.read_folder(folder(tmp_path / "job"))
    content = zipped(files)
    (tmp_path / "job.zip").write_bytes(content)
    (tmp_path / "spool").mkdir()
    again = pack.read_zip(tmp_path / "job.zip", tmp_path / "spool")
    assert pack.manifest(again) == pack.manifest(files)
    assert zipped(again) == content


def test_links_within_a_folder_are_files(tmp_path: Path) -> None:
    root = folder(tmp_path / "job")
    (root / "bin").mkdir()
    (root / "bin" / "go").symlink_to("../run.sh")
    (root / "lib64").symlink_to("lib", target_is_directory=True)
    files = pack.read_folder(root)
    assert sorted(files) == ["bin/go", "empty", "lib/böth.bin", "lib64/böth.bin", "run.sh"]
    assert files["bin/go"] == files["run.sh"]


def _link(root: Path) -> None:
    (root / "link").symlink_to("/etc/passwd")


def _folder_link(root: Path) -> None:
    (root / "link").symlink_to("/etc")


def _socket(root: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        before = Path.cwd()
        os.chdir(root)  # a socket's path is short
        one.bind("sock")
        os.chdir(before)


def _fifo(root: Path) -> None:
    os.mkfifo(root / "fifo")


def _name(root: Path) -> None:
    (root / "a\\b").write_text("")


def _no_text(root: Path) -> None:
    Path(os.fsdecode(os.fsencode(root) + b"/\xff")).write_text("")


def _control(root: Path) -> None:
    (root / "a\nb").write_text("")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_link, "symbolic link 'link' leads out"),
        (_folder_link, "symbolic link 'link' leads out"),
        (_socket, "special file"),
        (_fifo, "special file"),
        (_name, "no other system can hold"),
        (_no_text, "no other system can hold"),
        (_control, "control character"),
    ],
)
def test_bad_folders(tmp_path: Path, make: object, message: str) -> None:
    (tmp_path / "run.sh").write_text("true")
    assert callable(make)
    make(tmp_path)
    with pytest.raises(UploadError, match=message):
        pack.read_folder(tmp_path)


@pytest.mark.parametrize("limits", [Limits(files=2), Limits(total_bytes=10)])
def test_too_much(tmp_path: Path, limits: Limits) -> None:
    with pytest.raises(UploadError, match="has more than"):
        pack.read_folder(folder(tmp_path / "job"), limits=limits)


def test_what_is_pushed(tmp_path: Path) -> None:
    job = folder(tmp_path / "job")
    spool = tmp_path / "spool"
    spool.mkdir()
    assert read(job, spool)[1] == "run.sh"
    files, script = read(job / "run.sh", spool)
    assert (script, list(files), files["run.sh"].stored.mode) == ("run.sh", ["run.sh"], 0o755)
    (tmp_path / "a.zip").write_bytes(zip_of({"x/run.py": ""}))
    assert read(tmp_path / "a.zip", spool)[1] == "x/run.py"
    (tmp_path / "b.zip").write_bytes(b"no")
    (tmp_path / "c.zip").write_bytes(zip_of({"readme.md": ""}))
    (tmp_path / "d.txt").write_text("")
    (tmp_path / "app.jar").write_bytes(zip_of({"META-INF/MANIFEST.MF": ""}))
    assert read(tmp_path / "app.jar", spool)[1] == "app.jar"
    for name, message in {
        "b.zip": "not a readable zip",
        "c.zip": "nothing to run: put a run.sh",
        "d.txt": "nothing to run",
        "e": "There is no",
    }.items():
        inside = spool / name
        inside.mkdir()
        with pytest.raises(CliError, match=message):
            read(tmp_path / name, inside)


def test_no_zip_writes_outside_of_its_spool(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("../../evil", "x")
    (tmp_path / "a.zip").write_bytes(out.getvalue())
    (tmp_path / "spool").mkdir()
    with pytest.raises(UploadError, match="outside of its folder"):
        pack.read_zip(tmp_path / "a.zip", tmp_path / "spool")
    assert sorted(one.name for one in tmp_path.rglob("*")) == ["a.zip", "spool"]
