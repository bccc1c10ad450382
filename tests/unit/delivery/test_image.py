"""The image's recipe: pinned, the same code as without a container engine, and nothing that is never imported."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from image.prune import CLIENTS, KEPT_MODELS, prune
from tests.cluster.images import python_layers
from tests.cluster.paths import repo_root

REPO = repo_root()
DOCKERFILE = (REPO / "Dockerfile").read_text()
FINAL = DOCKERFILE.rpartition("\nFROM ")[2]


def _argument(name: str) -> str:
    found = re.search(rf"^ARG {name}=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert found, name
    return found[1].strip('"')


def test_the_base_is_pinned_and_there_is_no_other() -> None:
    assert re.fullmatch(r"docker\.io/library/python:3\.\d+-slim@sha256:[0-9a-f]{64}", _argument("PYTHON_IMAGE"))
    stages = re.findall(r"^FROM (?:--platform=\$\{BUILDPLATFORM:-linux/amd64\} )?(\S+)", DOCKERFILE, re.MULTILINE)
    assert stages == ["${PYTHON_IMAGE}", "${PYTHON_IMAGE}", "scratch"]


def test_nothing_of_another_architecture_is_run() -> None:
    """A default would win over what the builder says of the architecture."""
    assert not re.search(r"^RUN", FINAL, re.MULTILINE)
    assert re.search(r"^ARG TARGETARCH$", DOCKERFILE, re.MULTILINE)


def test_versions_are_said_once() -> None:
    project = tomllib.loads((REPO / "pyproject.toml").read_text())
    assert _argument("VERSION") == project["project"]["version"]
    (uv,) = (one for one in project["dependency-groups"]["dev"] if one.startswith("uv=="))
    assert f"uv=={_argument('UV_VERSION')}" == uv
    makefile = (REPO / "Makefile").read_text()
    assert f"UV_VERSION := {_argument('UV_VERSION')}\n" in makefile
    assert f"BASE := {_argument('PYTHON_IMAGE').partition('@')[0]}\n" in makefile


def test_both_images_have_the_same_packages() -> None:
    copied = re.search(r"cp -r (.*) /opt/webjobs/app/", DOCKERFILE)
    assert copied
    assert tuple(copied[1].split()) == python_layers.PACKAGES
    for name, value in python_layers.environment().items():
        assert f"{name}={value}" in FINAL or name == "PATH"
    allowed = (REPO / ".dockerignore").read_text().split()
    copies = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
    assert {f"!{word}" for words in copies for word in words.split()} <= set(allowed)


def test_what_is_pruned(tmp_path: Path) -> None:
    kept = ["aiohttp/client.py", "certifi/cacert.pem", *(f"{client}/api_client.py" for client in CLIENTS)]
    kept += [f"{client}/models/{name}" for client in CLIENTS for name in KEPT_MODELS]
    gone = ["aiohttp/_http.pyx", "aiohttp/client.pyi", "certifi/tests/test_it.py", "bin/kopf"]
    gone += [f"{client}/{name}" for client in CLIENTS for name in ("api/core_v1_api.py", "models/v1_pod.py")]
    for name in kept + gone:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    prune(tmp_path)
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert found == set(kept)


def test_a_client_that_is_laid_out_otherwise_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        prune(tmp_path)


def test_what_is_pruned_is_never_imported() -> None:
    """By the programs themselves, and by kopf, which looks for classes of the client that it may be handed."""
    look = """
import sys
import webjobs_operator.__main__, webjobs_apiserver.__main__, webjobs_pod.fetch, kopf
print(*[getattr(module, "__file__", None) for name, module in sys.modules.items() if name.startswith("kubernetes")])
"""
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    loaded = [Path(name) for name in done.stdout.split() if name != "None"]
    assert any(path.name == "api_client.py" for path in loaded)
    for path in loaded:
        assert path.parent.name != "api", path
        assert path.parent.name != "models" or path.name in KEPT_MODELS, path
