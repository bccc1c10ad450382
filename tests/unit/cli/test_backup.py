"""The commands backup and restore, against a site in memory."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.fakes.kube import FakeKube
from tests.unit.cli.test_commands import Called
from webjobs_cli.errors import CliError, UsageError

END = bytes(1024)
REPORT = {"restored": {"WebJob": 2, "file": 9}, "kept": {"WebJobRun": 1}, "notes": ["a\x1b[2Jb"], "dryRun": True}


class Site:
    """A server with a backup, which takes one, too."""

    def __init__(self) -> None:
        self.content = b"backup" + END
        self.name = "shop-20260101-120000.tar"
        self.taken: list[tuple[str, bytes]] = []
        self.status = 200
        self.environ: dict[str, str] = {}

    async def answer(self, request: web.Request) -> web.StreamResponse:
        assert request.path == "/api/backup"
        if request.method == "GET":
            return web.Response(
                body=self.content, headers={"Content-Disposition": f'attachment; filename="{self.name}"'}
            )
        self.taken.append((request.query_string, await request.read()))
        if self.status != 200:
            return web.json_response({"Message": "WebJobs are there and differ: job."}, status=self.status)
        return web.json_response(REPORT)


@pytest.fixture
async def site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Site]:
    made, app = Site(), web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    monkeypatch.chdir(tmp_path)
    async with TestServer(app) as server:
        made.environ = {
            "WEBJOBS_URL": str(server.make_url("")).rstrip("/"),
            "WEBJOBS_USER": "u",
            "WEBJOBS_PASSWORD": "p",
        }
        yield made


@pytest.fixture
def called() -> Called:
    return Called(FakeKube())


def there(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_a_backup_becomes_a_file(site: Site, called: Called, tmp_path: Path) -> None:
    assert await called.run("backup", environ=site.environ) == 0
    (file,) = there(tmp_path)
    assert (file.name, file.read_bytes(), file.stat().st_mode & 0o777) == (site.name, site.content, 0o600)
    assert called.out.getvalue().startswith(f"backed up into {site.name}: ")
    with pytest.raises(UsageError, match="is there already"):
        await called.run("backup", environ=site.environ)
    assert await called.run("backup", "other.tar", "-o", "json", environ=site.environ) == 0
    assert json.loads(called.out.getvalue().partition("\n")[2]) == {"file": "other.tar", "bytes": len(site.content)}


@pytest.mark.parametrize("name", ["../evil.tar", ".hidden", "/etc/x.tar", "", "a b.tar"])
async def test_a_name_of_the_site_stays_in_the_folder(name: str, site: Site, called: Called, tmp_path: Path) -> None:
    site.name = name
    assert await called.run("backup", environ=site.environ) == 0
    (file,) = there(tmp_path)
    assert file.name.startswith("site-")


async def test_a_backup_that_was_cut_off_leaves_no_file(site: Site, called: Called, tmp_path: Path) -> None:
    site.content = b"half"
    with pytest.raises(CliError, match="cut off"):
        await called.run("backup", environ=site.environ)
    assert there(tmp_path) == []


async def test_a_restore_tells_what_came_back(site: Site, called: Called, tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(site.content)
    assert await called.run("restore", "x.tar", environ=site.environ) == 0
    assert site.taken == [("", site.content)]
    assert [line.split() for line in called.out.getvalue().splitlines()] == [
        ["WHAT", "RESTORED", "THERE", "ALREADY"],
        ["WebJobs", "2", "0"],
        ["WebJobRuns", "0", "1"],
        ["WebJobSchedules", "0", "0"],
        ["files", "9", "0"],
    ]
    assert called.err.getvalue().splitlines()[-1] == "note: a [2Jb", "nothing moves the cursor"
    assert await called.run("restore", "x.tar", "--dry-run", environ=site.environ) == 0
    assert site.taken[-1][0] == "dryRun=true"
    assert "Nothing was changed" in called.err.getvalue()


async def test_a_restore_that_is_refused(site: Site, called: Called, tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(site.content)
    site.status = 409
    with pytest.raises(CliError, match="there and differ: job"):
        await called.run("restore", "x.tar", environ=site.environ)
    with pytest.raises(UsageError, match=r"There is no file 'y\.tar'"):
        await called.run("restore", "y.tar", environ=site.environ)
