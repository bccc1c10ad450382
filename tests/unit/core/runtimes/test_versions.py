"""Versions that packages ask for, and dependencies that they lack."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webjobs.runtimes import ranges
from webjobs.runtimes.dependencies import missing
from webjobs.runtimes.package import HEAD, Package
from webjobs.runtimes.versions import asked, short


def package(files: Mapping[str, str | bytes]) -> Package:
    content = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
    return Package(content, content.__getitem__)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("18", (18,)),
        ("v18.17.1", (18, 17)),
        ("=20.1", (20, 1)),
        ("^18.2.0", (18, 2)),
        ("~20", (20,)),
        ("20.x", (20,)),
        ("20.*.*", (20,)),
        (">=18", (18,)),
        (">= 18.0.0 < 21", (18, 0)),
        (">=18,<21", (18,)),
        (">16", (17,)),
        (">16.2", (16, 3)),
        (">16.2.1", (16, 2)),
        ("<20", (19,)),
        ("<20.0.0", (19,)),
        ("<20.3", (20, 2)),
        ("<8.3.2", (8, 3)),
        ("<=20", (20,)),
        ("14 - 16", (14,)),
        ("^20 || ^18.1", (18, 1)),
        ("^7.4|^8.0", (7, 4)),
        ("18 || *", None),
        ("*", None),
        ("x", None),
        ("", None),
        ("latest", None),
        ("!=19", None),
        ("^8.1@dev", (8, 1)),
        ("22.0.0-rc.1", (22, 0)),
        (">=7.2,!=7.3.1", (7, 2)),
    ],
)
def test_lowest(text: str, expected: tuple[int, ...] | None) -> None:
    assert ranges.lowest(text) == expected


@pytest.mark.parametrize("text", ["eighteen", "^", "18 oder 20", "lts/hydrogen", "<<3", "1" + " " * 10**6 + "2"])
def test_no_range(text: str) -> None:
    with pytest.raises(ranges.NoRange):
        ranges.lowest(text)


@given(st.text() | st.text(alphabet="^~<>=|., -x*v0123456789"))
def test_any_range_is_read_or_refused(text: str) -> None:
    try:
        found = ranges.lowest(text)
    except ranges.NoRange:
        return
    assert found is None or 1 <= len(found) <= 2


@pytest.mark.parametrize(
    ("runtime", "files", "version", "file"),
    [
        pytest.param("js", {"package.json": '{"engines": {"node": ">=20"}}'}, "20", "package.json", id="engines"),
        pytest.param("js", {".nvmrc": "v18.17.0\n"}, "18", ".nvmrc", id="nvmrc"),
        pytest.param("js", {".nvmrc": "lts/Hydrogen"}, "18", ".nvmrc", id="name"),
        pytest.param("js", {".nvmrc": "lts/*"}, None, None, id="any with long support"),
        pytest.param("js", {".node-version": "# ours\n22.1.0"}, "22", ".node-version", id="node-version"),
        pytest.param("js", {"package.json": "{}", ".nvmrc": "18"}, "18", ".nvmrc", id="engines do not say"),
        pytest.param(
            "js",
            {"package.json": '{"engines": {"node": "20"}}', ".nvmrc": "18"},
            "20",
            "package.json",
            id="engines first",
        ),
        pytest.param("js", {"lib/package.json": '{"engines": {"node": "20"}}'}, None, None, id="of another folder"),
        pytest.param("js", {"runtime.txt": "python-3.11.4"}, None, None, id="of another runtime"),
        pytest.param("py", {"runtime.txt": "python-3.11.4\r\n"}, "3.11", "runtime.txt", id="runtime.txt"),
        pytest.param("py", {".python-version": "3.12\n3.11\n"}, "3.12", ".python-version", id="python-version"),
        pytest.param("py", {"Runtime.TXT": "\ufeffpython-3.9"}, "3.9", "Runtime.TXT", id="name in any case"),
        pytest.param("py", {".python-version": "3.13.0rc1"}, "3.13", ".python-version", id="candidate"),
        pytest.param(
            "php", {"composer.json": '{"require": {"php": "^7.4 || ^8.0"}}'}, "7.4", "composer.json", id="php"
        ),
        pytest.param("php", {"composer.json": '{"require": {"php": ">=8"}}'}, "8", "composer.json", id="php, major"),
        pytest.param("ps1", {"runtime.txt": "3"}, None, None, id="nothing known"),
    ],
)
def test_asked(runtime: str, files: dict[str, str], version: str | None, file: str | None) -> None:
    found = asked(runtime, package({"run.x": "", **files}), "run.x")
    assert (found.version, found.file, found.notes) == (version, file, ())


@pytest.mark.parametrize(
    ("runtime", "files"),
    [
        pytest.param("js", {"package.json": "{"}, id="no JSON"),
        pytest.param("js", {"package.json": '{"engines": {"node": "newest"}}'}, id="no range"),
        pytest.param("js", {"package.json": '{"engines": {"node": 20}}'}, id="a number"),
        pytest.param("js", {"package.json": " " * HEAD}, id="too large"),
        pytest.param("py", {"runtime.txt": "pypy-3.9"}, id="another Python"),
        pytest.param("php", {"composer.json": '{"require": {"php": "eight"}}'}, id="a word"),
    ],
)
def test_junk_is_a_note(runtime: str, files: dict[str, str]) -> None:
    found = asked(
        runtime, package({"in/run.x": "", **{f"in/{name}": text for name, text in files.items()}}), "in/run.x"
    )
    assert found.version is None
    (note,) = found.notes
    assert note.startswith(f"in/{next(iter(files))} asks for no version of ")


def jar(manifest: str, *, compression: int = zipfile.ZIP_DEFLATED, first: str = "META-INF/") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.writestr(first, b"")
        archive.writestr("META-INF/MANIFEST.MF", manifest)
        archive.writestr("App.class", b"x" * 100)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "version"),
    [
        pytest.param(jar("Manifest-Version: 1.0\r\nBuild-Jdk-Spec: 17\r\n"), "17", id="17"),
        pytest.param(jar("Build-Jdk: 1.8.0_131\n", compression=zipfile.ZIP_STORED), "8", id="8, stored"),
        pytest.param(jar("Main-Class: App\n"), None, id="not said"),
        pytest.param(jar("Build-Jdk-Spec: 17\n", first="a.txt"), None, id="another file first"),
        pytest.param(b"no zip", None, id="no zip"),
        pytest.param(jar("Build-Jdk-Spec: 17\n")[:60], None, id="cut off"),
    ],
)
def test_java(content: bytes, version: str | None) -> None:
    assert asked("jar", package({"app.jar": content}), "app.jar").version == version


@given(st.binary(max_size=200), st.integers(0, 300))
def test_any_jar_is_read(noise: bytes, at: int) -> None:
    content = bytearray(jar("Build-Jdk-Spec: 17\n"))
    content[at : at + len(noise)] = noise
    asked("jar", package({"app.jar": bytes(content)}), "app.jar")


@pytest.mark.parametrize(
    ("runtime", "version", "expected"),
    [
        ("py", "364", "3.6"),
        ("py", "3111", "3.11"),
        ("py", "3.6.4", "3.6"),
        ("py", "3", "3"),
        ("py", "27", "2.7"),
        ("php", "v7.0", "7.0"),
        ("js", "20.11.1", "20"),
        ("jar", "1.8.0_25", "8"),
        ("jar", "17", "17"),
        ("dotnet", "8.0.1", "8.0.1"),
        ("py", "", None),
        ("py", "x", None),
        ("py", None, None),
    ],
)
def test_short(runtime: str, version: str | None, expected: str | None) -> None:
    assert short(runtime, version) == expected


@pytest.mark.parametrize(
    ("runtime", "files", "kind"),
    [
        pytest.param("py", {"requirements.txt": "requests\n"}, "pip", id="pip"),
        pytest.param("py", {"requirements.txt": "# none\n\n"}, None, id="none required"),
        pytest.param("py", {"requirements.txt": "r", "site-packages/r/a.py": ""}, None, id="site-packages"),
        pytest.param("py", {"requirements.txt": "r", "r-1.0.dist-info/RECORD": ""}, None, id="target folder"),
        pytest.param("py", {"requirements.txt": "r", ".python_packages/lib/r.py": ""}, None, id="python_packages"),
        pytest.param("py", {"requirements.txt": "r", "antenv/lib/r.py": ""}, None, id="antenv"),
        pytest.param("py", {"package.json": '{"dependencies": {"a": "1"}}'}, None, id="of another runtime"),
        pytest.param("js", {"package.json": '{"dependencies": {"a": "1"}}'}, "npm", id="npm"),
        pytest.param("js", {"package.json": '{"dependencies": {}}'}, None, id="no dependencies"),
        pytest.param("js", {"package.json": '{"devDependencies": {"a": "1"}}'}, None, id="for developers"),
        pytest.param("js", {"package.json": "{"}, None, id="no JSON"),
        pytest.param(
            "js",
            {"package.json": '{"dependencies": {"a": "1"}}', "node_modules/a/index.js": ""},
            None,
            id="node_modules",
        ),
    ],
)
def test_missing(runtime: str, files: dict[str, str], kind: str | None) -> None:
    found = missing(runtime, package({"run.x": "", **files}), "run.x")
    assert (found.kind if found else None) == kind
    assert found is None or found.note.startswith(found.file)
