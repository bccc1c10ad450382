"""A real S3 server on loopback (versitygw over a folder), and a way between it and its client that can fail."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.cluster.built.compile.builder import ensure
from tests.cluster.built.compile.components import object_store
from tests.cluster.model import tell

BUCKET = "jobs"
ACCESS_KEY, SECRET_KEY = "test-access", "test-secret-key"
_START_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class S3:
    """A server that runs; one bucket is there."""

    host: str
    port: int
    folder: Path
    """What is in the bucket, as files."""

    @property
    def url(self) -> str:
        """For ``open_store``."""
        return f"s3://{BUCKET}/a/prefix"

    def environment(self, *, host: str | None = None, port: int | None = None) -> dict[str, str]:
        """What a Secret in ``store.envFrom`` holds; ``host`` and ``port``: of a proxy on the way."""
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://{host or self.host}:{port or self.port}",
            "AWS_ALLOW_HTTP": "true",
        }


def build() -> Path:
    """Compile the server unless it is in the cache, in a container where there is no Go; gives the program."""
    return ensure([object_store()], log=tell)["versitygw"] / "versitygw"


def _command(folder: Path, listen: str, *, largest: int | None) -> list[str]:
    # Metadata in files: not every file system of a test machine has extended attributes.
    words = ["--access", ACCESS_KEY, "--secret", SECRET_KEY, "--port", listen, "--quiet"]
    words += ["posix", "--sidecar", str(folder / "meta"), str(folder / "data")]
    limit = ["prlimit", f"--fsize={largest}"] if largest else []
    return [*limit, str(build()), *words]


def free_port() -> int:
    """A port of loopback that nobody has just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def server(*, largest: int | None = None) -> Iterator[S3]:
    """A server that is ready. ``largest``: bytes that one of its files can have, for a disk that is full."""
    with tempfile.TemporaryDirectory(prefix="webjobs-s3-") as name:
        folder = Path(name)
        (folder / "data" / BUCKET).mkdir(parents=True)
        (folder / "meta").mkdir()
        made = S3(host="127.0.0.1", port=free_port(), folder=folder / "data" / BUCKET)
        with (folder / "log").open("wb") as sink:
            process = subprocess.Popen(
                _command(folder, f"{made.host}:{made.port}", largest=largest),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
            )
        try:
            _wait(made, process, folder / "log")
            yield made
        finally:
            process.terminate()
            process.wait(_START_SECONDS)


def _wait(made: S3, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(_START_SECONDS * 10):
        if process.poll() is not None:
            raise RuntimeError(f"the S3 server ended: {log.read_text()[-1000:]}")
        try:
            urllib.request.urlopen(f"http://{made.host}:{made.port}/", timeout=5).close()
        except urllib.error.HTTPError:
            return  # it wants credentials, so it is there
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"the S3 server does not answer: {log.read_text()[-1000:]}")


Mode = Literal["pass", "refuse", "hang", "cut", "slow"]


class Proxy:
    """Passes connections on to a server, until it is told to do otherwise.

    ``refuse`` ends every connection at once, ``hang`` takes requests and never answers, ``cut`` ends each answer
    after its first bytes, ``slow`` holds every answer back for a second.
    """

    def __init__(self, port: int, *, host: str = "127.0.0.1") -> None:
        self._target = port
        self.mode: Mode = "pass"
        self._listener = socket.create_server((host, 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def set(self, mode: Mode) -> None:
        """From now on, for connections that are open too."""
        self.mode = mode
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Ends all."""
        self.set("refuse")
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)
        for one in self._open:
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.mode == "refuse":
                client.close()
                continue
            self._open.append(client)
            if self.mode == "hang":
                continue
            upstream = socket.create_connection(("127.0.0.1", self._target))
            self._open.append(upstream)
            threading.Thread(target=self._pump, args=(client, upstream, False), daemon=True).start()
            threading.Thread(target=self._pump, args=(upstream, client, True), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, answer: bool) -> None:
        mode = self.mode
        with suppress(OSError):
            while piece := source.recv(2**16):
                if answer and mode == "slow":
                    time.sleep(1)
                if answer and mode == "cut":
                    sink.sendall(piece[: max(1, len(piece) // 2)])
                    break
                sink.sendall(piece)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxy(port: int, *, host: str = "127.0.0.1") -> Iterator[Proxy]:
    """One before a server's port on loopback, itself at an address of this host."""
    made = Proxy(port, host=host)
    try:
        yield made
    finally:
        made.close()


if __name__ == "__main__":
    build()
