"""The shim's own document against the shim: what a machine can think of, each operation for itself, on a real cluster.

Nothing is a 5xx, every answer has a status and a media type that the document names, and every answer ends - but for
the log streams, which the document marks with ``x-stream``: of those the first bytes must come at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.conformance.contract.declared import declared
from tests.site import Site, zip_of
from webjobs_apiserver.kudu.operations import JSON, OPERATIONS

Case = schemathesis.Case[Any]
SECONDS = (5, 20)
"""For a connection, and between any two bytes of an answer."""
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
_EACH = [(path, method) for path, operations in OPERATIONS.items() for method in operations]
_STREAMS = [(path, method) for path, method in _EACH if OPERATIONS[path][method].stream]
_OTHERS = [one for one in _EACH if one not in _STREAMS]
_JOB = "site/wwwroot/App_Data/jobs/triggered/fuzzed"
_KNOWN: dict[str, list[str]] = {
    "name": ["fuzzed", "FUZZED", "A", "none", "a b"],
    "run_id": ["202601010000000000", "1"],
    "path": [
        "site/",
        _JOB,
        f"{_JOB}/",
        f"{_JOB}/run.sh",
        "data/jobs/triggered/fuzzed/",
        "jobs/triggered/fuzzed",
    ],
    "identifier": ["1", "latest"],
}
"""Parameters of paths that lead somewhere; a machine guesses none of them."""
_HEADERS = {
    "Content-Disposition": ["attachment; filename=run.sh", "attachment; filename=job.zip", "attachment"],
    "If-Match": ["*", '"x"'],
    "Range": ["bytes=0-3", "bytes=9-1", "bytes=99-"],
}


@pytest.fixture(scope="module")
def session(site: Site) -> Iterator[requests.Session]:
    """A client; nothing is left of what it makes."""
    with requests.Session() as made:
        made.auth = (site.stack.user, site.stack.password)
        yield made
    site.kubectl("delete", "wj", "--all")
    site.empty_secrets()


@pytest.fixture(scope="module")
def document(site: Site, session: requests.Session) -> schemathesis.BaseSchema:
    """As a client gets it, but for who may what: else most of the wrong requests would have no credentials."""
    found = site.http.get("/openapi.json").json()
    assert found.pop("security") == [{"basic": []}]
    # Its faults are 500 for all of them, which this suite would take for bugs; test_kragle.py has them.
    found["paths"] = {path: one for path, one in found["paths"].items() if not path.startswith("/api/v1/")}
    return schemathesis.openapi.from_dict(found)


@pytest.fixture(autouse=True)
def jobs(site: Site, session: requests.Session) -> None:
    """Jobs under a known name, for each test anew; the continuous one is stopped, and so costs no pod."""
    for kind, files in (("triggered", {}), ("continuous", {"disable.job": ""})):
        uploaded = site.upload("fuzzed", zip_of({"run.sh": "echo hello\n", **files}), kind=kind)
        assert uploaded.status_code == 200, uploaded.text


_SCALARS: st.SearchStrategy[Any] = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
_ANY_JSON = st.recursive(_SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=4)


def cases(document: Any, path: str, method: str, mode: GenerationMode) -> st.SearchStrategy[Case]:
    """Requests of an operation, with parameters of which some are known and some are anything."""
    strategy = document[path][method].as_strategy(mode)
    headers = OPERATIONS[path][method].headers

    @st.composite
    def made(draw: st.DrawFn) -> Case:
        case: Case = draw(strategy)
        for name in [name for name in _KNOWN if name in case.path_parameters and draw(st.booleans())]:
            case.path_parameters[name] = draw(st.sampled_from(_KNOWN[name]))
        for name in [name for name in _HEADERS if name in headers and draw(st.booleans())]:
            case.headers[name] = draw(st.sampled_from(_HEADERS[name]))
        if JSON in OPERATIONS[path][method].takes and mode is GenerationMode.NEGATIVE and draw(st.booleans()):
            case.body = draw(_ANY_JSON)
        for value in case.path_parameters.values():
            # The client would make another path of these: one of another operation.
            assume(value and not {"", ".", ".."} & set(str(value).strip("/").split("/")))
        return case

    return made()


_PATHS = st.sampled_from(["run.sh", "inner/run.py", "settings.job", "read.me", "../run.sh", "fuzzed/run.sh", "é.sh"])
_ZIPS = st.dictionaries(_PATHS, st.binary(max_size=20), max_size=4).map(zip_of) | st.binary(max_size=50)
schemathesis.openapi.media_type("application/zip", _ZIPS)
schemathesis.openapi.media_type("application/x-tar", _ZIPS)  # no backup: each is refused


def bounded(examples: int) -> settings:
    """The same requests every time."""
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def test_every_operation_is_tried() -> None:
    told = {(path, method.upper()) for path, method in _EACH}
    own = {(path, verb) for verb, path in declared() if path.startswith("/api/") and verb != "HEAD"}
    assert told == own


@pytest.mark.parametrize(
    ("path", "method", "mode"),
    [
        (*one, mode)
        for one in _OTHERS
        for mode in GenerationMode
        # Any text is a right parameter, and any bytes are a right file: only of JSON something is wrong.
        if mode is GenerationMode.POSITIVE or JSON in OPERATIONS[one[0]][one[1]].takes
    ],
    ids=str,
)
def test_operation(
    site: Site, session: requests.Session, document: Any, path: str, method: str, mode: GenerationMode
) -> None:
    sent = []

    @bounded(40)
    @given(case=cases(document, path, method, mode))
    def tried(case: Case) -> None:
        answer = case.call(base_url=site.stack.url, session=session, timeout=SECONDS)
        sent.append(answer.status_code)
        case.validate_response(answer, checks=CHECKS)

    tried()
    assert sent


@pytest.mark.parametrize(("path", "method"), _STREAMS, ids=lambda part: part)
def test_stream(site: Site, session: requests.Session, document: Any, path: str, method: str) -> None:
    @bounded(25)
    @given(case=cases(document, path, method, GenerationMode.POSITIVE))
    def tried(case: Case) -> None:
        asked = case.as_transport_kwargs(base_url=site.stack.url)
        with session.request(**asked, timeout=SECONDS, stream=True) as answer:
            assert answer.status_code in (200, 404)
            if answer.status_code == 200 and "/logstream" in answer.url:
                assert next(answer.iter_content(20)).startswith(b"20")

    tried()
