"""Rows of app settings, web hooks and log streams (docs/kudu-contract.md, section 1.5; docs/rest.md)."""

from __future__ import annotations

from tests.conformance.contract.row import TEXT, Around, Call, Headers, Row, delete, rest
from tests.conformance.contract.shapes import message

_JSON: Headers = {"Content-Type": "application/json"}
SETTINGS, SETTING = "/api/settings", "/api/settings/{n}"
HOOKS, HOOK = "/api/hooks", "/api/hooks/{id}"
STREAM = "GET /api/logstream/{path}"

_SET = Call(method="POST", url=SETTINGS, content='{"b":"2","a":"é"}'.encode(), headers=_JSON)
_UNSET = (delete(f"{SETTINGS}/a"), delete(f"{SETTINGS}/b"))
_NO_OBJECT = "Send a JSON object of names and texts."


def _settings(verb: str) -> list[Row]:
    route = f"{verb} {SETTINGS}"
    wrong = "The name of a setting may hold letters, digits, '.', '_' and '-': 'a b'."
    return [
        rest("texts", route, SETTINGS, 204, content=b'{"a":"1","b":true}', send=_JSON, after=_UNSET),
        rest("key and value", route, SETTINGS, 204, content=b'{"key":"a","value":"1"}', send=_JSON, after=_UNSET),
        rest("no object", route, SETTINGS, 400, _NO_OBJECT, content=b"[1]", send=_JSON),
        rest("no JSON", route, SETTINGS, 400, _NO_OBJECT, content=b"{", send=_JSON),
        rest("nothing", route, SETTINGS, 400, _NO_OBJECT, send=_JSON),
        rest("no texts", route, SETTINGS, 400, _NO_OBJECT, content=b'{"a":{}}', send=_JSON),
        rest("an impossible name", route, SETTINGS, 400, wrong, content=b'{"a b":"1"}', send=_JSON),
    ]


def _hook(identifier: str, url: str = "https://example.com/done") -> str:
    return (
        f'{{"id":"{identifier}","event":"TriggeredJobFinished","url":"{url}","insecure_ssl":false,"last_status":null,'
        '"last_reason":null,"last_datetime":"0001-01-01T00:00:00","last_context":null}'
    )


_WANTED = b'{"event":"TriggeredJobFinished","url":"https://example.com/done"}'
_SUBSCRIBE = Call(method="POST", url=HOOKS, content=_WANTED, headers=_JSON)
_HOOKED: Around = {"before": (_SUBSCRIBE,), "after": (delete(f"{HOOKS}/<id>"),)}
_SEND = "Send a JSON object with event and url."
_OTHER = "The event of a hook must be TriggeredJobFinished: no other happens here."
_ADDRESS = "The url of a hook must be an http or https address."
_NEW = f"POST {HOOKS}"

_BYTES = "<second>  Welcome, you are now connected to log-streaming service.\r\n"
_STREAM = {"content-type": TEXT}
STREAMS = [
    rest("all jobs", "GET /api/logstream", "/api/logstream", 200, _BYTES, headers=_STREAM),
    rest("one job", STREAM, "/api/logstream/jobs/continuous/both", 200, _BYTES, headers=_STREAM),
    rest("Kudu's folder", STREAM, "/logstream/application/", 200, _BYTES, headers=_STREAM),
]
"""They end after two hours: only their first bytes are read."""

ROWS = [
    rest("none", f"GET {SETTINGS}", SETTINGS, 200, "{}"),
    rest("some", f"GET {SETTINGS}", SETTINGS, 200, '{"a":"é","b":"2"}', before=(_SET,), after=_UNSET),
    rest("one", f"GET {SETTING}", f"{SETTINGS}/a", 200, '"é"', before=(_SET,), after=_UNSET),
    rest("not set", f"GET {SETTING}", f"{SETTINGS}/none", 404, message("'none' setting does not exist.")),
    *_settings("POST"),
    *_settings("PUT"),
    rest("set", f"DELETE {SETTING}", f"{SETTINGS}/a", 204, before=(_SET,), after=_UNSET),
    rest("not set", f"DELETE {SETTING}", f"{SETTINGS}/none", 204),
    rest("none", f"GET {HOOKS}", HOOKS, 200, "[]"),
    rest("some", f"GET {HOOKS}", HOOKS, 200, f"[{_hook('<hook id>')}]", **_HOOKED),
    rest("new", _NEW, HOOKS, 201, _hook("<hook id>"), content=_WANTED, send=_JSON, after=_HOOKED["after"]),
    rest("known", _NEW, HOOKS, 409, content=_WANTED, send=_JSON, **_HOOKED),
    rest("no object", _NEW, HOOKS, 400, _SEND, content=b"[]", send=_JSON),
    rest("nothing", _NEW, HOOKS, 400, _SEND, send=_JSON),
    rest("no such event", _NEW, HOOKS, 400, _OTHER, content=b'{"event":"PostDeployment","url":"http://x"}', send=_JSON),
    rest("no address", _NEW, HOOKS, 400, _ADDRESS, content=b'{"event":"TriggeredJobFinished","url":"x"}', send=_JSON),
    rest("one", f"GET {HOOK}", f"{HOOKS}/<id>", 200, _hook("<hook id>"), **_HOOKED),
    rest("none", f"GET {HOOK}", f"{HOOKS}/1", 404),
    rest("there", f"DELETE {HOOK}", f"{HOOKS}/<id>", 200, before=(_SUBSCRIBE,)),
    rest("none", f"DELETE {HOOK}", f"{HOOKS}/1", 200),
    rest("no job", STREAM, "/api/logstream/jobs/triggered/none", 404),
    rest("no folder", STREAM, "/api/logstream/other", 404),
    rest(
        "the latest line",
        "GET /api/logs/recent",
        "/api/logs/recent?top=1",
        200,
        '[{"timestamp":"<time>","level":"Information","pid":0,"message":"<anything>"}]',
    ),
]
