"""App settings in the targets of an import: a folder and a namespace."""

from __future__ import annotations

import stat
from base64 import b64decode
from pathlib import Path

import yaml

from tests.fakes.kube import FakeKube
from tests.fakes.objects import run_async
from webjobs_cli.importing.targets import ClusterTarget, FolderTarget


def test_a_folder_gets_a_secret_that_only_its_owner_reads(tmp_path: Path) -> None:
    target = FolderTarget(tmp_path)
    run_async(target.set_settings({"B": "2"}))
    run_async(target.set_settings({"A": "1: yes"}))
    file = tmp_path / "manifests/webjobs-settings.yaml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    made = yaml.safe_load(file.read_text())
    assert (made["kind"], made["type"], made["stringData"]) == ("Secret", "Opaque", {"A": "1: yes", "B": "2"})
    assert run_async(target.settings()) == {"A": "1: yes", "B": "2"}


def test_a_config_map_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    file = tmp_path / "manifests/webjobs-settings.yaml"
    file.parent.mkdir()
    file.write_text(yaml.safe_dump({"kind": "ConfigMap", "data": {"A": "1"}}))
    target = FolderTarget(tmp_path)
    assert run_async(target.settings()) == {"A": "1"}
    run_async(target.set_settings({"B": "2"}))
    assert yaml.safe_load(file.read_text())["stringData"] == {"A": "1", "B": "2"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600, "it holds secrets, whatever it was before"


def test_a_namespace_gets_a_secret() -> None:
    kube = FakeKube()
    target = ClusterTarget(kube, "site")
    assert run_async(target.settings()) == {}
    run_async(target.set_settings({"A": "1"}))
    assert run_async(target.settings()) == {"A": "1"}
    (made,) = kube.of_kind("Secret")
    assert {name: b64decode(value) for name, value in made["data"].items()} == {"A": b"1"}
    assert kube.of_kind("ConfigMap") == []
