"""Fetching a package: over real HTTP on the loopback interface, with a clock that does not wait."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from webjobs_pod import fetch

TOKEN = "very-secret"  # noqa: S105
BASE = "/internal/packages/site"


def _hex(content: bytes) -> str:
    return sha256(content).hexdigest()


@dataclass
class Shim:
    """Answers by path; ``errors`` are used up first."""

    answers: dict[str, bytes] = field(default_factory=dict)
    errors: list[int | str] = field(default_factory=list)
    """A status, or ``drop`` (no answer), or ``cut`` (half of it)."""
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    port: int = 0

    def add(self, files: dict[str, bytes], **changes: Any) -> str:
        """Puts a package there; gives its URL. ``changes`` to each file's entry make it wrong."""
        listed = {
            path: {"sha256": _hex(content), "size": len(content), "mode": 0o644} for path, content in files.items()
        }
        manifest = json.dumps({"version": 1, "files": {path: entry | changes for path, entry in listed.items()}})
        url = self.add_manifest(manifest.encode(), *files.values())
        small = [content for _, content in sorted(files.items()) if len(content) <= 2**18]
        self.answers[f"{self.path_of(url)}/small"] = b"".join(small)
        return url

    def path_of(self, url: str) -> str:
        """Path of a URL of this shim."""
        return url.partition(str(self.port))[2]

    def add_manifest(self, manifest: bytes, *blobs: bytes) -> str:
        path = f"{BASE}/sha256:{_hex(manifest)}"
        self.answers[path] = manifest
        self.answers |= {f"{path}/blobs/{_hex(content)}": content for content in blobs}
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture
def shim() -> Iterator[Shim]:
    made = Shim()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            made.requests.append((self.path, self.headers["Authorization"]))
            error = made.errors.pop(0) if made.errors else None
            if error == "drop":
                self.close_connection = True
                return
            content = made.answers.get(self.path)
            status = error if isinstance(error, int) else 200 if content is not None else 404
            body = content if status == 200 and content is not None else b"why"
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if error == "cut":
                body, self.close_connection = body[: len(body) // 2], True
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            return

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            return  # a client that hangs up

    with Server(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        made.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        server.shutdown()
        thread.join()


@dataclass
class Clock:
    """Time that passes by sleeping only."""

    now: float = 0.0
    pauses: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


Run = Callable[..., int]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(fetch.Server.__init__, "__kwdefaults__", {"sleep": made.sleep, "clock": lambda: made.now})
    return made


@pytest.fixture
def run(tmp_path: Path, clock: Clock) -> Run:
    (tmp_path / "token").write_text(TOKEN + "\n")
    (tmp_path / "out").mkdir()
    return lambda url: fetch.main([str(tmp_path / "token"), url, str(tmp_path / "out")])


def _tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


FILES = {"run.sh": b"echo hello", "lib/deep/a.bin": bytes(range(256)) * 5000, "lib/b": b"", "é": b"x"}


def test_a_package(shim: Shim, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(shim.add(FILES, mode=0o755)) == 0
    assert _tree(tmp_path / "out") == FILES
    assert (tmp_path / "out" / "run.sh").stat().st_mode & 0o7777 == 0o775, "another user of the group may write it"
    assert {header for _, header in shim.requests} == {f"Bearer {TOKEN}"}
    assert len(shim.requests) == 3, "the manifest, a large file, and all small ones at once"
    assert run(shim.add(FILES)) == 0  # the container is started again
    assert _tree(tmp_path / "out") == FILES
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "errors", [[500], [503, 502, 429], ["drop"], ["drop", "drop", 500], ["cut"], [200, "cut", "drop"]]
)
def test_trouble_that_passes(shim: Shim, run: Run, tmp_path: Path, clock: Clock, errors: list[Any]) -> None:
    url = shim.add(FILES)
    shim.errors = errors
    assert run(url) == 0
    assert _tree(tmp_path / "out") == FILES
    assert clock.pauses[0] == 0.5


def test_trouble_that_stays(shim: Shim, run: Run, clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    url = shim.add(FILES)
    shim.errors = [503] * 100
    assert run(url) == 1
    assert clock.pauses == [0.5, 1, 2, 4, 8, 8, 8, 8, 8, 8]
    error = capsys.readouterr().err
    assert "the server says 503" in error
    assert error.count("\n") == 1


def test_no_server(run: Run, clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("http://127.0.0.1:1" + f"{BASE}/sha256:{'0' * 64}") == 1
    assert "ConnectionRefusedError" in capsys.readouterr().err
    assert len(clock.pauses) == 10


@pytest.mark.parametrize("status", [400, 401, 403, 404, 301])
def test_answers_that_are_final(
    shim: Shim, run: Run, clock: Clock, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    url = shim.add(FILES)
    shim.errors = [status]
    assert run(url) == 1
    assert not clock.pauses
    assert f"the server says {status}" in capsys.readouterr().err


@pytest.mark.parametrize(
    "path", ["../x", "/x", "a/../x", "a//b", "./a", "a/", "", "..", "a\\b", "a\0", "link/x", "link"]
)
def test_paths_that_leave_the_folder(
    shim: Shim, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    (tmp_path / "else").mkdir()
    (tmp_path / "out" / "link").symlink_to(tmp_path / "else")
    assert run(shim.add({path: b"evil"})) == 1
    assert "not allowed" in capsys.readouterr().err
    assert _tree(tmp_path / "else") == {}
    assert "x" not in _tree(tmp_path)


@pytest.mark.parametrize("changes", [{"size": 3}, {"size": 11}, {"size": 0}])
def test_files_that_are_not_as_listed(
    shim: Shim, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, Any]
) -> None:
    assert run(shim.add({"run.sh": b"echo hello"}, **changes)) == 1
    assert "run.sh does not have the size and digest" in capsys.readouterr().err
    assert _tree(tmp_path / "out") == {}  # no half file stays


def test_a_changed_blob(shim: Shim, run: Run, tmp_path: Path) -> None:
    url = shim.add({"run.sh": b"echo hello"})
    for path in shim.answers:
        if "/blobs/" in path:
            shim.answers[path] = b"echo hellO"
    assert run(url) == 1
    assert _tree(tmp_path / "out") == {}


def test_a_changed_manifest(shim: Shim, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    url = shim.add(FILES)
    shim.answers[url.partition(str(shim.port))[2]] += b" "
    assert run(url) == 1
    assert "does not have the digest" in capsys.readouterr().err


@pytest.mark.parametrize(
    "manifest",
    [b"", b"[]", b"{}", b'{"files":[]}', b'{"files":{"a":1}}', b'{"files":{"a":{"sha256":"x","size":1,"mode":1}}}'],
)
def test_a_manifest_that_is_none(shim: Shim, run: Run, capsys: pytest.CaptureFixture[str], manifest: bytes) -> None:
    assert run(shim.add_manifest(manifest)) == 1
    assert "the manifest can't be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "ftp://h/sha256:" + "0" * 64,
        "http://h/x",
        "http://h/sha256:0",
        "http://h:x/sha256:" + "0" * 64,
        "http:///",
    ],
)
def test_urls_that_are_none(run: Run, capsys: pytest.CaptureFixture[str], url: str) -> None:
    assert run(url) == 1
    assert capsys.readouterr().err.startswith("webjobs_pod.fetch: ")


@pytest.mark.parametrize("token", [None, b"very\nsecret", "very-secret€".encode(), b"\xff"])
def test_tokens_that_are_none(
    shim: Shim, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], token: bytes | None
) -> None:
    if token is None:
        (tmp_path / "token").unlink()
    else:
        (tmp_path / "token").write_bytes(token)
    assert run(shim.add(FILES)) == 1
    error = capsys.readouterr().err
    assert "the token can't be" in error
    assert "secret" not in error


def test_a_folder_that_can_not_be_written(
    shim: Shim, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out" / "lib").write_text("a file where a folder must be")
    assert run(shim.add(FILES)) == 1
    assert "can't be written" in capsys.readouterr().err


def test_several_packages_and_folders(shim: Shim, clock: Clock, tmp_path: Path) -> None:
    """The content of a site, the package of its job in it, and folders beside."""
    token, home = tmp_path / "token", tmp_path / "home"
    token.write_text(TOKEN)
    site = shim.add({"index.php": b"site", "App_Data/list": b"1"})
    job = shim.add({"run.sh": b"echo"})
    words = [site, str(home / "www"), job, str(home / "www/App_Data/jobs/triggered/my job"), str(home / "LogFiles")]
    assert fetch.main([str(token), *words]) == 0
    assert _tree(home) == {
        "www/index.php": b"site",
        "www/App_Data/list": b"1",
        "www/App_Data/jobs/triggered/my job/run.sh": b"echo",
    }
    assert (home / "LogFiles").is_dir()
    assert (home / "www").stat().st_mode & 0o770 == 0o770, "another user of the group may write beside"


SMALL = {f"d{number % 7}/{number}": f"{number}".encode() * (number % 3) for number in range(300)}


def test_many_small_files_by_one_request(shim: Shim, run: Run, tmp_path: Path) -> None:
    (tmp_path / "out" / "d1").mkdir()
    (tmp_path / "out" / "d1" / "1").symlink_to(tmp_path / "token")
    assert run(shim.add(SMALL, mode=0o755)) == 0
    assert _tree(tmp_path / "out") == SMALL
    assert len(shim.requests) == 2
    assert (tmp_path / "out" / "d1" / "8").stat().st_mode & 0o7777 == 0o775
    assert (tmp_path / "token").read_text() == TOKEN + "\n", "nothing is written through a link"


@pytest.mark.parametrize("error", ["cut", "drop", 503, 429])
def test_small_files_are_asked_for_again(shim: Shim, run: Run, tmp_path: Path, error: int | str) -> None:
    shim.errors = [200, error]
    assert run(shim.add(SMALL)) == 0
    assert _tree(tmp_path / "out") == SMALL
    assert len(shim.requests) == 3


def test_a_shim_of_before_gives_small_files_one_by_one(shim: Shim, run: Run, tmp_path: Path) -> None:
    url = shim.add(SMALL)
    del shim.answers[f"{shim.path_of(url)}/small"]
    assert run(url) == 0
    assert _tree(tmp_path / "out") == SMALL
    assert len(shim.requests) == 2 + len(SMALL)


@pytest.mark.parametrize("wrong", [b"", b"x" * 100, None])
def test_small_files_that_are_not_as_listed(
    shim: Shim, run: Run, capsys: pytest.CaptureFixture[str], wrong: bytes | None
) -> None:
    url = shim.add(SMALL)
    path = f"{shim.path_of(url)}/small"
    shim.answers[path] = shim.answers[path][:-1] if wrong is None else wrong
    assert run(url) == 1
    assert "does not have the size" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["token"], ["token", "http://h/x"], ["token", "/folder", "http://h/x"]])
def test_usage(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert fetch.main(words) == 1
    assert capsys.readouterr().err.startswith("usage: ")
