"""Packages and logs in a store."""

from __future__ import annotations

import io
import tarfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import obstore
import pytest

from webjobs.files.unpack import Entry
from webjobs.store import ObjectStore, open_store, packages, read_stream, run_logs

FILES = {"run.sh": b"echo", "lib/a.py": b"a = 1\n", "same": b"echo", "empty": b""}


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    return open_store("memory:///" if request.param == "memory" else f"file://{tmp_path}/new/store")


def _entries(files: Mapping[str, bytes]) -> list[Entry]:
    return [Entry(path=path, content=io.BytesIO(content)) for path, content in files.items()]


def _write(store: ObjectStore, files: Mapping[str, bytes], *, namespace: str = "a") -> str:
    manifest = packages.write(store, namespace=namespace, entries=_entries(files))
    return packages.commit(store, namespace=namespace, manifest=manifest)


def test_a_package_comes_back(store: ObjectStore) -> None:
    digest = _write(store, FILES)
    manifest = packages.read_manifest(store, namespace="a", digest=digest)
    assert manifest.digest == digest
    assert manifest.size == 14
    content = {path: packages.read_file(store, namespace="a", file=file) for path, file in manifest.files.items()}
    assert content == FILES


def test_the_digest_is_of_the_content_alone(store: ObjectStore) -> None:
    digest = _write(store, FILES)
    assert _write(store, dict(reversed(FILES.items()))) == digest
    assert _write(store, FILES, namespace="b") == digest
    assert _write(store, FILES | {"same": b"other"}) != digest


def test_namespaces_are_apart(store: ObjectStore) -> None:
    digest = _write(store, FILES)
    with pytest.raises(packages.PackageError, match="not in the store"):
        packages.read_manifest(store, namespace="b", digest=digest)


def test_before_commit_there_is_no_package(store: ObjectStore) -> None:
    manifest = packages.write(store, namespace="a", entries=_entries(FILES))
    with pytest.raises(packages.PackageError):
        packages.read_manifest(store, namespace="a", digest=manifest.digest)


def test_damage_is_seen(store: ObjectStore) -> None:
    digest = _write(store, FILES)
    manifest = packages.read_manifest(store, namespace="a", digest=digest)
    file = manifest.files["run.sh"]
    obstore.put(store, packages.blob_key(namespace="a", digest=file.sha256), b"evil")
    with pytest.raises(packages.PackageError, match="damaged"):
        packages.read_file(store, namespace="a", file=file)
    obstore.delete(store, packages.blob_key(namespace="a", digest=file.sha256))
    with pytest.raises(packages.PackageError, match="not in the store"):
        packages.read_file(store, namespace="a", file=file)
    obstore.put(store, packages.manifest_key(namespace="a", digest=digest), b"{}")
    with pytest.raises(packages.PackageError, match="damaged"):
        packages.read_manifest(store, namespace="a", digest=digest)


def test_a_large_file(store: ObjectStore) -> None:
    large = b"0123456789abcdef" * 2**19  # 8 MiB: goes through a file, and in parts
    manifest = packages.write(store, namespace="a", entries=_entries({"large": large}))
    assert packages.read_file(store, namespace="a", file=manifest.files["large"]) == large


def test_tar() -> None:
    one = packages.tar([("b", 0o644, b"1"), ("a/é", 0o755, b"22")])
    assert one == packages.tar([("a/é", 0o755, b"22"), ("b", 0o644, b"1")])
    with tarfile.open(fileobj=io.BytesIO(one)) as archive:
        assert [(member.name, member.mode, member.size) for member in archive] == [("a/é", 0o755, 2), ("b", 0o644, 1)]


def test_read_tar(store: ObjectStore) -> None:
    digest = _write(store, FILES)
    with tarfile.open(fileobj=io.BytesIO(packages.read_tar(store, namespace="a", digest=digest))) as archive:
        assert {member.name for member in archive} == set(FILES)


@pytest.mark.parametrize(
    ("size", "files", "expected"), [(0, 1, True), (2**19, 1, True), (2**19 + 1, 1, False), (2**10, 600, False)]
)
def test_inline(size: int, files: int, expected: bool) -> None:
    assert packages.is_inline(size=size, files=files) is expected


async def test_logs(store: ObjectStore) -> None:
    async def pieces(*content: bytes) -> AsyncIterator[bytes]:
        for piece in content:
            yield piece

    key = run_logs.run_log_key(namespace="a", webjob="job", run_id="1")
    assert key == "a/data/jobs/triggered/job/1/output_log.txt"
    assert await run_logs.read(store, key) is None
    await run_logs.write(store, key, pieces(b"one", b"two"))
    await run_logs.write(store, key, pieces(b"three", b"four"))
    found = await run_logs.read(store, key)
    assert found
    assert found[0] == 9
    assert b"".join([piece async for piece in found[1]]) == b"threefour"
    for _ in range(2):
        await run_logs.delete(store, key)
    assert await read_stream(store, key) is None
