"""What a machine can think of, for what tests/conformance/test_schemathesis.py leaves out: Kragle and ARM.

Nothing fails inside: no answer is the one to an error that nobody foresaw, and each is JSON.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode

from tests.security.attacker import restarts
from tests.site import Site
from webjobs_apiserver.kragle import faults

ARM = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/shop"
UNFORESEEN = "An error has occurred."
BOUNDED = settings(
    max_examples=15,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
KRAGLE = [
    ("/api/v1/jobs", "get"),
    ("/api/v1/jobs", "post"),
    ("/api/v1/jobs/byid/{identifier}", "get"),
    ("/api/v1/jobs/byname/{name}", "get"),
    ("/api/v1/jobs/{identifier}", "put"),
    ("/api/v1/jobs/{identifier}", "delete"),
    ("/api/v1/schedules", "get"),
    ("/api/v1/schedules", "post"),
    ("/api/v1/schedules/byid/{identifier}", "get"),
    ("/api/v1/schedules/{identifier}", "put"),
    ("/api/v1/schedules/{identifier}", "delete"),
    ("/api/v1/blockstacks", "get"),
    ("/api/v1/blockstacks/byid/{identifier}", "get"),
    ("/api/v1/blockstacks/byname/{name}", "get"),
    ("/api/v1/authenticate", "post"),
    ("/api/v1/login", "post"),
]
ARM_PATHS = [
    (method, f"{ARM}{slot}/{path}")
    for slot in ("", "/slots/production")
    for method, path in [
        ("GET", "webjobs"),
        ("GET", "webjobs/{x}"),
        ("GET", "triggeredwebjobs"),
        ("GET", "triggeredwebjobs/{x}"),
        ("DELETE", "triggeredwebjobs/{x}"),
        ("POST", "triggeredwebjobs/{x}/run?arguments={x}"),
        ("GET", "triggeredwebjobs/{x}/history"),
        ("GET", "triggeredwebjobs/{x}/history/{x}"),
        ("GET", "continuouswebjobs/{x}"),
        ("POST", "continuouswebjobs/{x}/start"),
        ("POST", "continuouswebjobs/{x}/stop"),
        ("DELETE", "continuouswebjobs/{x}"),
        ("GET", "triggeredwebjobs?$skipToken={x}&$top={x}"),
    ]
]


@pytest.fixture(scope="module")
def session(site: Site) -> Iterator[requests.Session]:
    with requests.Session() as made:
        made.auth = (site.stack.user, site.stack.password)
        yield made
    site.kubectl("delete", "wj,wjs", "--all")


@pytest.fixture(scope="module")
def document(site: Site) -> schemathesis.BaseSchema:
    found = site.http.get("/openapi.json").json()
    found.pop("security")
    kragle = {path: one for path, one in found["paths"].items() if path.startswith("/api/v1/")}
    assert {(path, verb) for path, one in kragle.items() for verb in one} == set(KRAGLE), "each is tried here"
    return schemathesis.openapi.from_dict(found)


def check(answer: requests.Response) -> None:
    """Nothing went wrong inside; of the Kragle API 500 is the status of all faults, so its code counts."""
    assert UNFORESEEN not in answer.text, answer.text
    if answer.content:
        assert answer.headers["content-type"].startswith(("application/json", "text/plain")), answer.headers
    if answer.status_code >= 500:
        assert "/api/v1/" in answer.url, f"{answer.status_code} {answer.text}"
        assert answer.json()["code"] != faults.BEHIND, answer.text


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize(("path", "method"), KRAGLE, ids=str)
def test_kragle(
    site: Site, session: requests.Session, document: Any, path: str, method: str, mode: GenerationMode
) -> None:
    @BOUNDED
    @given(case=document[path][method].as_strategy(mode))
    def tried(case: Any) -> None:
        for value in case.path_parameters.values():
            assume(value and not {"", ".", ".."} & set(str(value).strip("/").split("/")))
        check(session.request(**case.as_transport_kwargs(base_url=site.stack.url), timeout=(5, 20)))

    with contextlib.suppress(Unsatisfiable):  # where any text is right, nothing is wrong
        tried()


@pytest.mark.parametrize(("method", "path"), ARM_PATHS, ids=str)
def test_arm(site: Site, session: requests.Session, method: str, path: str) -> None:
    @BOUNDED
    @given(text=st.text(min_size=1, max_size=40), body=st.binary(max_size=30), version=st.text(max_size=10))
    def tried(text: str, body: bytes, version: str) -> None:
        assume(text not in (".", ".."))
        part = quote(text.encode("utf-8", "replace"), safe="")
        url = f"{site.stack.url}{path.replace('{x}', part)}"
        url += f"{'&' if '?' in url else '?'}api-version={quote(version.encode('utf-8', 'replace'), safe='')}"
        check(session.request(method, url, data=body if method != "GET" else None, timeout=(5, 20)))

    tried()


def test_nothing_fell_over(site: Site) -> None:
    assert set(restarts(site)) == {0}
