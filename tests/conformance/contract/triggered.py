"""Rows of ``/api/webjobs`` and of triggered jobs, without uploads (docs/kudu-contract.md, sections 1.2, 1.4 and 2)."""

from __future__ import annotations

from tests.conformance.contract import fixtures, shapes
from tests.conformance.contract.fixtures import ACCENTS, ACCENTS_ESCAPED, CONTINUOUS, TRIGGERED
from tests.conformance.contract.row import Around, Call, Row, delete, put, remove, rest, upload

ALL, LIST = "GET /api/webjobs", "GET /api/triggeredwebjobs"
GET, DELETE = "GET /api/triggeredwebjobs/{n}", "DELETE /api/triggeredwebjobs/{n}"
RUN, HISTORY = "POST /api/triggeredwebjobs/{n}/run", "GET /api/triggeredwebjobs/{n}/history"
ONE = f"{HISTORY}/{{id}}"
READ, WRITE = "GET /api/triggeredwebjobs/{n}/settings", "PUT /api/triggeredwebjobs/{n}/settings"
SWAGGER = "GET /api/triggeredwebjobsswagger"

BUSY = "Cannot start a new run since job is already running."
STOPPED = 'WebJobs are currently in "stopped" state.'
_AT = "/api/triggeredwebjobs"
_JSON = {"Content-Type": "application/json"}
_ETAG = {"etag": '"<hash>"'}
_HISTORY_ETAG = {"etag": '"<hash>-<hash 2>-<hash 3>"'}


