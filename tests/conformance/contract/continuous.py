"""Rows of continuous jobs, without uploads (docs/kudu-contract.md, sections 1.2, 1.4, 2 and 6.2)."""

from __future__ import annotations

from tests.conformance.contract import shapes
from tests.conformance.contract.fixtures import CONTINUOUS
from tests.conformance.contract.routes import PASSTHROUGH, WORKER
from tests.conformance.contract.row import Call, Row, remove, rest, upload
from tests.conformance.contract.triggered import conditional, settings_rows

LIST, GET, DELETE = "GET /api/continuouswebjobs", f"GET {WORKER}", f"DELETE {WORKER}"
_AT = "/api/continuouswebjobs"
_LISTED = f"[{','.join(CONTINUOUS.values())}]"


def _switch(verb: str) -> list[Row]:
    """Start or stop: idempotent, and 404 for what there is not."""
    route, name = f"POST {WORKER}/{verb}", f"own-{verb}"
    made, gone = upload("continuous", name), (remove("continuous", name),)
    did = Call(method="POST", url=f"{_AT}/{name}/{verb}")
    return [
        rest("done", route, f"{_AT}/{name}/{verb}", 200, before=(made,), after=gone),
        rest("again", route, f"{_AT}/{name}/{verb}", 200, before=(made, did), after=gone),
        rest("none", route, f"{_AT}/none/{verb}", 404),
        rest("a triggered job", route, f"{_AT}/ran/{verb}", 404),
    ]


def _proxied(verb: str) -> list[Row]:
    """What the job answers, and 404 for whatever goes wrong."""
    deep, root = f"{verb} {PASSTHROUGH}/{{path}}", f"{verb} {PASSTHROUGH}"
    at, own = f"{_AT}/server/passthrough", {"content-type": "text/x-answer", "etag": '"own"'}
    sent = b"sent" if verb in ("PUT", "POST", "PATCH") else None
    told = "sent" if sent else ""
    head = verb == "HEAD"

    def missing(about: str, route: str, name: str, why: str, path: str = "") -> Row:
        body = "" if head else shapes.message(why)
        headers = {"content-type": "application/json; charset=utf-8"}
        return rest(about, route, f"{_AT}/{name}/passthrough{path}", 404, body, headers=headers)

    return [
        rest("root", root, at, 200, "" if head else f"{verb} / {told}", headers=own, content=sent),
        rest(
            "path and query as they are",
            deep,
            f"{at}/A%20b//c/?x=%41&y",
            200,
            "" if head else f"{verb} /A%20b//c/?x=%41&y {told}",
            headers=own,
            content=sent,
        ),
        missing("none", root, "none", "There is no continuous WebJob 'none'."),
        missing("no instance", deep, "stopped", "No instance of the WebJob 'stopped' is ready.", "/x"),
        missing("no port", deep, "both", "The WebJob 'both' does not answer on its port (ClientConnectorError).", "/x"),
    ]


ROWS = [
    rest("all", LIST, _AT, 200, _LISTED, headers={"etag": '"<hash>"'}),
    *conditional(LIST, _AT, _LISTED, '"<hash>"'),
    *(rest(f"{name} has no tag", GET, f"{_AT}/{name}", 200, body) for name, body in CONTINUOUS.items()),
    rest("none", GET, f"{_AT}/none", 404),
    rest("of the other type", GET, f"{_AT}/ran", 404),
    rest("there", DELETE, f"{_AT}/gone", 200, before=(upload("continuous", "gone"),)),
    rest("none", DELETE, f"{_AT}/none", 200),
    *_switch("start"),
    *_switch("stop"),
    *settings_rows("continuous"),
    *(row for verb in ("GET", "HEAD", "PUT", "POST", "DELETE", "PATCH") for row in _proxied(verb)),
]
