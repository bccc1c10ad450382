"""The images of Mono and Wine: one recipe for both ways to build them, pinned, and a wrapper that keeps its word."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import runtimes
from tests.cluster.engine import Engine
from tests.cluster.images import runtime_images
from tests.cluster.paths import repo_root

REPO = repo_root()
WRAPPER = REPO / "image/wine/wine"
# No shell: what is started beside a shell ignores INT, and only other programs can change that. Wine does.
FAKE = f"""#!{sys.executable} -S
import os, signal, sys
def told(*_):
    print("told", flush=True)
    os._exit(3)
signal.signal(signal.SIGINT, told)
print(os.environ["Home"], os.environ["WINEPREFIX"], *sys.argv[1:], sep="|", flush=True)
if sys.argv[1:] == ["wait"]:
    signal.pause()
sys.exit(41)
"""


@pytest.mark.parametrize("name", runtime_images.FOLDERS)
def test_the_base_is_the_same_and_pinned(name: str) -> None:
    text = (REPO / runtime_images.FOLDERS[name] / "Dockerfile").read_text()
    base = re.search(r"^ARG DEBIAN_IMAGE=(.*)$", text, re.MULTILINE)
    assert base
    assert re.fullmatch(rf"docker\.io/library/debian:{runtime_images.SUITE}-slim@sha256:[0-9a-f]{{64}}", base[1])
    assert base[1] == runtime_images.debian_image()
    makefile = (REPO / "Makefile").read_text()
    assert f"DEBIAN := {base[1].partition('@')[0]}\n" in makefile
    assert f"{runtime_images.FOLDERS[name]}/Dockerfile" in makefile


@pytest.mark.parametrize("name", runtime_images.FOLDERS)
def test_packages_are_named_once(name: str) -> None:
    """In the list that make.sh reads, and not in a Dockerfile or a builder."""
    folder = REPO / runtime_images.FOLDERS[name]
    words = [line.partition("#")[0].strip() for line in (folder / "packages.txt").read_text().splitlines()]
    packages = [word for word in words if word]
    assert len(packages) == len(set(packages))
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9.+-]+", word) for word in packages), "a word a line"
    assert "install_packages /build/packages.txt" in (folder / "make.sh").read_text()
    assert "apt-get" not in (folder / "Dockerfile").read_text()


def test_the_tag_tells_what_is_in_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEBJOBS_DEBIAN_IMAGE", raising=False)
    engine = Engine(program="docker")
    refs = [runtime_images.ref_of(name, engine=None) for name in runtime_images.FOLDERS]
    refs.append(runtime_images.ref_of("mono", engine=engine))
    monkeypatch.setenv("WEBJOBS_DEBIAN_IMAGE", "mirror.example/debian")
    refs.append(runtime_images.ref_of("mono", engine=engine))
    assert len(set(refs)) == len(refs)
    assert all(re.fullmatch(r"registry\.local/webjobs-(mono|wine|dotnet):[0-9a-f]{12}", ref) for ref in refs)


@pytest.mark.parametrize("name", runtimes.PROGRAMS)
def test_sources_of_programs_are_there(name: str) -> None:
    source, file_name = runtimes.PROGRAMS[name]
    assert (runtimes.SOURCES / source).is_file()
    assert runtimes.compiler(name)[-1] == source
    assert any(file_name in word for word in runtimes.compiler(name))


@pytest.fixture
def wine(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """The wrapper, with a program in Wine's place, and an environment for it."""
    (tmp_path / "image/dosdevices").mkdir(parents=True)
    loader, wrapper = tmp_path / "wine64", tmp_path / "wine"
    loader.write_text(FAKE)
    loader.chmod(0o755)
    text = WRAPPER.read_text()
    assert "/opt/wine/prefix" in text
    text = text.replace("/opt/wine/prefix", str(tmp_path / "image"))
    wrapper.write_text(text.replace("/usr/lib/wine/wine64", str(loader)))
    wrapper.chmod(0o755)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("WEBJOBS_", "WINE"))}
    return wrapper, environment | {"WINEPREFIX": str(tmp_path / "prefix"), "HOME": "/home/site"}


def test_a_program_gets_its_words_its_home_and_a_prefix(wine: tuple[Path, dict[str, str]]) -> None:
    wrapper, environment = wine
    for _ in range(2):
        done = subprocess.run([wrapper, "a b", "c"], env=environment, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (41, "")
        assert done.stdout == f"D:\\home\\site|{environment['WINEPREFIX']}|a b|c\n"
    assert Path(environment["WINEPREFIX"], "dosdevices").is_dir()
    assert sorted(path.name for path in wrapper.parent.iterdir()) == ["image", "prefix", "wine", "wine64"]


def test_term_becomes_ctrl_c(wine: tuple[Path, dict[str, str]]) -> None:
    wrapper, environment = wine
    with subprocess.Popen([wrapper, "wait"], env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline().endswith("|wait\n")
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == "told\n"
        assert process.wait(60) == 3


def test_no_prefix_without_a_place_for_it(wine: tuple[Path, dict[str, str]]) -> None:
    wrapper, environment = wine
    environment["WINEPREFIX"] = "/proc/nowhere/prefix"
    done = subprocess.run([wrapper, "x"], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 126
    assert "cannot write to /proc/nowhere/prefix, set WINEPREFIX" in done.stderr
    assert done.stdout == ""
