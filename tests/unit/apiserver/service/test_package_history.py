"""The shim notes the package that an upload replaces, in the write of the upload itself."""

from __future__ import annotations

import httpx

from tests.fakes.shim import ZIP, Shim, script, zipped
from webjobs.files import package_history

PATH = "/api/triggeredwebjobs/job"
FILE = "/api/vfs/site/wwwroot/App_Data/jobs/triggered/job/run.sh"


async def test_uploads_and_single_files_note_what_they_replace(one: Shim, client: httpx.AsyncClient) -> None:
    await client.put(PATH, content=zipped({"run.sh": "one", "settings.job": '{"v":1}'}), headers=ZIP)
    (first,) = one.kube.of_kind("WebJob")
    assert package_history.of(first) == []
    one.kube.calls.clear()
    await client.put(PATH, content=b"two", headers=script())
    assert [call.verb for call in one.kube.writes] == ["replace"]
    (second,) = one.kube.of_kind("WebJob")
    (noted,) = package_history.of(second)
    assert (noted.package.to_wire(), noted.settings) == (first["spec"]["package"], {"v": 1})
    assert noted.replaced == "2026-01-01T12:00:00Z"

    one.pass_time(minutes=1)
    assert (await client.put(FILE, content=b"three", headers={"If-Match": "*"})).status_code == 204
    (third,) = one.kube.of_kind("WebJob")
    assert [found.package.digest for found in package_history.of(third)] == [
        second["spec"]["package"]["digest"],
        first["spec"]["package"]["digest"],
    ]


async def test_what_leaves_the_files_alone_notes_nothing(one: Shim, client: httpx.AsyncClient) -> None:
    await client.put(PATH, content=b"one", headers=script())
    await client.put(PATH, content=b"one", headers=script())
    await client.put(f"{PATH}/settings", json={"a": 1})
    (there,) = one.kube.of_kind("WebJob")
    assert package_history.ANNOTATION not in there["metadata"].get("annotations", {})
