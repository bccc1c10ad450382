"""A site of thirty mixed jobs goes from a folder into a shim, from there into another site, and nowhere twice."""

from __future__ import annotations

import difflib
import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests import appservice
from tests import stack as stacks
from tests.cli import Cli, Said
from tests.forward import forwarded
from tests.site import Site, eventually, zip_of

SECOND = "second"
ACCOUNT = {"username": "owner", "password": "owns"}


@dataclass(frozen=True, kw_only=True)
class Sites:
    """The default site, and a second one that a host name of its own leads to."""

    first: Site
    second: httpx.Client
    cli: Cli
    """Its source is the first site, its target the second."""
    wwwroot: Path

    def to_first(self, *arguments: str) -> Said:
        return Cli.of(self.first.stack).inside("import", *arguments)

    def versions(self) -> dict[str, str]:
        """Of all that an import could write."""
        found = {}
        for namespace in (stacks.SITE, SECOND):
            raw = stacks.kubectl(self.first.stack.kubeconfig, "get", "wj,cm", "-n", namespace, "-o", "json")
            for one in json.loads(raw)["items"]:
                meta = one["metadata"]
                found[f"{namespace}/{one['kind']}/{meta['name']}"] = meta["resourceVersion"]
        return found

    def bodies(self, client: httpx.Client) -> str:
        """``/api/webjobs`` without host names, and without the names of the instances, which are hosts, too."""
        body = client.get("/api/webjobs").json()
        text = json.dumps(body, indent=1, ensure_ascii=False, sort_keys=True)
        text = text.replace(str(client.base_url).rstrip("/"), "https://S")
        return re.sub(r"\b[0-9a-f]{6} - ", "INSTANCE - ", text)


def clear(stack: stacks.Stack, namespace: str) -> None:
    """Deletes all WebJobs in one request; one by one, kubectl takes its time."""
    path = f"/apis/webjobs.dev/v1/namespaces/{namespace}/webjobs"
    stacks.kubectl(stack.kubeconfig, "delete", "--raw", path)


