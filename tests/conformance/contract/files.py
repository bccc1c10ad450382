"""Rows of ``/api/vfs`` and ``/api/zip`` (docs/kudu-contract.md, section 1.5)."""

from __future__ import annotations

from tests.conformance.contract import shapes
from tests.conformance.contract.fixtures import ACCENTS, ACCENTS_ESCAPED
from tests.conformance.contract.row import BYTES, Around, Call, Row, put, remove, rest, upload
from tests.conformance.contract.shapes import entry, message, not_found
from tests.site import zip_of

_JOBS = "site/wwwroot/App_Data/jobs/triggered/"
AT, ROOT = f"/api/vfs/{_JOBS}", "/api/vfs/"
GET, HEAD, PUT, DELETE = (f"{verb} /api/vfs/{{path}}" for verb in ("GET", "HEAD", "PUT", "DELETE"))
_TAG = {"etag": '"<tag>"'}
_FILE = {"content-type": BYTES, "accept-ranges": "bytes", "last-modified": "<http date>"} | _TAG
_READ_ONLY = message(
    "Only files of WebJobs can be written, below site/wwwroot/App_Data/jobs/{triggered|continuous}/{name}/."
)
_STALE = message("ETag does not represent the latest state of the resource.")
_NO_TAG = message("The file exists: send its ETag, or *, as If-Match.")
_OWN: Around = {"before": (upload("triggered", "file"),), "after": (remove("triggered", "file"),)}
_FOUND: Around = {
    "before": (upload("triggered", "file"), Call(method="GET", url=f"{AT}file/run.sh")),
    "after": _OWN["after"],
}
"""With the ETag known."""
_SCRIPT = "echo hello\n"


def _with(*files: tuple[str, str]) -> Around:
    written = (put(f"{AT}file/{name}", content.encode()) for name, content in files)
    return {"before": (upload("triggered", "file"), *written), "after": _OWN["after"]}


def _root(at: str, query: str = "") -> str:
    return f"[{entry('', 'site', at=at, of=1, query=query)},{entry('', 'data', at=at, of=2, query=query)}]"


def _part(about: str, sent: str, body: str, span: str, **more: str) -> Row:
    headers = _FILE | {"content-range": f"bytes {span}/11"}
    return rest(about, GET, f"{AT}fresh/run.sh", 206, body, headers=headers, send={"Range": sent} | more)


