"""Rows of uploads, the same for both types (docs/kudu-contract.md, sections 2.5 and 3.4)."""

from __future__ import annotations

from tests.conformance.contract import shapes
from tests.conformance.contract.row import Call, Headers, Row, put, remove, rest, upload
from tests.site import zip_of

NO_NAME = "Missing Content-Disposition header."
NO_SCRIPT = "No runnable script file was found."
_ZIP = {"Content-Type": "application/zip", "Content-Disposition": "attachment; filename=job.zip"}
_SCRIPT = b"echo hello\n"


def _named(disposition: str) -> dict[str, str]:
    return {"Content-Disposition": disposition}


def _rows(kind: str) -> list[Row]:
    at, route = f"/api/{kind}webjobs", f"PUT /api/{kind}webjobs/{{n}}"
    shape = shapes.triggered if kind == "triggered" else shapes.continuous

    def done(
        about: str, send: Headers, content: bytes = _SCRIPT, *, command: str = "run.sh", settings: str = "{}"
    ) -> Row:
        body = shape("new", command=command, settings=settings)
        after = (remove(kind, "new"),)
        return rest(about, route, f"{at}/new", 200, body, content=content, send=send, after=after)

    def refused(about: str, send: Headers, text: str, content: bytes = _SCRIPT, *, name: str = "new") -> Row:
        return rest(about, route, f"{at}/{name}", 400, text, content=content, send=send)

    def again(about: str, content: bytes, send: Headers, expected: str) -> Row:
        """Reads the job after a second upload."""
        before = (
            put(
                f"{at}/new", zip_of({"run.sh": "", "settings.job": '{"old":1}'}), Content_Type="application/zip", **_OLD
            ),
            Call(method="PUT", url=f"{at}/new", content=content, headers=send),
        )
        return rest(about, f"GET {at}/{{n}}", f"{at}/new", 200, expected, before=before, after=(remove(kind, "new"),))

    return [
        done("a script", _named("attachment; filename=run.sh")),
        done("a misspelled disposition", _named("attachement; filename=run.sh")),
        done("a quoted name with blanks", _named('attachment; filename="my job.sh"'), command="my job.sh"),
        done("a path before the name", _named('attachment; filename="C:\\jobs\\run.sh"')),
        done(
            "an encoded word",
            _named('attachment; filename="=?utf-8?B?Sm9iIGZpbGUgd2l0aCBhY2NlbnRzIMOgw6nDqC5jbWQ=?="'),
            command="Job file with accents àéè.cmd",
        ),
        done("a zip", _ZIP, zip_of({"run.sh": "", "read.me": ""})),
        done("a zip with parameters", _ZIP | {"Content-Type": "Application/ZIP; x=y"}, zip_of({"run.sh": ""})),
        done("a nested zip", _ZIP, zip_of({"inner/run.py": ""}), command="inner/run.py"),
        done("run before other names", _ZIP, zip_of({"go.cmd": "", "run.js": ""}), command="run.js"),
        done("settings in it", _ZIP, zip_of({"run.sh": "", "settings.job": '{"x":1}'}), settings='{"x":1}'),
        refused("no disposition", {}, NO_NAME),
        refused("no name in it", _named("attachment"), NO_NAME),
        refused("blanks unquoted", _named("attachment; filename=my job.sh"), NO_NAME),
        refused("the extended name only", _named("attachment; filename*=UTF-8''run.sh"), NO_NAME),
        refused("a zip without a name", {"Content-Type": "application/zip"}, NO_NAME, zip_of({"run.sh": ""})),
        refused(
            "a zip of another type",
            _ZIP | {"Content-Type": "application/x-zip-compressed"},
            NO_SCRIPT,
            zip_of({"run.sh": ""}),
        ),
        refused("a text", _named("attachment; filename=read.txt"), NO_SCRIPT),
        refused("a zip of texts", _ZIP, NO_SCRIPT, zip_of({"read.me": ""})),
        refused("an empty zip", _ZIP, NO_SCRIPT, zip_of({})),
        refused("no zip at all", _ZIP, "The upload is not a readable zip: File is not a zip file", b"PK no"),
        refused(
            "a zip that climbs out",
            _ZIP,
            "The upload has a file outside of its folder: '../run.sh'. Remove '..' from the path.",
            zip_of({"../run.sh": ""}),
        ),
        refused(
            "an impossible name",
            _named("attachment; filename=run.sh"),
            'The WebJob name must not contain control characters or any of \\ / : * ? " < > |.',
            name="a%3Ab",
        ),
        again("a second upload replaces all", b"", _named("attachment; filename=run.py"), _changing(kind, "run.py")),
    ]


_OLD = {"Content_Disposition": "attachment; filename=job.zip"}


def _changing(kind: str, command: str, *, name: str = "new") -> str:
    """A job whose state may be any by now."""
    if kind == "triggered":
        return shapes.triggered(name, command=command)
    return shapes.continuous(name, command=command, status="<anything>", detailed="<anything 2>")


def _respelled(kind: str) -> Row:
    """Names don't count case; the answer has the URL's (3.4)."""
    at = f"/api/{kind}webjobs"
    return rest(
        "takes the place of a job with this name in another spelling",
        f"PUT {at}/{{n}}",
        f"{at}/NEW",
        200,
        _changing(kind, "run.py", name="NEW"),
        content=b"",
        send=_named("attachment; filename=run.py"),
        before=(upload(kind, "new"),),
        after=(remove(kind, "new"),),
    )


ROWS = [row for kind in ("triggered", "continuous") for row in (*_rows(kind), _respelled(kind))]
