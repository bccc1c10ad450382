"""A tar as a stream: what the standard library reads and writes, in pieces of any size, and never more than a piece."""

from __future__ import annotations

import io
import tarfile
from collections.abc import AsyncIterator

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.objects import run_async
from webjobs_apiserver.service.backup import tar

_FILES = st.dictionaries(
    st.text("abc/.-", min_size=1, max_size=200).map(lambda name: f"x{name}x"), st.binary(max_size=3000)
)


def written(files: dict[str, bytes]) -> bytes:
    parts = [tar.head(name, len(one), when=0) + one + tar.padding(len(one)) for name, one in files.items()]
    return b"".join(parts) + tar.END


async def _pieces(content: bytes, size: int) -> AsyncIterator[bytes]:
    for begin in range(0, len(content), size):
        yield content[begin : begin + size]


@settings(max_examples=40)
@given(_FILES, st.integers(50, 5000))
def test_what_is_written_is_read(files: dict[str, bytes], size: int) -> None:
    content = written(files)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert {one.name: archive.extractfile(one).read() for one in archive} == files  # type: ignore[union-attr]

    async def read() -> dict[str, bytes]:
        return {one.name: await one.read(limit=3000) async for one in tar.entries(_pieces(content, size))}

    assert run_async(read()) == files


def test_content_that_nobody_takes_is_skipped() -> None:
    async def read() -> list[str]:
        return [one.name async for one in tar.entries(_pieces(written({"a": b"x" * 2000, "b": b""}), 100))]

    assert run_async(read()) == ["a", "b"]


def test_a_large_file_comes_in_pieces() -> None:
    """The next piece is asked for when the one before is taken: ten gigabytes need no memory."""
    size, asked = 64 * 2**20, 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal asked
        yield tar.head("large", size, when=0)
        for _ in range(size // 2**16):
            asked += 1
            yield bytes(2**16)
        yield tar.END

    async def read() -> int:
        taken = 0
        async for entry in tar.entries(body()):
            async for piece in entry.content:
                taken += len(piece)
                assert asked * 2**16 - taken <= 2**16
        return taken

    assert run_async(read()) == size


def test_sizes_above_eight_gigabytes() -> None:
    info = tarfile.TarInfo.frombuf(tar.head("x", 2**34, when=0), "utf-8", "strict")
    assert info.size == 2**34