_TO_FOLDER, _TO_FILE = {"location": f"<base>{AT}fresh/?x=%20"}, {"location": f"<base>{AT}fresh/run.sh"}
_READ = [
    rest("the root", "GET /api/vfs", "/api/vfs", 307, headers={"location": "<base>/api/vfs/"}),
    rest("the root", "GET /api/vfs", "/api/vfs/", 200, _root("/api/vfs/")),
    rest("the query is in every address", GET, "/vfs/?a=%20b", 200, _root("/vfs/", "?a=%20b")),
    rest("the root", "HEAD /api/vfs", "/api/vfs/", 200, headers={"content-type": "application/json; charset=utf-8"}),
    rest("a script", GET, f"{AT}fresh/run.sh", 200, _SCRIPT, headers=_FILE),
    rest("in the other place", GET, "/vfs/site/jobs/triggered/fresh/run.sh", 200, _SCRIPT, headers=_FILE),
    rest("accents", GET, f"{AT}{ACCENTS_ESCAPED}/run.sh", 200, _SCRIPT, headers=_FILE),
    rest(
        "a folder",
        GET,
        f"{AT}fresh/",
        200,
        f"[{entry(f'{_JOBS}fresh/', 'run.sh', at=f'{AT}fresh/', size=11, mime=BYTES)}]",
    ),
    rest(
        "jobs of a type",
        GET,
        "/api/vfs/data/jobs/continuous/",
        200,
        "["
        + ",".join(
            entry("data/jobs/continuous/", name, at="/api/vfs/data/jobs/continuous/", of=of)
            for of, name in enumerate(("both", "server", "stopped"), 1)
        )
        + "]",
    ),
    rest("a folder without its slash", GET, f"{AT}fresh?x=%20", 307, headers=_TO_FOLDER),
    rest("a file with a slash", GET, f"{AT}fresh/run.sh/", 307, headers=_TO_FILE),
    rest("nothing", GET, f"{AT}fresh/none.txt", 404, not_found(f"{_JOBS}fresh/none.txt")),
    rest("no job", GET, f"{AT}none/", 404, not_found(f"{_JOBS}none/")),
    rest("accents in words", GET, f"{AT}{ACCENTS_ESCAPED}/x", 404, not_found(f"{_JOBS}{ACCENTS}/x")),
    rest("no place", GET, "/vfs/LogFiles/x", 404, not_found("LogFiles/x")),
    rest("a script", HEAD, f"{AT}fresh/run.sh", 200, headers=_FILE),
    rest("a folder without its slash", HEAD, f"{AT}fresh?x=%20", 307, headers=_TO_FOLDER),
    rest("nothing", HEAD, f"{AT}fresh/none", 404, headers={"content-type": "application/json; charset=utf-8"}),
    *(
        rest(
            "its tag",
            route,
            f"{AT}file/run.sh",
            304,
            headers=_TAG | {"last-modified": "<http date>"},
            send={"If-None-Match": "<etag>"},
            **_FOUND,
        )
        for route in (GET, HEAD)
    ),
    rest("another tag", GET, f"{AT}fresh/run.sh", 200, _SCRIPT, headers=_FILE, send={"If-None-Match": '"x"'}),
    _part("the begin", "bytes=0-3", "echo", "0-3"),
    _part("from there on", "bytes=5-", "hello\n", "5-10"),
    _part("the end", "bytes=-6", "hello\n", "5-10"),
    _part("beyond", "bytes=5-99", "hello\n", "5-10"),
    rest(
        "outside",
        GET,
        f"{AT}fresh/run.sh",
        416,
        message("The range is outside of the file."),
        headers={"content-range": "bytes */11"},
        send={"Range": "bytes=11-"},
    ),
    rest(
        "a part of another",
        GET,
        f"{AT}fresh/run.sh",
        200,
        _SCRIPT,
        headers=_FILE,
        send={"Range": "bytes=0-3", "If-Range": '"x"'},
    ),
    rest(
        "a part of this one",
        GET,
        f"{AT}file/run.sh",
        206,
        "echo",
        headers=_FILE | {"content-range": "bytes 0-3/11"},
        send={"Range": "bytes=0-3", "If-Range": "<etag>"},
        **_FOUND,
    ),
    *(
        rest(name, GET, f"{AT}file/{name}", 200, "{}", headers=_FILE | {"content-type": media}, **_with((name, "{}")))
        for name, media in (
            ("a.txt", "text/plain"),
            ("a.log", BYTES),
            ("a.json", "application/json"),
            ("a.js", "application/javascript"),
            ("a.unknown", BYTES),
        )
    ),
]
_LOGS = [
    rest(
        "the log of a run",
        GET,
        "/vfs/data/jobs/triggered/ran/<newest>/output_log.txt",
        200,
        shapes.log(
            "SYS INFO|Status changed to Initializing",
            "SYS INFO|Run script 'run.sh' with script host - 'BashScriptHost'",
            "SYS INFO|Status changed to Running",
            "INFO|hello ",
            "SYS INFO|Status changed to Success",
        ),
        headers=_FILE | {"content-type": "text/plain"},
    ),
    rest(
        "the log of a run that failed",
        GET,
        "/vfs/data/jobs/triggered/ran/<oldest>/output_log.txt",
        200,
        shapes.log(
            "SYS INFO|Status changed to Initializing",
            "SYS INFO|Run script 'run.sh' with script host - 'BashScriptHost'",
            "SYS INFO|Status changed to Running",
            "INFO|hello fail now",
            "SYS INFO|Status changed to Failed",
            "SYS ERR |Job failed due to exit code 1",
        ),
        headers=_FILE | {"content-type": "text/plain"},
    ),
    rest(
        "the state of a run",
        GET,
        "/vfs/data/jobs/triggered/ran/<newest>/status",
        200,
        '{"Trigger":"External - ","Status":"Success","StartTime":"<time 1>","EndTime":"<time 2>"}',
        headers=_FILE,
    ),
    rest(
        "the log of a schedule",
        GET,
        "/vfs/data/jobs/triggered/planned/job_scheduler.log",
        200,
        shapes.log("SYS INFO|Scheduling WebJob with 0 0 0 1 1 * next schedule expected in <duration>"),
        headers=_FILE,
    ),
    rest("no run", GET, "/vfs/data/jobs/triggered/ran/1/status", 404, not_found("data/jobs/triggered/ran/1/status")),
    rest(
        "the log of a continuous job",
        GET,
        "/vfs/data/jobs/continuous/both/job_log.txt",
        200,
        shapes.log(
            "SYS INFO|Status changed to Starting",
            "SYS INFO|WebJob singleton setting is False",
            "SYS INFO|Run script 'run.sh' with script host - 'BashScriptHost'",
            "SYS INFO|Status changed to Running",
            "INFO|awake",
        ),
        headers=_FILE | {"content-type": "text/plain"},
    ),
]
_WRITE = [
    rest("new, with its folders", PUT, f"{AT}file/a/b/c.txt", 201, headers=_TAG, content=b"x", **_OWN),
    rest("the first file of a job", PUT, f"{AT}file/run.sh", 201, headers=_TAG, content=b"x", after=_OWN["after"]),
    rest("any tag", PUT, f"{AT}file/run.sh", 204, headers=_TAG, content=b"x", send={"If-Match": "*"}, **_OWN),
    rest(
        "the right tag", PUT, f"{AT}file/run.sh", 204, headers=_TAG, content=b"x", send={"If-Match": "<etag>"}, **_FOUND
    ),
    rest("no tag", PUT, f"{AT}file/run.sh", 412, _NO_TAG, headers=_TAG, content=b"x", **_OWN),
    rest(
        "a wrong tag",
        PUT,
        f"{AT}file/run.sh",
        412,
        _STALE,
        headers=_TAG,
        content=b"x",
        send={"If-Match": '"x"'},
        **_OWN,
    ),
    rest("a new folder", PUT, f"{AT}file/new/", 201, **_OWN),
    rest(
        "a folder that is there",
        PUT,
        f"{AT}file/",
        409,
        message(f"'/home/{_JOBS}file/': The folder exists already."),
        **_OWN,
    ),
    rest("a folder's place", PUT, f"{AT}file", 409, message(f"'/home/{_JOBS}file': A folder is there."), **_OWN),
    rest("a log", PUT, "/api/vfs/data/jobs/triggered/ran/x.txt", 403, _READ_ONLY, content=b"x"),
    rest("elsewhere", PUT, "/api/vfs/site/wwwroot/index.html", 403, _READ_ONLY, content=b"x"),
    rest("the root", "PUT /api/vfs", "/api/vfs/", 403, _READ_ONLY),
    rest("the root", "DELETE /api/vfs", "/api/vfs/", 403, _READ_ONLY),
    rest("any tag", DELETE, f"{AT}file/run.sh", 200, send={"If-Match": "*"}, **_OWN),
    rest("the right tag", DELETE, f"{AT}file/run.sh", 200, send={"If-Match": "<etag>"}, **_FOUND),
    rest("no tag", DELETE, f"{AT}file/run.sh", 412, _NO_TAG, headers=_TAG, **_OWN),
    rest("a wrong tag", DELETE, f"{AT}file/run.sh", 412, _STALE, headers=_TAG, send={"If-Match": '"x"'}, **_OWN),
    rest("nothing", DELETE, f"{AT}file/none", 404, not_found(f"{_JOBS}file/none"), **_OWN),
    rest(
        "an empty folder",
        DELETE,
        f"{AT}file/new/",
        200,
        before=(*_OWN["before"], put(f"{AT}file/new/", b"")),
        after=_OWN["after"],
    ),
    rest(
        "a folder with files",
        DELETE,
        f"{AT}file/",
        409,
        message(f"'/home/{_JOBS}file/': The folder is not empty: delete it with ?recursive=true."),
        **_OWN,
    ),
    rest("with its files", DELETE, f"{AT}file/?recursive=true", 200, **_OWN),
    rest("a log", DELETE, "/api/vfs/data/jobs/triggered/ran/<newest>/status", 403, _READ_ONLY, send={"If-Match": "*"}),
]

