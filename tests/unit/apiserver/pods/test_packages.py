"""The package endpoint: for pods, each its own namespace."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import obstore
import pytest

from tests.fakes.kube import not_authorized
from tests.fakes.shim import PASSWORD, USER, ZIP, Shim, shim, zipped
from webjobs.store import packages
from webjobs.store.packages import Manifest
from webjobs_apiserver.pods.packages import SMALL_BYTES
from webjobs_pod import fetch

TOKEN = {"Authorization": "Bearer good"}


@pytest.fixture
def one() -> Any:
    with shim() as made:
        made.kube.tokens |= {
            "good": "system:serviceaccount:site:default",
            "other": "system:serviceaccount:other:default",
            "person": "alice",
            "odd": "system:serviceaccount:site",
        }
        yield made


@pytest.fixture
async def pod(one: Shim) -> AsyncIterator[httpx.AsyncClient]:
    async with one.client(auth=None) as made:
        yield made


@pytest.fixture
async def manifest(one: Shim) -> Manifest:
    async with one.client() as client:
        put = await client.put("/jobs/triggered/j", content=zipped({"run.sh": "a", "b/c": "b"}), headers=ZIP)
        assert put.status_code == 200
    digest = one.kube.of_kind("WebJob")[0]["spec"]["package"]["digest"]
    return packages.read_manifest(one.store, namespace="site", digest=digest)


async def test_manifest_and_blobs(one: Shim, pod: httpx.AsyncClient, manifest: Manifest) -> None:
    base = f"/internal/packages/site/{manifest.digest}"
    found = await pod.get(base, headers=TOKEN)
    assert (found.status_code, found.content) == (200, manifest.to_json())
    for path, content in (("run.sh", b"a"), ("b/c", b"b")):
        blob = await pod.get(f"{base}/blobs/{manifest.files[path].sha256}", headers=TOKEN)
        assert (blob.status_code, blob.content, blob.headers["content-length"]) == (200, content, "1")


def test_both_sides_agree_on_what_is_small() -> None:
    assert fetch._SMALL_BYTES == SMALL_BYTES


async def test_small_files_in_one_answer(one: Shim, pod: httpx.AsyncClient) -> None:
    files = {f"d{number % 5}/{number}": f"{number} " * (number % 4) for number in range(50)}
    large = {"large": "x" * (SMALL_BYTES + 1), "just": "y" * SMALL_BYTES}
    async with one.client() as client:
        await client.put("/jobs/triggered/j", content=zipped({"run.sh": "a"} | files | large), headers=ZIP)
    digest = one.kube.of_kind("WebJob")[0]["spec"]["package"]["digest"]
    url = f"/internal/packages/site/{digest}/small"
    found = await pod.get(url, headers=TOKEN)
    small = {"run.sh": "a", "just": large["just"]} | files
    expected = "".join(text for _, text in sorted(small.items())).encode()
    assert (found.status_code, found.content) == (200, expected)
    assert found.headers["content-length"] == str(len(expected))
    manifest = packages.read_manifest(one.store, namespace="site", digest=digest)
    obstore.delete(one.store, packages.blob_key(namespace="site", digest=manifest.files["d3/3"].sha256))
    with pytest.raises(RuntimeError, match="response already started"):  # the server breaks the connection off
        await pod.get(url, headers=TOKEN)
    other = f"/internal/packages/site/sha256:{'0' * 64}/small"
    assert (await pod.get(other, headers=TOKEN)).status_code == 404


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("", 401),
        ("Bearer", 401),
        ("Bearer ", 401),
        ("Bearer unknown", 401),
        ("Bearer person", 401),
        ("Bearer odd", 401),
        ("Bearer other", 403),
        ("Basic good", 401),
    ],
)
@pytest.mark.parametrize("there", [True, False])
async def test_refusals_tell_nothing(
    pod: httpx.AsyncClient, manifest: Manifest, header: str, status: int, there: bool
) -> None:
    digest = manifest.digest if there else "sha256:" + "0" * 64
    base = f"/internal/packages/site/{digest}"
    blob = f"{base}/blobs/{manifest.files['run.sh'].sha256}"
    for path in (base, blob, base + "/small", base + "/x", "/internal/packages/site/x"):
        answer = await pod.get(path, headers={"Authorization": header} if header else {})
        assert (answer.status_code, answer.content) == (status, b""), path
        assert answer.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)


async def test_basic_credentials_do_not_count(one: Shim, manifest: Manifest) -> None:
    async with one.client(auth=(USER, PASSWORD)) as client:
        assert (await client.get(f"/internal/packages/site/{manifest.digest}")).status_code == 401


async def test_tokens_do_not_count_elsewhere(pod: httpx.AsyncClient) -> None:
    for path in ("/api/webjobs", "/internal/packages", "/internal/packagesx/site", "/internal/other"):
        assert (await pod.get(path, headers=TOKEN)).headers["www-authenticate"] == 'Basic realm="site"'


async def test_what_is_not_there(one: Shim, pod: httpx.AsyncClient, manifest: Manifest) -> None:
    obstore.put(one.store, f"site/blobs/{'1' * 64}", b"of another package")
    for path in (
        "sha256:" + "0" * 64,
        "x",
        "%2E%2E",
        f"{manifest.digest}/blobs/{'1' * 64}",
        f"{manifest.digest}/blobs/x",
        f"{manifest.digest}/other",
        "",
    ):
        assert (await pod.get(f"/internal/packages/site/{path}", headers=TOKEN)).status_code == 404, path
    assert (await pod.post(f"/internal/packages/site/{manifest.digest}", headers=TOKEN)).status_code == 404


async def test_a_blob_that_was_lost(one: Shim, pod: httpx.AsyncClient, manifest: Manifest) -> None:
    blob = manifest.files["run.sh"].sha256
    obstore.delete(one.store, f"site/blobs/{blob}")
    path = f"/internal/packages/site/{manifest.digest}/blobs/{blob}"
    assert (await pod.get(path, headers=TOKEN)).status_code == 404


async def test_reviews_are_remembered_for_seconds(one: Shim, pod: httpx.AsyncClient, manifest: Manifest) -> None:
    def reviews() -> int:
        return sum(call.kind == "TokenReview" for call in one.kube.calls)

    path = f"/internal/packages/site/{manifest.digest}"
    for _ in range(3):
        assert (await pod.get(path, headers=TOKEN)).status_code == 200
    assert reviews() == 1
    del one.kube.tokens["good"]
    one.pass_time(seconds=11)
    assert (await pod.get(path, headers=TOKEN)).status_code == 401
    assert (await pod.get(path, headers=TOKEN)).status_code == 401
    assert reviews() == 3  # bad news is not remembered


async def test_reviews_that_fail(one: Shim, pod: httpx.AsyncClient, manifest: Manifest) -> None:
    one.kube.fail(not_authorized(), kind="TokenReview")
    assert (await pod.get(f"/internal/packages/site/{manifest.digest}", headers=TOKEN)).status_code == 503


async def test_false_tokens_are_bad_tries_and_hold_up_no_pod(
    one: Shim, pod: httpx.AsyncClient, manifest: Manifest
) -> None:
    path = f"/internal/packages/site/{manifest.digest}"
    assert (await pod.get(path, headers=TOKEN)).status_code == 200
    one.kube.calls.clear()
    answers = [await pod.get(path, headers={"Authorization": f"Bearer f{number}"}) for number in range(50)]
    assert [answer.status_code for answer in answers] == [401] * 25 + [429] * 25
    assert answers[-1].headers["retry-after"] == "3"
    assert len(one.kube.calls) == 25, "the API server is not flooded through the shim"
    one.pass_time(seconds=1)
    one.kube.tokens["new"] = one.kube.tokens["good"]
    async with one.client(auth=None, address="7.7.7.7") as other, one.client() as person:
        assert (await other.get(path, headers={"Authorization": "Bearer new"})).status_code == 200
        assert (await person.get("/api/webjobs")).status_code == 200, "each kind is counted alone"
    one.pass_time(minutes=1)
    assert (await pod.get(path, headers=TOKEN)).status_code == 200
