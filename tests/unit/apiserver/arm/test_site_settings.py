"""ARM's routes of app settings and connection strings: each kind is replaced whole, and leaves the other alone."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.shim import USER, Shim, shim
from webjobs.model.site.connection_strings import PREFIXES
from webjobs.model.site.site_settings import NAME
from webjobs_apiserver.arm.site_settings import app_settings_in, connection_strings_in
from webjobs_apiserver.auth import rights, roles
from webjobs_apiserver.errors import BadRequest
from webjobs_apiserver.http.responses import dump

SITE = "/subscriptions/0/resourceGroups/g/providers/Microsoft.Web/sites/site"
CONFIG = f"{SITE}/config"
DEPLOY = "only to deploy, and nothing else"
READER = ("reader", "only to read, and nothing else")


@pytest.fixture
def one() -> Iterator[Shim]:
    with shim() as made:
        (made.directory / "readonlyUsername").write_text(READER[0])
        (made.directory / "readonlyPassword").write_text(READER[1])
        (made.directory / "deployPassword").write_text(DEPLOY)
        yield made


async def listed(client: httpx.AsyncClient, kind: str) -> dict[str, Any]:
    answer = await client.post(f"{CONFIG}/{kind}/list")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    found: dict[str, Any] = answer.json()["properties"]
    return found


async def put(client: httpx.AsyncClient, kind: str, properties: Any) -> dict[str, Any]:
    answer = await client.put(f"{CONFIG}/{kind}", json={"properties": properties})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["properties"]
    return found


async def test_app_settings(one: Shim, client: httpx.AsyncClient) -> None:
    assert await listed(client, "appsettings") == {}
    assert await put(client, "appsettings", {"mode": "fast", "Shop:Mail": "a", "n": 5}) == {
        "Shop__Mail": "a",
        "mode": "fast",
        "n": "5",
    }
    assert await put(client, "appsettings", {"mode": "slow"}) == await listed(client, "appsettings") == {"mode": "slow"}
    assert (await client.get("/api/settings")).json() == {"mode": "slow"}
    assert await put(client, "appsettings", {}) == {}


async def test_connection_strings(one: Shim, client: httpx.AsyncClient) -> None:
    pair = {"type": "SQLAzure", "value": "Server=é;"}
    sent = {"db": pair, "Shop:Main": {"type": "custom", "value": ""}}
    found = await put(client, "connectionstrings", sent)
    assert found == {"db": pair, "Shop__Main": {"type": "Custom", "value": ""}}
    assert await listed(client, "connectionstrings") == found
    (stored,) = one.kube.of_kind("Secret")
    assert base64.b64decode(stored["data"]["SQLAZURECONNSTR_db"]).decode() == "Server=é;"
    assert (await client.get("/api/settings")).json() == {
        "CUSTOMCONNSTR_Shop__Main": "",
        "SQLAZURECONNSTR_db": pair["value"],
    }
    moved = {"db": {"type": "MySql", "value": "1"}}
    assert await put(client, "connectionstrings", moved) == moved
    assert (await client.get("/api/settings")).json() == {"MYSQLCONNSTR_db": "1"}
    assert await put(client, "connectionstrings", {}) == {}


async def test_each_kind_leaves_the_other_alone(one: Shim, client: httpx.AsyncClient) -> None:
    strings = {"db": {"type": "DocDb", "value": "1"}}
    await put(client, "connectionstrings", strings)
    await put(client, "appsettings", {"a": "1", "b": "2"})
    assert await listed(client, "connectionstrings") == strings
    await put(client, "connectionstrings", {})
    assert await listed(client, "appsettings") == {"a": "1", "b": "2"}
    await client.post("/api/settings", json={"REDISCACHECONNSTR_r": "x"})
    assert await listed(client, "connectionstrings") == {"r": {"type": "RedisCache", "value": "x"}}
    await put(client, "appsettings", {})
    assert (await client.get("/api/settings/REDISCACHECONNSTR_r")).json() == "x"


async def test_what_a_client_has_read_gives_way_to_what_it_sets(one: Shim, client: httpx.AsyncClient) -> None:
    """It knows the name as it is stored only, and adds its own to it; in which order is the client's affair."""
    for sent in ({"A__B": "old", "A:B": "new"}, {"A:B": "new", "A__B": "old"}):
        assert await put(client, "appsettings", sent) == {"A__B": "new"}
        pairs = {
            name: {"type": "Custom" if value == "old" else "MySql", "value": value} for name, value in sent.items()
        }
        assert await put(client, "connectionstrings", pairs) == {"A__B": {"type": "MySql", "value": "new"}}


