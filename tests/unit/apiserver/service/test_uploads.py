"""Uploads: what becomes of them, what is refused, and that a refusal changes nothing."""

from __future__ import annotations

import io
import stat
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import AsyncIterator, Callable
from copy import deepcopy
from typing import Any

import httpx
import pytest

from tests.fakes.kube import Call
from tests.fakes.objects import webjob_body
from tests.fakes.shim import ZIP, Shim, script, shim, zipped
from webjobs.store import packages
from webjobs_apiserver.config import LimitsConfig
from webjobs_apiserver.http.disposition import file_name
from webjobs_kube.errors import ApiError

PATH = "/api/triggeredwebjobs/job"


@pytest.fixture
def one() -> Any:
    with shim(limits=LimitsConfig(upload_bytes=2**20, unpacked_bytes=2**22, files=50, settings_bytes=2000)) as made:
        yield made


def _spec(one: Shim) -> dict[str, Any]:
    (stored,) = one.kube.of_kind("WebJob")
    spec: dict[str, Any] = stored["spec"]
    return spec


async def test_a_zip_with_everything(one: Shim, client: httpx.AsyncClient) -> None:
    files = {"in/run.py": "print()", "in/Settings.job": '{"schedule":"0 0 * * * *","x":[1]}', "in/lib/a.py": "a"}
    put = await client.put(PATH, content=zipped(files), headers=ZIP)
    assert put.json()["settings"] == {"schedule": "0 0 * * * *", "x": [1]}
    assert put.json()["run_command"] == "in/run.py"
    spec = _spec(one)
    digest = spec["package"]["digest"]
    assert spec == {
        "type": "triggered",
        "package": {"digest": digest, "entrypoint": "in/run.py", "size": 42, "files": 3},
        "settings": {"schedule": "0 0 * * * *", "x": [1]},
    }
    manifest = packages.read_manifest(one.store, namespace="site", digest=digest)
    stored = packages.read_file(one.store, namespace="site", file=manifest.files["in/run.py"])
    assert stored == b"print()"


async def test_a_second_upload_replaces_files_settings_and_stop_only(one: Shim, client: httpx.AsyncClient) -> None:
    kept = {"image": "own:1", "env": [{"name": "A", "value": "b"}], "replicas": 3}
    given = kept | {"type": "continuous", "stopped": True, "settings": {"is_singleton": True, "old": {"deep": 1}}}
    one.kube.add(webjob_body(given, name="job"))
    await client.put("/api/continuouswebjobs/job", content=b"x", headers=script("go.sh"))
    spec = _spec(one)
    assert spec == kept | {"type": "continuous", "settings": {}, "package": spec["package"]}
    files = {"run.sh": "", "disable.job": "", "settings.job": '{"new":null}'}
    await client.put("/api/continuouswebjobs/job", content=zipped(files), headers=ZIP)
    spec = _spec(one)
    assert spec == kept | {
        "type": "continuous",
        "settings": {"new": None},
        "stopped": True,
        "package": spec["package"],
    }


async def test_disable_job_means_nothing_to_triggered_jobs(one: Shim, client: httpx.AsyncClient) -> None:
    await client.put(PATH, content=zipped({"run.sh": "", "disable.job": ""}), headers=ZIP)
    assert "stopped" not in _spec(one)


@pytest.mark.parametrize("content", ["nonsense", "[]", '{"a":1e999}'])
async def test_settings_files_that_can_not_be_read_count_as_empty(
    one: Shim, client: httpx.AsyncClient, content: str
) -> None:
    """The upload is good, as with Kudu; what is lost is said in the WebJob, until settings are put or mended."""
    put = await client.put(PATH, content=zipped({"run.sh": "", "settings.job": content}), headers=ZIP)
    assert put.json()["settings"] == {}
    assert _spec(one)["package"]["settingsError"].startswith("settings.job ")
    await client.put("/api/vfs/site/wwwroot/App_Data/jobs/triggered/job/more.txt", content=b"x")
    assert _spec(one)["package"]["settingsError"].startswith("settings.job ")
    await client.put(PATH, content=zipped({"run.sh": "", "settings.job": "{}"}), headers=ZIP)
    assert "settingsError" not in _spec(one)["package"]


