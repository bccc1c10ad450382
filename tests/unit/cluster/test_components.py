"""What is compiled and under which name it is cached."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cluster.built.compile import versions
from tests.cluster.built.compile.builder import ensure, minutes
from tests.cluster.built.compile.components import HERE, NODE_PROGRAMS, Component, components
from tests.cluster.errors import ClusterError


def test_key_changes_with_every_input(tmp_path: Path) -> None:
    source = tmp_path / "go.mod"
    source.write_text("one")
    base = Component(name="x", version="1", argv=("go", "build"), minutes=1, sources=(source,), env={"A": "1"})
    keys = {
        base.key,
        replace(base, version="2").key,
        replace(base, argv=("go", "build", "-trimpath")).key,
        replace(base, env={"A": "2"}).key,
        replace(base, links=(("y", "x"),)).key,
    }
    source.write_text("two")
    keys.add(base.key)
    assert len(keys) == 6


def test_key_does_not_depend_on_where_the_checkout_lies() -> None:
    for component in components():
        assert str(HERE) not in "".join(component.argv)
        assert re.fullmatch(rf"{component.name}-[0-9a-f]{{16}}", component.key)


def test_versions_agree_with_the_go_module() -> None:
    text = (HERE / "node" / "go.mod").read_text()
    assert f"k8s.io/kubernetes v{versions.KUBERNETES}\n" in text
    assert f"coredns/coredns v{versions.COREDNS}\n" in (HERE / "dns" / "go.mod").read_text()
    assert f"traefik/traefik/v3 v{versions.TRAEFIK} " in (HERE / "proxy" / "go.mod").read_text()
    _, minor, patch = versions.KUBERNETES.split(".")
    replaced = re.findall(r"=> k8s\.io/\S+ (v\S+)", text)
    assert set(replaced) == {f"v0.{minor}.{patch}"}


def test_every_node_program_is_known_to_the_multi_call_binary() -> None:
    text = (HERE / "node" / "main.go").read_text()
    assert all(f'"{program}"' in text for program in NODE_PROGRAMS)


def test_a_build_appears_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBJOBS_CACHE", str(tmp_path))
    lines: list[str] = []
    good = Component(
        name="good", version="1", argv=("sh", "-c", "echo x >{out}/good"), minutes=0.1, links=(("also", "good"),)
    )
    bad = Component(name="bad", version="2", argv=("sh", "-c", "echo x >{out}/bad; echo broken; exit 3"), minutes=2)
    with pytest.raises(ClusterError, match=r"building bad failed; log: .*\n.*broken"):
        ensure([good, bad], log=lines.append)
    assert (tmp_path / "bin" / good.key / "also").read_text() == "x\n"
    assert [entry.name for entry in (tmp_path / "bin").iterdir()] == [good.key]
    assert "building bad 2 (2 of 2), usually 2 minutes" in lines
    lines.clear()
    assert ensure([good], log=lines.append) == {"good": tmp_path / "bin" / good.key}
    assert lines == []


@pytest.mark.parametrize(
    ("amount", "text"), [(0.05, "3 seconds"), (0.5, "30 seconds"), (1.0, "1 minute"), (2.5, "3 minutes")]
)
def test_estimates_are_readable(amount: float, text: str) -> None:
    assert minutes(amount) == text
