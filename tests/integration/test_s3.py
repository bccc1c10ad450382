"""The store on a real S3 server, with credentials from the environment as a Secret gives them."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest
from obstore.exceptions import BaseError

from tests import s3
from tests.unit.core.store.test_packages import FILES, _entries, _write
from webjobs.store import ObjectStore, continuous_journal, open_store, packages, run_logs, scheduler_logs


@pytest.fixture(scope="module")
def server() -> Iterator[s3.S3]:
    with s3.server() as made:
        yield made


@pytest.fixture
def store(server: s3.S3, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    return open_store(server.url)


async def _pieces(*content: bytes) -> AsyncIterator[bytes]:
    for piece in content:
        yield piece


async def _all(found: tuple[int, AsyncIterator[bytes]] | None) -> bytes:
    assert found is not None
    return b"".join([piece async for piece in found[1]])


def test_a_package_comes_back(store: ObjectStore, server: s3.S3) -> None:
    digest = _write(store, FILES)
    assert (server.folder / "a/prefix/a/packages" / f"{digest.removeprefix('sha256:')}.json").is_file()
    manifest = packages.read_manifest(store, namespace="a", digest=digest)
    content = {path: packages.read_file(store, namespace="a", file=file) for path, file in manifest.files.items()}
    assert content == FILES
    assert _write(store, FILES) == digest  # once more changes nothing
    with tarfile.open(fileobj=io.BytesIO(packages.read_tar(store, namespace="a", digest=digest))) as archive:
        assert {member.name for member in archive} == set(FILES)
    with pytest.raises(packages.PackageError, match="not in the store"):
        packages.read_manifest(store, namespace="b", digest=digest)


def test_a_file_of_several_parts(store: ObjectStore) -> None:
    large = os.urandom(2**20) * 12  # S3 takes parts of 5 MiB
    manifest = packages.write(store, namespace="a", entries=_entries({"large": large}))
    assert packages.read_file(store, namespace="a", file=manifest.files["large"]) == large


def test_damage_is_seen(store: ObjectStore, server: s3.S3) -> None:
    digest = _write(store, {"run.sh": b"will be damaged"})
    file = packages.read_manifest(store, namespace="a", digest=digest).files["run.sh"]
    (server.folder / "a/prefix/a/blobs" / file.sha256).write_bytes(b"WILL be damaged")
    with pytest.raises(packages.PackageError, match="damaged"):
        packages.read_file(store, namespace="a", file=file)


async def test_logs(store: ObjectStore) -> None:
    key = run_logs.run_log_key(namespace="a", webjob="job", run_id="1")
    assert await run_logs.read(store, key) is None
    assert await run_logs.head(store, key) is None
    before = datetime.now(UTC).replace(microsecond=0)
    await run_logs.write(store, key, _pieces(b"one", b"two"))
    await run_logs.write(store, key, _pieces(*[b"0123456789abcdef" * 2**16] * 12))  # 12 MiB as it comes
    size, changed = await run_logs.head(store, key) or (0, before)
    assert size == 12 * 2**20
    assert changed >= before
    assert await _all(await run_logs.read(store, key)) == b"0123456789abcdef" * 2**16 * 12
    found = await run_logs.read(store, key, span=(5_242_878, 5_242_882))  # over the border of two parts
    assert found
    assert found[0] == size
    assert await _all(found) == b"ef01"
    for _ in range(2):
        await run_logs.delete(store, key)
    assert await run_logs.read(store, key) is None


async def test_an_empty_log(store: ObjectStore) -> None:
    key = run_logs.run_log_key(namespace="a", webjob="job", run_id="empty")
    await run_logs.write(store, key, _pieces())
    assert await run_logs.read(store, key) is not None
    assert await _all(await run_logs.read(store, key)) == b""


async def test_a_log_whose_source_fails_leaves_the_old_one(store: ObjectStore) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 6 * 2**20
        raise OSError("the pod is gone")

    key = run_logs.run_log_key(namespace="a", webjob="job", run_id="2")
    await run_logs.write(store, key, _pieces(b"old"))
    with pytest.raises((BaseError, OSError)):
        await run_logs.write(store, key, broken())
    assert await _all(await run_logs.read(store, key)) == b"old"


async def test_scheduler_log(store: ObjectStore) -> None:
    for text in (b"one\n", b"two\n"):
        await scheduler_logs.append(store, namespace="a", webjob="job", text=text)
    key = scheduler_logs.key(namespace="a", webjob="job")
    assert await _all(await run_logs.read(store, key)) == b"one\ntwo\n"
    await scheduler_logs.append(store, namespace="a", webjob="job", text=b"x" * scheduler_logs.LARGEST)
    await scheduler_logs.append(store, namespace="a", webjob="job", text=b"new\n")
    assert await _all(await run_logs.read(store, key)) == b"new\n"
    await scheduler_logs.delete(store, namespace="a", webjob="job")
    assert await run_logs.read(store, key) is None


def test_a_wrong_password_is_told(server: s3.S3, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (server.environment() | {"AWS_SECRET_ACCESS_KEY": "wrong"}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BaseError) as caught:
        _write(open_store(server.url), FILES)
    assert "wrong" not in str(caught.value)


async def test_logs_of_continuous_jobs(store: ObjectStore) -> None:
    """They grow, roll over, and keep two writers apart."""
    job = {"namespace": "a", "webjob": "worker"}
    said = [b"%d" % number * 70_000 + b"\r\n" for number in range(3)] + [b"x" * continuous_journal.LARGEST, b"new\r\n"]
    for text in said:
        journal, theirs = [await continuous_journal.read(store, owner="uid", **job) for _ in range(2)]
        await continuous_journal.append(store, journal, text=text, positions={}, **job)
        with pytest.raises(continuous_journal.Changed):
            await continuous_journal.append(store, theirs, text=b"lost", positions={}, **job)
    journal = await continuous_journal.read(store, owner="uid", **job)
    pieces = await continuous_journal.content(store, journal, namespace="a", webjob="worker")
    assert b"".join([piece async for piece in pieces]) == said[-1]
    previous = await run_logs.read(
        store, continuous_journal.key(file_name=continuous_journal.PREVIOUS_FILE_NAME, **job)
    )
    assert await _all(previous) == b"".join(said[:-1])
    await continuous_journal.delete(store, **job)
    assert await continuous_journal.webjobs(store, namespace="a") == []
