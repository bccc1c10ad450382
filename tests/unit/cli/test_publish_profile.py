"""The command publish-profile, against a site in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.fakes.kube import FakeKube
from tests.unit.cli.test_commands import Called
from webjobs_cli.errors import CliError, UsageError

NO_PASSWORD = "This site has no deploy password: make one."  # noqa: S105


class Site:
    """A server with a publish profile."""

    def __init__(self) -> None:
        self.host = "shop.scm.example.com:443"
        self.status = 200
        self.asked: list[str] = []
        self.environ: dict[str, str] = {}
        self.other: str | None = None

    @property
    def content(self) -> str:
        return f'<publishData><publishProfile publishUrl="{self.host}" userPWD="s3cret" /></publishData>'

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.raw_path)
        if self.status != 200:
            return web.json_response({"Message": NO_PASSWORD}, status=self.status)
        text = self.content if self.other is None else self.other
        return web.Response(text=text, content_type="application/xml")


@pytest.fixture
async def site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Site]:
    made, app = Site(), web.Application()
    app.router.add_get("/{path:.*}", made.answer)
    monkeypatch.chdir(tmp_path)
    async with TestServer(app) as server:
        url = str(server.make_url("")).rstrip("/")
        made.environ = {"WEBJOBS_URL": url, "WEBJOBS_USER": "u", "WEBJOBS_PASSWORD": "p"}
        yield made


def there(folder: Path) -> list[Path]:
    return list(folder.iterdir())


@pytest.fixture
def called() -> Called:
    return Called(FakeKube())


@pytest.mark.parametrize("words", [[], ["-"]])
async def test_it_is_printed(words: list[str], site: Site, called: Called, tmp_path: Path) -> None:
    assert await called.run("publish-profile", *words, environ=site.environ) == 0
    assert (called.out.getvalue(), called.err.getvalue()) == (f"{site.content}\n", "")
    assert site.asked == ["/api/publishprofile"]
    assert not there(tmp_path)


async def test_it_becomes_a_file(site: Site, called: Called, tmp_path: Path) -> None:
    assert await called.run("publish-profile", "x.PublishSettings", environ=site.environ) == 0
    (file,) = there(tmp_path)
    assert (file.name, file.read_text(), file.stat().st_mode & 0o777) == (
        "x.PublishSettings",
        site.content + "\n",
        0o600,
    )
    assert "s3cret" not in called.out.getvalue() + called.err.getvalue()
    with pytest.raises(UsageError, match="is there already"):
        await called.run("publish-profile", "x.PublishSettings", environ=site.environ)
    assert len(site.asked) == 1, "nothing was asked for that can't be written"


async def test_the_host_can_be_chosen(site: Site, called: Called) -> None:
    site.host = "a.scm.b:443"
    assert await called.run("publish-profile", "--host", "a.scm.b:443&x=1", environ=site.environ) == 0
    assert site.asked == ["/api/publishprofile?host=a.scm.b%3A443%26x%3D1"]


async def test_a_host_without_scm_is_told(site: Site, called: Called) -> None:
    site.host = "localhost:8080"
    assert await called.run("publish-profile", environ=site.environ) == 0
    assert called.out.getvalue() == f"{site.content}\n"
    assert "--host" in called.err.getvalue()
    assert "'localhost'" in called.err.getvalue()


async def test_without_a_deploy_password(site: Site, called: Called, tmp_path: Path) -> None:
    site.status = 409
    with pytest.raises(CliError, match=r"could not give a publish profile \(status 409\): This site has no deploy"):
        await called.run("publish-profile", "x", environ=site.environ)
    assert not there(tmp_path)


async def test_something_that_has_none(site: Site, called: Called) -> None:
    site.other = "<html>Sign in</html>"
    with pytest.raises(CliError, match="has no publish profiles"):
        await called.run("publish-profile", environ=site.environ)
    with pytest.raises(UsageError, match="WEBJOBS_URL"):
        await called.run("publish-profile")
