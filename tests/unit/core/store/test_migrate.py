"""One store copied into another."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import obstore
import pytest

from webjobs.store import ObjectStore, open_store
from webjobs.store.migrate import Migration, is_kept, is_there, migrate

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
CONTENT = {
    "site/blobs/ab": b"x" * 70_000,
    "site/data/jobs/triggered/a/1/output_log.txt": b"hello",
    "b/packages/c.json": b"",
}


def meta(size: int, *, minutes: float) -> Any:
    return {"path": "site/x", "size": size, "last_modified": NOW + timedelta(minutes=minutes)}


@pytest.mark.parametrize(
    ("source", "target", "there"),
    [
        (meta(1, minutes=0), None, False),
        (meta(1, minutes=0), meta(1, minutes=6), True),
        (meta(1, minutes=0), meta(2, minutes=6), False),
        (meta(1, minutes=0), meta(1, minutes=4), False),
        (meta(1, minutes=7), meta(1, minutes=6), False),
    ],
    ids=["absent", "same", "other size", "clocks may differ", "written over"],
)
def test_what_is_there(source: Any, target: Any, *, there: bool) -> None:
    assert is_there(source, target) is there


def test_announcements_are_not_kept() -> None:
    assert [is_kept(key) for key in ("site/guard/uploads/1", "site/blobs/guard", "guard/blobs/1")] == [
        False,
        True,
        True,
    ]


def content(store: ObjectStore) -> dict[str, bytes]:
    keys = [one["path"] for batch in obstore.list(store) for one in batch]
    return {key: bytes(obstore.get(store, key).bytes()) for key in keys}


async def end_of(source: ObjectStore, target: ObjectStore) -> Migration:
    return [done async for done in migrate(source, target)][-1]


async def test_all_is_copied_and_once_more_what_is_new(tmp_path: Path) -> None:
    source, target = open_store(f"file://{tmp_path}/volume"), open_store("memory:///")
    for key, value in {**CONTENT, "site/guard/uploads/1": b"busy"}.items():
        obstore.put(source, key, value)
    done = await end_of(source, target)
    assert (done.copied, done.there, done.failed, done.bytes) == (3, 0, [], 70_005)
    assert content(target) == CONTENT
    obstore.put(source, "site/data/jobs/triggered/a/1/output_log.txt", b"other")
    await end_of(source, target)
    assert content(target)["site/data/jobs/triggered/a/1/output_log.txt"] == b"other"


async def test_one_that_fails_stops_no_other(tmp_path: Path) -> None:
    source, target = open_store(f"file://{tmp_path}/from"), open_store(f"file://{tmp_path}/to")
    for key, value in CONTENT.items():
        obstore.put(source, key, value)
    (tmp_path / "to/site/blobs/ab").mkdir(parents=True)  # in the way
    done = await end_of(source, target)
    assert (done.copied, len(done.failed)) == (2, 1)
    assert done.failed[0].startswith("site/blobs/ab: ")
    assert content(target) == {key: value for key, value in CONTENT.items() if key != "site/blobs/ab"}


def test_the_command_line(tmp_path: Path) -> None:
    source, target = f"file://{tmp_path}/from", f"file://{tmp_path}/to"
    for key, value in CONTENT.items():
        obstore.put(open_store(source), key, value)

    def run(*arguments: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "webjobs.store.migrate", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    assert run(source, target) == (0, "3 copied (70005 bytes), 0 there already\n")
    assert content(open_store(target)) == CONTENT
    assert run(source, f"{source}/") == (2, "FROM and TO are the same store.\n")


def test_nothing_is_taken_down_while_threads_of_the_store_are_at_work(tmp_path: Path) -> None:
    """One run of five was aborted so, after all was copied."""
    program = "import atexit; atexit.register(print, 'taken down'); from webjobs.store.migrate import main; main()"
    command = [sys.executable, "-c", program, f"file://{tmp_path}/from", f"file://{tmp_path}/to"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "0 copied (0 bytes), 0 there already\n"
