"""The settings of a site on their page."""

from __future__ import annotations

from tests.fakes.shim import Shim
from tests.fakes.visitor import Browser


async def settings(one: Shim) -> dict[str, str]:
    found: dict[str, str] = (await one.client().get("/api/settings")).json()
    return found


async def test_values_are_shown_one_by_one(one: Shim, visitor: Browser) -> None:
    await one.client().post("/api/settings", json={"Key": "secret <value>", "Other": "as well"})
    page = (await visitor.client.get("/ui/settings")).text
    assert ("Key" in page, "secret" in page, "as well" in page) == (True, False, False)
    page = (await visitor.client.get("/ui/settings/Key")).text
    assert ("secret &lt;value&gt;" in page, "as well" in page) == (True, False)
    assert (await visitor.client.get("/ui/settings/None")).status_code == 404


async def test_change_and_delete(one: Shim, visitor: Browser) -> None:
    answer = await visitor.send("/ui/settings", name=" Key ", value="two\r\nlines")
    assert (answer.status_code, answer.headers["location"]) == (303, "/ui/settings")
    assert await settings(one) == {"Key": "two\nlines"}
    await visitor.send("/ui/settings", name="Key", value="")
    assert await settings(one) == {"Key": ""}
    await visitor.send("/ui/settings/Key/delete")
    assert await settings(one) == {}


async def test_names_that_can_not_be(one: Shim, visitor: Browser) -> None:
    for name in ("", "a b", "ä"):
        answer = await visitor.send("/ui/settings", name=name, value="x")
        assert (answer.status_code, "name" in answer.text) == (400, True)
    assert await settings(one) == {}


async def test_switches(one: Shim, visitor: Browser) -> None:
    await visitor.send("/ui/settings", name="WEBJOBS_STOPPED", value="1")
    assert "Undo: Stop the whole site" in (await visitor.client.get("/ui/settings")).text


async def test_a_reader_sees_none(one: Shim, reader: Browser) -> None:
    for path in ("/ui/settings", "/ui/settings/Key"):
        assert (await reader.client.get(path)).status_code == 403
    assert "/ui/settings" not in (await reader.client.get("/ui/")).text


async def test_a_form_without_end_is_not_read(one: Shim, visitor: Browser) -> None:
    body = b"csrf=" + (await visitor.token()).encode() + b"&name=a&value=" + b"x" * 2**20
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert (await visitor.client.post("/ui/settings", content=body, headers=form)).status_code == 413
    assert await settings(one) == {}