@pytest.mark.parametrize("settings", ["{}", "null", '{"a":1}'])
async def test_settings_that_are_put_clear_what_the_file_said(
    one: Shim, client: httpx.AsyncClient, settings: str
) -> None:
    await client.put(PATH, content=zipped({"run.sh": "", "settings.job": "{bad"}), headers=ZIP)
    file = "/api/vfs/site/wwwroot/App_Data/jobs/triggered/job/settings.job"
    assert (await client.get(file)).text == "{bad"
    headers = {"Content-Type": "application/json"}
    assert (await client.put(f"{PATH}/settings", content=settings, headers=headers)).status_code == 200
    assert "settingsError" not in _spec(one)["package"]
    assert (await client.get(file)).text == ('{"a":1}' if "a" in settings else "{}")


async def test_a_zip_of_a_site_takes_all_jobs_as_an_upload_does(one: Shim, client: httpx.AsyncClient) -> None:
    root = "App_Data/jobs/triggered"
    files = {f"{root}/{name}/run.sh": "" for name in "abc"} | {f"{root}/b/settings.job": "{bad"}
    assert (await client.put("/api/zip/site/wwwroot/", content=zipped(files), headers=ZIP)).status_code == 200
    specs = {key[2]: body["spec"] for key, body in one.kube.objects.items() if key[0] == "WebJob"}
    assert sorted(specs) == ["a", "b", "c"]
    assert {name: "settingsError" in spec["package"] for name, spec in specs.items()} == {
        "a": False,
        "b": True,
        "c": False,
    }


async def test_a_mark_alone_is_an_empty_settings_file(one: Shim, client: httpx.AsyncClient) -> None:
    put = await client.put(PATH, content=zipped({"run.sh": "", "settings.job": "\ufeff"}), headers=ZIP)
    assert put.json()["settings"] == {}
    assert "settingsError" not in _spec(one)["package"]


@pytest.mark.parametrize("content_type", ["Application/ZIP", "application/zip; charset=x"])
async def test_zip_media_types(client: httpx.AsyncClient, content_type: str) -> None:
    put = await client.put(PATH, content=zipped({"run.sh": ""}), headers=ZIP | {"Content-Type": content_type})
    assert put.status_code == 200


async def test_any_other_media_type_is_one_script(client: httpx.AsyncClient) -> None:
    headers = ZIP | {"Content-Type": "application/x-zip-compressed"}
    put = await client.put(PATH, content=zipped({"run.sh": ""}), headers=headers)
    assert (put.status_code, put.text) == (400, "No runnable script file was found.")


def _links() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("run.sh")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    return out.getvalue()


def _lying_link() -> bytes:
    """A link of 64 MiB whose entry says that it has five bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("run.sh", "x")
        link = zipfile.ZipInfo("l")
        link.external_attr, link.compress_type = (stat.S_IFLNK | 0o777) << 16, zipfile.ZIP_DEFLATED
        archive.writestr(link, b"a" * 2**26)
    content = bytearray(out.getvalue())
    at = content.rfind(b"PK\x01\x02")
    struct.pack_into("<I", content, at + 16, zlib.crc32(b"aaaaa"))
    struct.pack_into("<I", content, at + 24, 5)
    return bytes(content)


async def test_what_a_zip_says_of_a_links_size_is_not_believed(client: httpx.AsyncClient) -> None:
    content = _lying_link()
    tracemalloc.start()
    try:
        assert (await client.put(PATH, content=content, headers=ZIP)).status_code == 400
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 2**24


def _encrypted() -> bytes:
    content = bytearray(zipped({"run.sh": "x"}))
    content[6] |= 1  # the flag, in the local header and in the directory
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def _corrupt(compression: int) -> Callable[[], bytes]:
    def make() -> bytes:
        content = bytearray(zipped({"run.sh": "echo " * 100}, compression=compression))
        content[40:46] = b"\xff" * 6
        return bytes(content)

    return make


def _twice() -> bytes:
    return zipped({"run.sh": "1", "rum.sh": "2"}).replace(b"rum.sh", b"run.sh")


@pytest.mark.parametrize("content", [_twice(), zipped({"run.sh": "1", "./run.sh": "2"})])
async def test_of_two_entries_with_one_path_the_later_counts(
    one: Shim, client: httpx.AsyncClient, content: bytes
) -> None:
    assert (await client.put(PATH, content=content, headers=ZIP)).status_code == 200
    assert (await client.get("/api/vfs/site/wwwroot/App_Data/jobs/triggered/job/run.sh")).text == "2"


async def test_a_zip_as_windows_tools_make_it(one: Shim, client: httpx.AsyncClient) -> None:
    """Folders end with a backslash, and nothing can be executed."""
    content = zipped({"lib\\": "", "lib\\part.sh": "x", "run.sh": ""})
    assert (await client.put(PATH, content=content, headers=ZIP)).status_code == 200
    manifest = packages.read_manifest(one.store, namespace="site", digest=_spec(one)["package"]["digest"])
    assert {path: file.mode for path, file in manifest.files.items()} == {"lib/part.sh": 0o755, "run.sh": 0o755}


async def test_a_zip_with_links(one: Shim, client: httpx.AsyncClient) -> None:
    """As npm and venv make them: a command beside its package, and lib64 for lib."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, target in {"node_modules/.bin/tool": "../tool/cli.js", "lib64": "lib"}.items():
            link = zipfile.ZipInfo(path)
            link.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(link, target)
        for path in ("run.sh", "node_modules/tool/cli.js", "lib/a.py"):
            archive.writestr(path, path)
    assert (await client.put(PATH, content=out.getvalue(), headers=ZIP)).status_code == 200
    base = "/api/vfs/site/wwwroot/App_Data/jobs/triggered/job"
    assert (await client.get(f"{base}/node_modules/.bin/tool")).text == "node_modules/tool/cli.js"
    assert (await client.get(f"{base}/lib64/a.py")).text == "lib/a.py"


