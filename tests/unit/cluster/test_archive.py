"""The docker-archives that are written by hand: the same content gives the same bytes, and an engine can read them."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from pathlib import Path

from tests.cluster.images.archive import Config, Layer, write_archive

CONFIG = Config(entrypoint=("/run",), env={"A": "1"}, user="65532:65532", workdir="/home")


def _tree(at: Path, *, time: int) -> Path:
    (at / "package").mkdir(parents=True)
    (at / "package" / "b.py").write_text("b")
    (at / "package" / "a.py").write_text("a")
    (at / "run").write_text("#!/bin/sh\n")
    (at / "run").chmod(0o755)
    (at / "link").symlink_to("run")
    for path in at.rglob("*"):
        os.utime(path, (time, time), follow_symlinks=False)
    return at


def test_equal_trees_give_equal_archives(tmp_path: Path) -> None:
    archives = []
    for number, time in enumerate((1_000_000_000, 1_700_000_000)):
        layer = Layer.of_trees({"/opt/app": _tree(tmp_path / str(number), time=time)})
        archive = write_archive(tmp_path / f"{number}.tar", ref="registry.local/x:1", layers=[layer], config=CONFIG)
        archives.append(archive.read_bytes())
    assert archives[0] == archives[1]


def test_a_changed_file_changes_the_layer(tmp_path: Path) -> None:
    tree = _tree(tmp_path / "tree", time=1_000_000_000)
    before = Layer.of_trees({"/opt": tree}).digest
    (tree / "package" / "a.py").write_text("A")
    assert Layer.of_trees({"/opt": tree}).digest != before


def test_archive_names_its_layers_and_configuration(tmp_path: Path) -> None:
    tree = _tree(tmp_path / "tree", time=1_000_000_000)
    layers = [Layer.of_files({"run": tree / "run"}), Layer.of_trees({"/opt/app": tree})]
    archive = write_archive(tmp_path / "image.tar", ref="registry.local/x:1", layers=layers, config=CONFIG)
    with tarfile.open(archive) as tar:
        content = {name: _content(tar, name) for name in tar.getnames()}
    (entry,) = json.loads(content["manifest.json"])
    assert entry["RepoTags"] == ["registry.local/x:1"]
    assert entry["Config"] == hashlib.sha256(content[entry["Config"]]).hexdigest() + ".json"
    config = json.loads(content[entry["Config"]])
    digests = [f"sha256:{hashlib.sha256(content[name]).hexdigest()}" for name in entry["Layers"]]
    assert config["rootfs"]["diff_ids"] == digests
    assert config["config"] == {
        "Env": ["A=1"],
        "Entrypoint": ["/run"],
        "Cmd": None,
        "User": "65532:65532",
        "WorkingDir": "/home",
        "Labels": None,
    }


def test_tree_layer_has_parents_modes_and_links(tmp_path: Path) -> None:
    layer = Layer.of_trees({"/opt/app": _tree(tmp_path / "tree", time=1_000_000_000)})
    with layer.open() as file, tarfile.open(fileobj=file) as tar:
        found = {entry.name: (entry.type, oct(entry.mode), entry.linkname) for entry in tar}
    assert found == {
        "opt": (tarfile.DIRTYPE, "0o755", ""),
        "opt/app": (tarfile.DIRTYPE, "0o755", ""),
        "opt/app/link": (tarfile.SYMTYPE, "0o777", "run"),
        "opt/app/package": (tarfile.DIRTYPE, "0o755", ""),
        "opt/app/package/a.py": (tarfile.REGTYPE, "0o644", ""),
        "opt/app/package/b.py": (tarfile.REGTYPE, "0o644", ""),
        "opt/app/run": (tarfile.REGTYPE, "0o755", ""),
    }


def test_digest_of_a_tar_is_renewed_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "layer.tar"
    for number, text in enumerate((b"one", b"two")):
        path.write_bytes(text)
        os.utime(path, ns=(0, 10**18 * (number + 1)))
        os.utime(note, ns=(0, 10**18)) if (note := path.with_name("layer.tar.sha256")).exists() else None
        assert Layer.of_tar(path).digest == hashlib.sha256(text).hexdigest()


def _content(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    assert file is not None
    return file.read()