async def test_two_connection_strings_of_one_name(one: Shim, client: httpx.AsyncClient) -> None:
    """ARM can't say that. Nothing is hidden, or lost by the next write of a client that did not see it."""
    await client.post("/api/settings", json={"MYSQLCONNSTR_db": "1", "SQLCONNSTR_db": "2"})
    answer = await client.post(f"{CONFIG}/connectionstrings/list")
    assert answer.status_code == 409
    assert "MYSQLCONNSTR_db and SQLCONNSTR_db" in answer.json()["Message"]
    assert await listed(client, "appsettings") == {}
    await client.delete("/api/settings/MYSQLCONNSTR_db")
    assert await listed(client, "connectionstrings") == {"db": {"type": "SQLServer", "value": "2"}}


BAD = [
    ("appsettings", {"a b": "1"}, "properties.a b: "),
    ("appsettings", {"": "1"}, "properties.: "),
    ("appsettings", {"x" * 300: "1"}, "properties.xxx"),
    ("appsettings", {"a": None}, "properties.a: must be a text"),
    ("appsettings", {"a": {}}, "properties.a: must be a text"),
    ("appsettings", {"a": "\ud800"}, "properties.a: must be a text"),
    ("appsettings", {"SQLCONNSTR_x": "1"}, "properties.SQLCONNSTR_x: this is the name of a connection string"),
    ("appsettings", None, "properties: "),
    ("appsettings", [], "properties: "),
    ("connectionstrings", {"a b": {"type": "Custom", "value": "1"}}, "properties.a b: "),
    ("connectionstrings", {"": {"type": "Custom", "value": "1"}}, "properties.: "),
    ("connectionstrings", {"x" * 245: {"type": "Custom", "value": "1"}}, "CUSTOMCONNSTR_"),
    ("connectionstrings", {"a": "1"}, "properties.a: send an object"),
    ("connectionstrings", {"a": {"type": "Oracle", "value": "1"}}, "properties.a.type: must be one of SQLServer"),
    ("connectionstrings", {"a": {"value": "1"}}, "properties.a.type: "),
    ("connectionstrings", {"a": {"type": "Custom"}}, "properties.a.value: must be a text"),
    ("connectionstrings", {"a": {"type": "Custom", "value": None}}, "properties.a.value: must be a text"),
    ("slotConfigNames", {"appSettingNames": ["a"]}, "properties: no setting can be one of a slot"),
]


@pytest.mark.parametrize(("kind", "properties", "told"), BAD)
async def test_bad_input(one: Shim, client: httpx.AsyncClient, kind: str, properties: Any, told: str) -> None:
    await client.post("/api/settings", json={"kept": "1", "SQLCONNSTR_kept": "2"})
    one.kube.calls.clear()
    body = ascii(properties).replace("'", '"').replace("None", "null").encode()
    answer = await client.put(f"{CONFIG}/{kind}", content=b'{"properties": ' + body + b"}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")
    assert told in answer.json()["Message"]
    assert not one.kube.calls


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b"[" * 100000])
async def test_bad_bodies(one: Shim, client: httpx.AsyncClient, content: bytes) -> None:
    for kind in ("appsettings", "connectionstrings", "slotConfigNames"):
        answer = await client.put(f"{CONFIG}/{kind}", content=content)
        assert (answer.status_code, answer.json()["Message"].startswith("properties: ")) == (400, True)


