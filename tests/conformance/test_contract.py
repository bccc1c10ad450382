"""The whole contract of Kudu's API on a real cluster: every route, in success and in each error, whole answers.

The contract is docs/kudu-contract.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from tests.conformance.contract import continuous, files, fixtures, neighbours, shapes, triggered, uploads
from tests.conformance.contract.client import Client, check
from tests.conformance.contract.declared import anonymous, declared
from tests.conformance.contract.routes import OURS, TABLE, VERBS, Route
from tests.conformance.contract.row import ALLOWED, CHALLENGE, Call, Row, rest
from tests.site import Site, eventually
from webjobs_apiserver.arm.paths import ADFS, METADATA, ROOT

ROWS = [*triggered.ROWS, *continuous.ROWS, *uploads.ROWS, *files.ROWS, *neighbours.ROWS]
_SAMPLE = {"{n}": "fresh", "{id}": "202601010000000000", "{path}": "x"}


def _sample(path: str) -> str:
    return re.sub(r"\{\w+\}", lambda found: _SAMPLE[found[0]], path)


def _wrong_verbs() -> Iterator[Row]:
    """A verb that a path doesn't have leads to the catch-all (docs/kudu-contract.md, section 1.2)."""
    ours = [tuple(name.split(" ")) for name in OURS]
    for path in dict.fromkeys(route.path for route in TABLE):
        url = f"{_sample(path)}?a=%20b"
        known = {route.method for route in TABLE if route.path == path} | {verb for verb, at in ours if at == path}
        for verb in (*VERBS, "HEAD", "OPTIONS"):
            call = Call(method=verb, url=url)
            if verb in known:
                continue
            if verb in VERBS:
                yield Row(route="unrouted", about=f"{verb} {path}", call=call, status=404, body=shapes.unrouted(url))
                continue
            body = shapes.message(f"The requested resource does not support http method '{verb}'.")
            yield Row(
                route="unrouted",
                about=f"{verb} {path}",
                call=call,
                status=405,
                body="" if verb == "HEAD" else body,
                headers=ALLOWED,
            )


UNROUTED = [
    *_wrong_verbs(),
    *(
        rest("no such path", f"{verb} ", url, 404, shapes.unrouted(url))
        for verb, url in (
            ("GET", "/"),
            ("GET", "/nope?q='%22"),
            ("GET", "/api"),
            ("GET", "/api/webjobs/ran"),
            ("GET", "/api/triggeredjobsswagger"),
            ("GET", "/triggeredwebjobs"),
            ("POST", "/api/triggeredwebjobs/ran/start"),
            ("POST", "/api/triggeredwebjobs/ran/stop"),
            ("GET", "/api/continuouswebjobs/server/history"),
            ("POST", "/api/triggeredwebjobs/ran/history/<newest>"),
            ("GET", "/api/triggeredwebjobs/Caf%C3%A9/run/x"),
        )
    ),
]
ANYBODY = [
    Row(
        route=route.name,
        about="without credentials",
        call=Call(method=route.method, url=_sample(route.path), auth=False),
        status=401,
        headers=CHALLENGE,
    )
    for route in TABLE
] + [
    Row(
        route="unrouted",
        about="without credentials",
        call=Call(method="GET", url="/nope", auth=False),
        status=401,
        headers=CHALLENGE,
    )
]


@pytest.fixture(scope="module")
def empty(site: Site) -> Mapping[str, tuple[str, str]]:
    """ETag and body of the lists of a site without jobs, by their URL."""
    site.kubectl("delete", "wj", "--all")
    site.empty_secrets()
    urls = ("/api/webjobs", "/api/triggeredwebjobs", "/api/continuouswebjobs")
    eventually(lambda: site.http.get(urls[0]).json() == [], what="a site without jobs")
    return {url: ((found := site.http.get(url)).headers["etag"], found.text) for url in urls}


@pytest.fixture(scope="module")
def client(site: Site, empty: Mapping[str, tuple[str, str]]) -> Iterator[Client]:
    """A site with the jobs that rows know."""
    made = Client(site)
    for call in fixtures.MAKE:
        assert made.send(call).status_code == 200, call
    for name, call in zip(("oldest", "newest"), fixtures.RUNS, strict=True):
        accepted = made.send(call)
        assert accepted.status_code == 202, accepted.text
        made.known[name] = site.ended(accepted.headers["location"])["id"]
    made.settle()
    yield made
    site.kubectl("delete", "wj", "--all")


def check_settled(client: Client, row: Row) -> None:
    """A row that knows the jobs at rest; rows of app settings don't look at them."""
    if client.restarts and "/api/settings" not in row.route:
        client.settle()
    check(client, row)