ATTACKS: dict[str, tuple[Callable[[], bytes], int, str]] = {
    "dot dot": (lambda: zipped({"../run.sh": ""}), 400, "outside of its folder: '../run.sh'"),
    "inner dot dot": (lambda: zipped({"a/../../run.sh": ""}), 400, "outside of its folder"),
    "absolute": (lambda: zipped({"/run.sh": ""}), 400, "absolute path: '/run.sh'"),
    "drive": (lambda: zipped({"C:/run.sh": ""}), 400, "absolute path"),
    "backslashes": (lambda: zipped({"..\\run.sh": ""}), 400, "outside of its folder"),
    "control": (lambda: zipped({"run\n.sh": ""}), 400, "control character"),
    "long name": (lambda: zipped({"a" * 300 + ".sh": ""}), 400, "too long name"),
    "link": (_links, 400, "symbolic link 'run.sh' leads out"),
    "encrypted": (_encrypted, 400, "encrypted"),
    "corrupt": (_corrupt(zipfile.ZIP_DEFLATED), 400, "not a readable zip"),
    "corrupt bzip2": (_corrupt(zipfile.ZIP_BZIP2), 400, "not a readable zip"),
    "corrupt lzma": (_corrupt(zipfile.ZIP_LZMA), 400, "not a readable zip"),
    "wrong checksum": (lambda: zipped({"run.sh": "abc"}, compression=0).replace(b"abc", b"abd"), 400, "not a readable"),
    "file and folder": (lambda: zipped({"run.sh": "", "run.sh/x": ""}), 400, "a file and a folder with one name"),
    "folder and file": (lambda: zipped({"run.sh\\": "", "run.sh": ""}), 400, "a file and a folder with one name"),
    "bomb": (lambda: zipped({"run.sh": "", "a": b"\0" * 2**23}), 400, "more than 4194304 bytes"),
    "too many": (lambda: zipped({f"{at}.sh": "" for at in range(51)}), 400, "at most 50"),
    "far too many": (lambda: zipped({f"{at:0200}.sh": "" for at in range(800)}), 400, "more than 50 entries"),
    "no zip": (lambda: b"hello", 400, "not a readable zip"),
    "nothing": (lambda: b"", 400, "not a readable zip"),
    "cut": (lambda: zipped({"run.sh": "x" * 1000})[:-30], 400, "not a readable zip"),
    "empty": (lambda: zipped({}), 400, "No runnable script file was found."),
    "folders only": (lambda: zipped({"a/": "", "a/b/": ""}), 400, "No runnable script file was found."),
    "no script": (lambda: zipped({"readme.md": ""}), 400, "No runnable script file was found."),
    "script too deep": (lambda: zipped({"a/run.sh": "", "b.txt": ""}), 400, "No runnable script file was found."),
    "large settings": (lambda: zipped({"run.sh": "", "settings.job": "x" * 2001}), 400, "settings.job has more than"),
    "too large": (
        lambda: b"x" * (2**20 + 1),
        413,
        "The upload has more than 1048576 bytes (apiserver.limits.uploadBytes of the chart).",
    ),
}