async def test_settings_of_slots(one: Shim, client: httpx.AsyncClient) -> None:
    empty: dict[str, list[str]] = {"connectionStringNames": [], "appSettingNames": [], "azureStorageConfigNames": []}
    assert (await client.get(f"{CONFIG}/slotConfigNames")).json()["properties"] == empty
    assert await put(client, "slotConfigNames", empty) == empty


async def test_envelopes(one: Shim, client: httpx.AsyncClient) -> None:
    found = (await client.post(f"{CONFIG}/AppSettings/List/")).json()
    assert (found["id"], found["type"]) == (f"{CONFIG}/appsettings", "Microsoft.Web/sites/config")
    there = CONFIG.replace("/g/", "/config/")
    assert (await client.post(f"{there}/connectionstrings/list")).json()["id"] == f"{there}/connectionstrings"
    found = (await client.get(f"{SITE}/slots/production/config/slotconfignames")).json()
    assert found["id"] == f"{SITE}/slots/production/config/slotConfigNames"


async def test_a_config_map_that_can_not_be_changed(one: Shim, client: httpx.AsyncClient) -> None:
    meta = {"name": "webjobs-settings", "namespace": "site"}
    one.kube.add({"kind": "ConfigMap", "metadata": meta, "data": {"theirs": "1"}})
    answer = await client.put(f"{CONFIG}/appsettings", json={"properties": {"ours": "2"}})
    assert (answer.status_code, "webjobs.dev/site-settings" in answer.json()["Message"]) == (400, True)
    assert await listed(client, "appsettings") == {"ours": "2", "theirs": "1"}


PATHS = [
    ("POST", "appsettings/list"),
    ("PUT", "appsettings"),
    ("POST", "connectionstrings/list"),
    ("PUT", "connectionstrings"),
    ("GET", "slotConfigNames"),
    ("PUT", "slotConfigNames"),
]


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_who_may(one: Shim, method: str, path: str) -> None:
    """Who may see and change Kudu's settings. It is asked before anything is read, the body too."""
    assert roles.allowed(method, f"/api/config/{path}") == roles.allowed("POST", "/api/settings") == {"owner"}
    assert rights.needs(method, f"/api/config/{path}") == rights.needs("GET", "/api/settings")
    one.kube.users["abc.def"] = "alice"
    one.kube.rights |= {("alice", "site", verb, "webjobs") for verb in ("get", "list", "create", "delete")}
    for auth, status in ((None, 401), (READER, 401), ((USER, DEPLOY), 403)):
        async with one.client(auth=auth) as client:
            assert (await client.request(method, f"{CONFIG}/{path}", content=b"{")).status_code == status
    async with one.client(auth=None) as client:
        answer = await client.request(method, f"{CONFIG}/{path}", headers={"Authorization": "Bearer abc.def"})
    assert (answer.status_code, "update webjobs" in answer.json()["Message"]) == (403, True)
    assert not [call for call in one.kube.calls if call.kind in ("Secret", "ConfigMap")]


NAMES = st.from_regex(NAME, fullmatch=True) | st.text(max_size=40)
PAIRS = st.fixed_dictionaries({"type": st.sampled_from([*PREFIXES, "x"]), "value": st.text(max_size=5) | st.none()})


@given(st.dictionaries(NAMES, st.text(max_size=5) | st.none()) | st.dictionaries(NAMES, PAIRS) | st.text())
def test_all_that_is_taken_can_be_stored(properties: Any) -> None:
    content = dump({"properties": properties})
    for read in (app_settings_in, connection_strings_in):
        try:
            found = read(content)
        except BadRequest as error:
            found, told = {}, error.message
        else:
            told = "properties"
        assert told.startswith("properties")
        assert all(NAME.fullmatch(key) for key in found)
        assert len(found) <= len(properties)
