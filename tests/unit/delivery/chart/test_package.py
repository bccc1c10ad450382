"""The chart as a package, and its way into a registry and back."""

from __future__ import annotations

import hashlib
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from tests.charts import CHART, run_helm
from tests.cluster.paths import repo_root

VERSION = yaml.safe_load((CHART / "Chart.yaml").read_text())["version"]
FILE = f"webjobs-{VERSION}.tgz"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, as ``make chart`` makes it."""
    folder = tmp_path_factory.mktemp("chart")
    done = run_helm("package", str(CHART), "--destination", str(folder))
    assert done.returncode == 0, done.stderr
    return folder / FILE


def test_what_is_in_the_package(package: Path) -> None:
    with tarfile.open(package) as archive:
        names = {name.removeprefix("webjobs/") for name in archive.getnames()}
    there = {
        str(path.relative_to(CHART)) for path in CHART.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    }
    assert names == there - {"README.template.md", ".helmignore"} | {".helmignore"} & names
    assert names > {"values.schema.json", "values-production.yaml", "README.md", "files/helm_test.py"}


def test_a_package_makes_what_the_folder_makes(package: Path) -> None:
    options = ("--namespace", "system", "--set", "credentials.existingSecret=own")
    packed, folder = (run_helm("template", "webjobs", str(chart), *options) for chart in (package, CHART))
    assert packed.returncode == 0, packed.stderr
    assert packed.stdout == folder.stdout


class Registry(BaseHTTPRequestHandler):
    """Just enough of the OCI distribution API for one push and pull."""

    kept: dict[str, tuple[str, bytes]]
    """Type and content of blobs and manifests, by digest and tag."""

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self) -> None:
        reference = urlsplit(self.path).path.rpartition("/")[2]
        if not reference or reference == "v2":
            return self._answer(200)
        if reference not in self.kept:
            return self._answer(404)
        kind, content = self.kept[reference]
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self._answer(200, content, Content_Type=kind, Docker_Content_Digest=digest)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        self._answer(202, Location=f"{self.path}one")

    def do_PUT(self) -> None:
        parts = urlsplit(self.path)
        content = self.rfile.read(int(self.headers["Content-Length"]))
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        given = parse_qs(parts.query).get("digest", [parts.path.rpartition("/")[2]])[0]
        for reference in {digest, given}:
            self.kept[reference] = (self.headers.get("Content-Type", "application/octet-stream"), content)
        self._answer(201, Location=f"{parts.path}", Docker_Content_Digest=digest)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def registry() -> Iterator[str]:
    """Host and port of a registry in this process."""
    handler = type("OneRegistry", (Registry,), {"kept": {}})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_package_goes_to_a_registry_and_back(package: Path, registry: str, tmp_path: Path) -> None:
    pushed = run_helm("push", str(package), f"oci://{registry}/charts", "--plain-http")
    assert pushed.returncode == 0, pushed.stderr
    where = ("--version", VERSION, "--destination", str(tmp_path), "--plain-http")
    pulled = run_helm("pull", f"oci://{registry}/charts/webjobs", *where)
    assert pulled.returncode == 0, pulled.stderr
    assert (tmp_path / FILE).read_bytes() == package.read_bytes()


def _make(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What make would do."""
    command = ["make", "--dry-run", "--no-print-directory", "--old-file", ".venv/.synced", "chart", *arguments]
    return subprocess.run(command, cwd=repo_root(), capture_output=True, text=True)


def test_one_command_packs_and_pushes() -> None:
    done = _make("CHART=oci://registry.example.com/charts")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert any(line.endswith("-m tests.generate --check") for line in lines), "no stale README in a package"
    assert lines[-2:] == [
        ".venv/bin/helm package charts/webjobs --destination .local/chart",
        f".venv/bin/helm push .local/chart/{FILE} oci://registry.example.com/charts",
    ]


@pytest.mark.parametrize("where", ["", "registry.example.com/charts", "oci://"])
def test_where_to_has_to_be_said(where: str) -> None:
    check = next(line for line in _make(f"CHART={where}").stdout.splitlines() if "Say where to" in line)
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", check], capture_output=True, text=True)
    assert done.returncode == 1
    assert "make chart CHART=oci://registry.example.com/charts" in done.stderr