ZIP_GET, ZIP_PUT, Z = "GET /api/zip/{path}", "PUT /api/zip/{path}", f"/api/zip/{_JOBS}"
_NEW = zip_of({"added.txt": "new"})
_NO_ZIP = message("The upload is not a readable zip: File is not a zip file")
_NO_URL = message("packageUri: zips are not fetched from x: it is not in apiserver.packageUri.allow of the chart.")
_JSON = {"Content-Type": "application/json"}


def _zip(name: str) -> dict[str, str]:
    return {"content-type": "application/zip", "content-disposition": f'attachment; filename="{name}"'}


_ZIPS = [
    rest("the root", "GET /api/zip", "/api/zip/", 200, "<anything>", headers=_zip("home.zip")),
    rest("a job", ZIP_GET, f"{Z}fresh/", 200, '{"run.sh":"echo hello\\n"}', headers=_zip("fresh.zip")),
    rest(
        "its own name", ZIP_GET, f"{Z}fresh/?fileName=a.zip", 200, '{"run.sh":"echo hello\\n"}', headers=_zip("a.zip")
    ),
    rest("a file", ZIP_GET, f"{Z}fresh/run.sh", 404, not_found(f"{_JOBS}fresh/run.sh")),
    rest("nothing", ZIP_GET, f"{Z}none/", 404, not_found(f"{_JOBS}none/")),
    rest("over it", ZIP_PUT, f"{Z}file/", 200, content=_NEW, **_OWN),
    rest("any type", ZIP_PUT, f"{Z}file/", 200, content=_NEW, send={"Content-Type": "text/plain"}, **_OWN),
    rest("there, without a slash", ZIP_PUT, f"{Z}file", 200, content=_NEW, **_OWN),
    rest("not there, without a slash", ZIP_PUT, f"{Z}none", 404, not_found(f"{_JOBS}none"), content=_NEW),
    rest(
        "nothing is deleted",
        ZIP_GET,
        f"{Z}file/",
        200,
        '{"added.txt":"new","run.sh":"echo hello\\n"}',
        headers=_zip("file.zip"),
        before=(*_OWN["before"], put(f"{Z}file/", _NEW)),
        after=_OWN["after"],
    ),
    rest("no zip", ZIP_PUT, f"{Z}file/", 400, _NO_ZIP, content=b"x", **_OWN),
    rest("an address", ZIP_PUT, f"{Z}file/", 400, _NO_URL, content=b'{"packageUri":"http://x/"}', send=_JSON, **_OWN),
    rest("logs", ZIP_PUT, "/api/zip/data/jobs/", 403, message("Logs can't be written."), content=_NEW),
    rest("the root", "PUT /api/zip", "/api/zip/", 200, content=_NEW, headers={"x-webjobs-ignored-files": "1"}),
    rest("no zip", "PUT /api/zip", "/api/zip/", 400, _NO_ZIP, content=b"x"),
]
READ = [*_READ, *_LOGS]
ROWS = [*READ, *_WRITE, *_ZIPS]