@pytest.mark.parametrize("row", [*ROWS, *UNROUTED, *ANYBODY], ids=str)
def test_row(client: Client, row: Row) -> None:
    check_settled(client, row)


@pytest.mark.parametrize("row", neighbours.STREAMS, ids=str)
def test_stream(client: Client, row: Row) -> None:
    check_settled(client, row)


def _rest_of(url: str) -> tuple[str, str] | None:
    """Type and rest of a jobs URL in the current spelling."""
    found = re.fullmatch(r"/api/(triggered|continuous|)webjobs(|/.*)", url)
    return (found[1], found[2]) if found else None


def _odd(rest: str) -> str:
    """The fixed word after the name in capitals; names keep their case."""
    return re.sub(r"^(/[^/]*/)(\w+)", lambda found: found[1] + found[2].upper(), rest)


def _spelled(row: Row) -> Iterator[Row]:
    """The row in the other spellings of its URL (docs/kudu-contract.md, section 1.1). The answer is the same."""
    url, query = (row.call.url.partition("?")[0], "".join(row.call.url.partition("?")[1:]))
    jobs = _rest_of(url)
    if jobs is None:  # a neighbour: addresses in lists and redirections are as they were asked for
        first = url.split("/")[2]
        for prefix in (f"/{first}", f"/API/{first.upper()}"):
            told = {"<base>/api/vfs": f"<base>{prefix}"} if first == "vfs" else {}
            yield _with_url(row, prefix + url.removeprefix(f"/api/{first}") + query, told)
        return
    kind, rest = jobs
    spellings = [f"/api/{kind}jobs{rest}", f"/api/jobs/{kind}{rest}", f"/jobs/{kind}{rest}"]
    spellings += [f"/API/{kind.upper()}WebJobs{_odd(rest)}", f"/JOBS/{kind.upper()}{_odd(rest)}"]
    if "/passthrough" not in rest:  # there it is the job's
        spellings += [f"{url}/", f"/Jobs/{kind.title()}{_odd(rest)}/".replace("//", "/")]
    for spelling in dict.fromkeys(spellings):
        yield _with_url(row, spelling + query, {})


def _with_url(row: Row, url: str, told: Mapping[str, str]) -> Row:
    def changed(text: str) -> str:
        for old, new in told.items():
            text = text.replace(old, new)
        return text

    headers = {name: changed(value) for name, value in row.headers.items()}
    call = replace(row.call, url=url)
    return replace(row, about=f"{row.about} as {url}", call=call, body=changed(row.body), headers=headers)


def _to_spell() -> Iterator[Row]:
    """Rows that only read, and the first of each status of the others."""
    seen: set[tuple[str, int]] = set()
    for row in [*ROWS, *ANYBODY]:
        is_first = (row.route, row.status) not in seen
        seen.add((row.route, row.status))
        spelled_once = not row.call.url.startswith("/api/") or row.route == triggered.SWAGGER
        if not spelled_once and (is_first or (row.call.method == "GET" and not row.before)):
            yield row


@pytest.mark.parametrize("row", [other for row in _to_spell() for other in _spelled(row)], ids=str)
def test_spellings(client: Client, row: Row) -> None:
    check_settled(client, row)


def test_lists_of_nothing(empty: Mapping[str, tuple[str, str]]) -> None:
    assert set(empty.values()) == {('"11"', "[]")}


@pytest.mark.parametrize("route", TABLE, ids=lambda route: route.name)
def test_every_status_of_the_table_has_a_row(route: Route) -> None:
    found = {row.status for row in [*ROWS, *neighbours.STREAMS, *triggered.STOPS] if row.route == route.name}
    assert found == set(route.statuses) - set(route.never)
    assert [row.status for row in ANYBODY if row.route == route.name] == [401]  # the error that each route has
    assert min(found) < 400 or route.path == "/api/vfs"  # the root can't be written


def test_every_row_is_of_a_route() -> None:
    known = {route.name for route in TABLE}
    assert {row.route for row in [*ROWS, *neighbours.STREAMS, *triggered.STOPS]} == known


def test_every_route_of_the_app_is_in_the_table() -> None:
    # Azure Resource Manager's are not Kudu's: see test_azure_sdk.py and test_azure_cli.py.
    others = ("/internal/", ROOT, METADATA, f"{ADFS}/")
    found = {f"{verb} {anonymous(path)}" for verb, path in declared() if not path.startswith(others)}
    assert found == {anonymous(name) for name in (*(route.name for route in TABLE), *OURS)}


@pytest.mark.parametrize("row", triggered.STOPS, ids=str)
def test_a_stopped_site(client: Client, row: Row) -> None:
    """The last ones: the continuous jobs stop, too, and no row after it would know them again."""
    check(client, row)