@pytest.fixture(scope="module")
def sites(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    stack = site.stack
    meta = {"name": "webjobs-credentials", "namespace": SECOND}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": ACCOUNT}
    stacks.apply(stack.kubeconfig, stacks.namespace(SECOND), secret)
    stacks.upgrade(stack, {"sites": [{"namespace": SECOND, "host": "localhost"}]})
    for namespace in (stacks.SITE, SECOND):
        clear(stack, namespace)
    with forwarded(stack.url) as port:
        url = f"http://localhost:{port}"
        cli = Cli(
            environment={
                "WEBJOBS_SOURCE_USER": stack.user,
                "WEBJOBS_SOURCE_PASSWORD": stack.password,
                "WEBJOBS_URL": url,
                "WEBJOBS_USER": ACCOUNT["username"],
                "WEBJOBS_PASSWORD": ACCOUNT["password"],
            }
        )
        auth = (ACCOUNT["username"], ACCOUNT["password"])
        wwwroot = appservice.wwwroot(tmp_path_factory.mktemp("app") / "wwwroot")
        with httpx.Client(base_url=url, auth=auth, timeout=30) as second:
            yield Sites(first=site, second=second, cli=cli, wwwroot=wwwroot)
    clear(stack, stacks.SITE)
    site.empty_secrets()
    stacks.upgrade(stack, {"sites": []})
    stacks.kubectl(stack.kubeconfig, "delete", "namespace", SECOND, "--wait=false")


def results(said: Said) -> dict[str, Any]:
    """What is told of each job."""
    return {f"{one['type']}/{one['name']}": one for one in said.body["jobs"]}


def test_a_folder_into_a_site(sites: Sites) -> None:
    before = sites.versions()
    planned = sites.to_first(str(sites.wwwroot), "--dry-run", "-o", "json").well()
    assert {one["action"] for one in planned.body["jobs"]} == {"create"}
    assert sites.versions() == before

    said = Cli.of(sites.first.stack)("import", str(sites.wwwroot), "-o", "json").well()
    known = results(said)
    assert len(known) == appservice.JOBS == 31
    fit = {one["name"]: one["verdict"] for one in known.values() if one["verdict"] != "fine"}
    assert fit == appservice.FIT
    assert f"{appservice.JOBS} created" in said.err

    listed = {(one["type"], one["name"]): one for one in sites.first.http.get("/api/webjobs").json()}
    assert len(listed) == appservice.JOBS
    assert listed["triggered", "nightly"]["settings"] == {"schedule": "0 0 3 1 1 *"}
    assert listed["triggered", "nested"]["run_command"] == "inner/run.sh"
    assert listed["continuous", "single at rest"]["settings"] == {"is_singleton": True, "stopping_wait_time": 7}
    stopped = {
        raw["spec"].get("jobName") or raw["metadata"]["name"]
        for raw in sites.first.objects("wj")
        if raw["spec"].get("stopped")
    }
    assert stopped == {"shared name", "at-rest", "single at rest", "Ünï wörker"}


def test_a_site_into_another(sites: Sites) -> None:
    sites.first.http.post("/api/settings", json={"WEBJOBS_HISTORY_SIZE": "7", "SECRET": "mine"})
    said = sites.cli("import", "--from-url", sites.first.stack.url, "--settings", "-o", "json").well()
    assert len(results(said)) == appservice.JOBS
    assert said.body["settings"] == ["WEBJOBS_HISTORY_SIZE"]
    assert sites.second.get("/api/settings").json() == {"WEBJOBS_HISTORY_SIZE": "7"}

    def difference() -> list[str]:
        one, other = sites.bodies(sites.first.http), sites.bodies(sites.second)
        return list(difflib.unified_diff(one.splitlines(), other.splitlines(), lineterm="", n=0))

    def same() -> bool:
        running = sites.bodies(sites.second).count('"status": "Running"')
        return running == 2 and not difference()

    try:
        eventually(same, what="two sites that are the same")
    except AssertionError:
        assert difference() == []
        raise


def test_again_nothing_is_done(sites: Sites) -> None:
    before = sites.versions()
    said = sites.cli("import", "--from-url", sites.first.stack.url, "--settings").well()
    assert "31 jobs: nothing to do." in said.err
    assert "nothing to do" in sites.to_first(str(sites.wwwroot)).well().err
    assert sites.versions() == before


def test_what_changed_is_carried_over_and_what_fails_is_named(sites: Sites, tmp_path: Path) -> None:
    jobs = tmp_path / "App_Data" / "jobs"
    appservice.write(jobs / "triggered" / "hello", {"run.sh": "echo changed\n"})
    appservice.write(jobs / "continuous" / "worker", dict(appservice.CONTINUOUS["worker"]) | {"disable.job": ""})
    appservice.write(jobs / "triggered" / "no:name", {"run.sh": "true\n"})
    said = sites.to_first(str(tmp_path), "-o", "json")
    known = results(said)
    assert said.code == 1
    assert known["triggered/hello"]["changes"] == ["files"]
    assert known["continuous/worker"]["changes"] == ["stopped"]
    assert "must not contain" in known["triggered/no:name"]["error"]
    assert "refused: triggered/no:name" in said.err
    assert sites.first.object("wj", "worker")["spec"]["stopped"] is True

    def is_at_rest() -> bool:
        package = "webjobs.dev/webjob in (hello,worker)"
        packages = stacks.kubectl(
            sites.first.stack.kubeconfig, "get", "cm", "-n", stacks.SITE, "-l", package, "-o", "name"
        )
        return len(packages.split()) <= 2 and sites.first.object("wj", "worker")["status"].get("state") == "Stopped"

    eventually(is_at_rest, what="an operator that is done")


def test_manifests_name_the_packages_that_an_upload_makes(sites: Sites, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ("import", str(sites.wwwroot), "--to-folder", str(out))
    said = sites.cli(*arguments).well()
    assert f"kubectl apply -f {out}/manifests" in said.err
    written = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    assert "nothing to do" in sites.cli.inside(*arguments).well().err
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()} == written
    manifest = yaml.safe_load((out / "manifests" / "with-files.yaml").read_text())
    assert manifest["spec"]["package"] == sites.first.object("wj", "with-files")["spec"]["package"]
    fresh = ["-n", "default", "-f", str(out / "manifests")]
    stacks.kubectl(sites.first.stack.kubeconfig, "apply", "--dry-run=server", *fresh)


def test_bad_sources(sites: Sites, tmp_path: Path) -> None:
    before = sites.versions()
    (tmp_path / "link" / "triggered" / "x").mkdir(parents=True)
    (tmp_path / "link" / "triggered" / "x" / "run.sh").symlink_to("/etc/passwd")
    (tmp_path / "empty").mkdir()
    (tmp_path / "bomb.zip").write_bytes(zip_of({"triggered/x/run.sh": "true", "triggered/x/zeros": bytes(64 * 2**20)}))
    (tmp_path / "climbs.zip").write_bytes(_climbing())
    (tmp_path / "no.zip").write_bytes(b"PK no")
    url = sites.first.stack.url
    cases: list[tuple[tuple[str, ...], int, str]] = [
        ((str(tmp_path / "link"),), 1, "symbolic link"),
        ((str(tmp_path / "empty"),), 1, "no WebJobs are in it"),
        ((str(tmp_path / "bomb.zip"),), 1, "times its size"),
        ((str(tmp_path / "climbs.zip"),), 1, "outside of its folder"),
        ((str(tmp_path / "no.zip"),), 2, "neither a folder nor a zip"),
        ((str(tmp_path / "nothing"),), 2, "There is no"),
        ((), 2, "Give one source"),
        (("--from-url", url, "--from-password", "wrong"), 1, "does not accept the credentials"),
        (("--from-url", "http://localhost:1"), 1, "can't be reached"),
        ((str(sites.wwwroot), "--settings"), 2, "has no settings"),
        ((str(sites.wwwroot), "--job", "nope"), 2, "has no job 'nope'"),
    ]
    for arguments, code, message in cases:
        said = sites.cli.inside("import", *arguments)
        assert (said.code, message in said.err) == (code, True), (arguments, said)
        assert sites.first.stack.password not in said.err + said.out
    assert sites.versions() == before


def _climbing() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("triggered/x/../../../evil.sh", "true")
    return out.getvalue()