@pytest.mark.parametrize(
    ("attack", "chunked"), [*((attack, False) for attack in ATTACKS), ("too large", True), ("no script", True)]
)
async def test_a_refused_upload_changes_nothing(
    one: Shim, client: httpx.AsyncClient, attack: str, chunked: bool
) -> None:
    one.kube.add(webjob_body({"settings": {"a": 1}}, name="job"))
    before = deepcopy(one.kube.objects)
    make, status, text = ATTACKS[attack]

    async def pieces() -> AsyncIterator[bytes]:
        content = make()
        for at in range(0, len(content), 70_000):
            yield content[at : at + 70_000]

    put = await client.put(PATH, content=pieces() if chunked else make(), headers=ZIP)
    assert put.status_code == status
    assert text in put.text
    assert put.headers["content-type"] == "text/plain; charset=utf-8"
    assert one.kube.objects == before
    assert not one.kube.writes


async def test_the_api_server_refuses(one: Shim, client: httpx.AsyncClient) -> None:
    one.kube.add(webjob_body({"script": None, "image": "tool:1", "command": ["tool"]}, name="job"))
    before = deepcopy(one.kube.objects)
    put = await client.put(PATH, content=b"", headers=script())
    assert put.status_code == 400
    assert "command has no meaning with a script or package" in put.text
    assert one.kube.objects == before


async def test_the_store_fails(one: Shim, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any, **more: Any) -> None:
        raise OSError("no space left on device: /secret/path")

    monkeypatch.setattr(packages, "commit", broken)
    put = await client.put(PATH, content=b"", headers=script())
    assert put.status_code == 503
    assert "/secret" not in put.text
    assert not one.kube.writes


async def test_two_first_uploads_at_once_make_one_job(one: Shim, client: httpx.AsyncClient) -> None:
    async def other(call: Call) -> None:
        if call.verb == "create" and not one.kube.of_kind("WebJob"):
            one.kube.add(webjob_body(name="job"))

    one.kube.before_call = other
    assert (await client.put(PATH, content=b"", headers=script("go.py"))).status_code == 200
    assert _spec(one)["package"]["entrypoint"] == "go.py"


async def test_a_name_that_another_job_has(one: Shim, client: httpx.AsyncClient) -> None:
    one.kube.add(webjob_body({"jobName": "Other"}, name="job"))
    assert (await client.put(PATH, content=b"", headers=script())).status_code == 200
    assert [found["name"] for found in (await client.get("/api/triggeredwebjobs")).json()] == ["job", "Other"]


async def test_forbidden_create(one: Shim, client: httpx.AsyncClient) -> None:
    one.kube.fail(ApiError(403, "Forbidden", "no"), verb="create")
    assert (await client.put(PATH, content=b"", headers=script())).status_code == 503


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("", None),
        ("attachment", None),
        ("attachment; filename=run.cmd", "run.cmd"),
        ("attachement; filename=run.cmd", "run.cmd"),
        ("attachment;FileName = run.cmd ; x=y", "run.cmd"),
        ('attachment; filename="run me.cmd"', "run me.cmd"),
        ("attachment; filename=run me.cmd", None),
        ("attachment; filename*=UTF-8''run.cmd", None),
        ("attachment; filename*=UTF-8''a.cmd; filename=b.cmd", "b.cmd"),
        (r'attachment; filename="C:\jobs\run.cmd"', "run.cmd"),
        ('attachment; filename="../run.cmd"', "run.cmd"),
        ('attachment; filename=".."', None),
        ('attachment; filename=""', None),
        ('attachment; filename="=?utf-8?B?w6DDqcOoLmNtZA==?="', "àéè.cmd"),
        ('attachment; filename="=?nonsense?B?w6DDqcOoLmNtZA==?="', "=?nonsense?B?w6DDqcOoLmNtZA==?="),
        ('attachment; filename="àéè.cmd"'.encode().decode("latin-1"), "àéè.cmd"),
        ('attachment; filename="open.cmd', None),
        ("; filename=run.cmd", None),
        ("a" + ";   " * 5000 + '"', None),
        ("a" + "; x = y   " * 2000 + '"', None),
    ],
)
def test_file_name_of_a_content_disposition(header: str | None, expected: str | None) -> None:
    assert file_name(header) == expected