def conditional(route: str, url: str, body: str, etag: str) -> list[Row]:
    """Only the first tag counts, weak or not; the time does not (1.3)."""
    ask = (Call(method="GET", url=url),)
    tag = {"etag": etag}
    return [
        rest("the tag", route, url, 304, headers=tag, before=ask, send={"If-None-Match": "<etag>"}),
        rest("a weak tag", route, url, 304, headers=tag, before=ask, send={"If-None-Match": 'W/<etag>, "x"'}),
        rest("second tag", route, url, 200, body, headers=tag, before=ask, send={"If-None-Match": '"x", <etag>'}),
        rest("time", route, url, 200, body, headers=tag, send={"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}),
        rest("other types", route, url, 200, body, headers=tag, send={"Accept": "text/html, application/xml"}),
    ]


_EVERY = f"[{','.join([*TRIGGERED.values(), *CONTINUOUS.values()])}]"
_TRIGGERED = f"[{','.join(TRIGGERED.values())}]"
LISTS = [
    rest("all", ALL, "/api/webjobs", 200, _EVERY, headers=_ETAG),
    *conditional(ALL, "/api/webjobs", _EVERY, '"<hash>"'),
    rest("all", LIST, _AT, 200, _TRIGGERED, headers=_ETAG),
    *conditional(LIST, _AT, _TRIGGERED, '"<hash>"'),
]

JOBS = [
    *(rest(f"{name} has no tag", GET, f"{_AT}/{name}", 200, TRIGGERED[name]) for name in ("ran", "planned", "both")),
    rest("accents", GET, f"{_AT}/{ACCENTS_ESCAPED}", 200, TRIGGERED[ACCENTS]),
    rest("the spelling of the URL", GET, f"{_AT}/FRESH", 200, shapes.triggered("FRESH")),
    rest("no condition", GET, f"{_AT}/fresh", 200, TRIGGERED["fresh"], send={"If-None-Match": "*"}),
    rest("none", GET, f"{_AT}/none", 404),
    rest("of the other type", GET, f"{_AT}/server", 404),
    rest("impossible name", GET, f"{_AT}/a%3Ab", 404),
    rest(
        "a folder without a script",
        GET,
        f"{_AT}/no-script",
        404,
        before=(put("/api/vfs/site/jobs/triggered/no-script/read.me", b""),),
        after=(remove("triggered", "no-script"),),
    ),
    rest("there", DELETE, f"{_AT}/gone", 200, before=(upload("triggered", "gone"),)),
    rest("none", DELETE, f"{_AT}/none", 200),
    rest("impossible name", DELETE, f"{_AT}/a%3Ab", 200),
    rest(
        "only of its type",
        GET,
        "/api/continuouswebjobs/twin",
        200,
        shapes.continuous("twin", status="<anything>", detailed="<anything 2>"),
        before=(
            upload("continuous", "twin", "exec sleep 1000\n"),
            upload("triggered", "twin"),
            remove("triggered", "twin"),
        ),
        after=(remove("continuous", "twin"),),
    ),
]


def _location(name: str) -> dict[str, str]:
    return {"location": f"<base>{_AT}/{name}/history/<run id>"}


def _own(name: str, script: str = "exec sleep 1000\n") -> Around:
    return {"before": (upload("triggered", name, script),), "after": (remove("triggered", name),)}


_STOP = Call(method="POST", url="/api/settings", content=b'{"WEBJOBS_STOPPED":"1"}', headers=_JSON)
_GO = delete("/api/settings/WEBJOBS_STOPPED")
RUNS = [
    rest("starts", RUN, f"{_AT}/run-1/run", 202, headers=_location("run-1"), **_own("run-1")),
    rest("arguments", RUN, f"{_AT}/run-2/run?arguments=a%20b", 202, headers=_location("run-2"), **_own("run-2")),
    rest("a body is ignored", RUN, f"{_AT}/run-3/run", 202, headers=_location("run-3"), content=b"x", **_own("run-3")),
    rest(
        "the Location is escaped",
        RUN,
        f"{_AT}/r%C3%BCn%204/run",
        202,
        headers=_location("r%C3%BCn%204"),
        **_own("r%C3%BCn%204"),
    ),
    rest("none", RUN, f"{_AT}/none/run", 404),
    rest("a continuous job", RUN, f"{_AT}/server/run", 404),
    rest(
        "busy",
        RUN,
        f"{_AT}/run-5/run",
        409,
        BUSY,
        before=(upload("triggered", "run-5", "exec sleep 1000\n"), Call(method="POST", url=f"{_AT}/run-5/run")),
        after=(remove("triggered", "run-5"),),
    ),
]
STOPS = [
    rest("the site is stopped", RUN, f"{_AT}/fresh/run", 409, STOPPED, before=(_STOP,), after=(_GO,)),
    rest("there is no such job, first", RUN, f"{_AT}/none/run", 404, before=(_STOP,), after=(_GO,)),
]
"""They stop the continuous jobs as well."""

_RUNS = f'{{"runs":[{fixtures.newest(1)},{fixtures.oldest(2, identifier="<run id 2>")}]}}'
HISTORIES = [
    rest("newest first", HISTORY, f"{_AT}/ran/history", 200, _RUNS, headers=_HISTORY_ETAG),
    *conditional(HISTORY, f"{_AT}/ran/history", _RUNS, '"<hash>-<hash 2>-<hash 3>"'),
    rest("scheduled", HISTORY, f"{_AT}/planned/history", 200, '{"runs":[]}', headers={"etag": '"<hash>-<hash 2>"'}),
    rest("never ran", HISTORY, f"{_AT}/fresh/history", 404),
    rest("none", HISTORY, f"{_AT}/none/history", 404),
    rest("a continuous job", HISTORY, f"{_AT}/server/history", 404),
    rest("newest", ONE, f"{_AT}/ran/history/<newest>", 200, fixtures.newest()),
    rest("oldest", ONE, f"{_AT}/ran/history/<oldest>", 200, fixtures.oldest(), send={"If-None-Match": "*"}),
    rest("no such run", ONE, f"{_AT}/ran/history/202601010000000000", 404),
    rest("no id", ONE, f"{_AT}/ran/history/latest", 404),
    rest("of another job", ONE, f"{_AT}/fresh/history/<newest>", 404),
    rest("no such job", ONE, f"{_AT}/none/history/<newest>", 404),
]


def settings_rows(kind: str) -> list[Row]:
    """Reads and writes of settings.job (1.4, 2.4), the same for both types."""
    at, job = f"/api/{kind}webjobs", f"set-{kind}"
    read, write = f"GET {at}/{{n}}/settings", f"PUT {at}/{{n}}/settings"
    own: Around = {"before": (upload(kind, job),), "after": (remove(kind, job),)}

    def kept(about: str, given: bytes, expected: str, *, media: str = "application/json") -> Row:
        steps = (upload(kind, job), put(f"{at}/{job}/settings", b'{"old":1}', Content_Type="application/json"))
        wrote = put(f"{at}/{job}/settings", given, Content_Type=media)
        return rest(about, read, f"{at}/{job}/settings", 200, expected, before=(*steps, wrote), after=own["after"])

    return [
        rest("none at all", read, f"{at}/none/settings", 200, "{}"),
        rest("of no settings", read, f"{at}/both/settings", 200, "{}"),
        kept(
            "replaced as a whole",
            b'{ "z": "\xc3\xa9",\n"a": {"b": [1, null, 1.5]} }',
            '{"a":{"b":[1,null,1.5]},"z":"é"}',
        ),
        kept(
            "of strange types",
            b'{"is_singleton":"true","stopping_wait_time":"60"}',
            '{"is_singleton":"true","stopping_wait_time":"60"}',
        ),
        kept("with a charset", b'{"a":1}', '{"a":1}', media="application/json; charset=utf-8"),
        kept("as Newtonsoft reads them", b"{ 'a': 1, // one\n }", '{"a":1}'),
        kept("null", b"null", "{}"),
        kept("empty", b"", "{}"),
        rest("written", write, f"{at}/{job}/settings", 200, content=b"{}", send=_JSON, **own),
        # Not as Kudu, which empties the settings without a word (docs/rest.md, "Where it differs from Kudu").
        rest(
            "malformed",
            write,
            f"{at}/{job}/settings",
            400,
            "The settings stay as they are. settings.job is no JSON: line 1, column 2: '}' is missing.",
            content=b"{",
            send=_JSON,
            **own,
        ),
        rest("of no job", write, f"{at}/none/settings", 404, content=b"{}", send=_JSON),
        *(
            rest(
                about,
                write,
                f"{at}/{job}/settings",
                415,
                shapes.message(f"The request entity's media type '{told}' is not supported for this resource."),
                content=b"{}",
                send=send,
                **own,
            )
            for about, told, send in (
                ("text", "text/plain", {"Content-Type": "text/plain"}),
                ("of no type", "application/octet-stream", {}),
            )
        ),
    ]


_SETTINGS = [
    *settings_rows("triggered"),
    rest("types are kept", READ, f"{_AT}/ran/settings", 200, fixtures.SETTINGS),
    rest("accents", READ, f"{_AT}/{ACCENTS_ESCAPED}/settings", 200, "{}"),
]


def _operation(name: str) -> str:
    return (
        f'"/api/triggeredjobs/{name}/run":{{"post":{{"deprecated":false,"operationId":"{name}","consumes":[],"produces":[],'
        '"responses":{"200":{"description":"Success"},"default":{"description":"Success"}},"parameters":[{"name":'
        '"arguments","in":"query","description":"Web Job Arguments","required":false,"type":"string"}]}}'
    )


_SWAGGER = (
    '{"swagger":"2.0","info":{"version":"v1","title":"WebJobs"},"host":"placeHolder","schemes":["https"],'
    f'"paths":{{{",".join(map(_operation, TRIGGERED))}}}}}'
)
ROWS = [
    *LISTS,
    *JOBS,
    *RUNS,
    *HISTORIES,
    *_SETTINGS,
    rest("has no tag", SWAGGER, "/api/triggeredwebjobsswagger", 200, _SWAGGER),
]
