"""The move of an installation from its volume to a bucket, as docs/store.md has it: nothing is lost on the way."""

from __future__ import annotations

import pytest

from tests import stack as stacks
from tests.bucket import Bucket, bucket_of
from tests.site import Site, eventually, zip_of

MANIFEST = stacks.REPO / "examples/store/migrate.yaml"
JOB = "job/webjobs-store-migrate"
PROCESSES = ("deploy/webjobs-operator", "deploy/webjobs-apiserver")


def migrate(site: Site, url: str) -> str:
    """Run the example's Job to its end; return its log."""
    site.kubectl("delete", JOB, "--ignore-not-found", namespace=stacks.SYSTEM)
    text = MANIFEST.read_text().replace("IMAGE", site.stack.image).replace("TO]", f'"{url}"]')
    site.kubectl("apply", "-f", "-", stdin=text, namespace=stacks.SYSTEM)
    site.kubectl("wait", JOB, "--for=condition=complete", "--timeout=120s", namespace=stacks.SYSTEM)
    return site.kubectl("logs", JOB, namespace=stacks.SYSTEM)


@pytest.fixture
def clean(site: Site) -> None:
    site.kubectl("delete", "wj", "--all", "--wait")


def test_from_the_volume_to_a_bucket(site: Site, clean: None) -> None:
    site.upload("moved", zip_of({"run.sh": "echo from the volume\n", "more/data.txt": "x" * 700_000}))
    first = site.ended(site.run("moved").headers["Location"])
    log = site.log(first)
    second = ""

    def move(bucket: Bucket) -> None:
        nonlocal second
        # The Secret of the test's bucket has the name that the example names.
        assert " copied (" in migrate(site, bucket.server.url)
        second = site.run("moved").headers["Location"]
        site.ended(second)
        site.kubectl("scale", *PROCESSES, "--replicas=0", namespace=stacks.SYSTEM)
        selector = "app.kubernetes.io/component in (operator,apiserver)"
        site.kubectl("wait", "pod", "-l", selector, "--for=delete", "--timeout=120s", namespace=stacks.SYSTEM)
        assert " there already" in migrate(site, bucket.server.url)

    with bucket_of(site, before=move):
        site.kubectl("delete", JOB, namespace=stacks.SYSTEM)
        eventually(lambda: site.http.get("/api/webjobs").is_success, seconds=60, what="the site")
        assert site.log(first) == log
        assert "from the volume" in site.log(site.ended(second))
        data = site.http.get("/api/vfs/site/wwwroot/App_Data/jobs/triggered/moved/more/data.txt")
        assert data.text == "x" * 700_000
        third = site.ended(site.run("moved").headers["Location"])
        assert (third["status"], "from the volume" in site.log(third)) == ("Success", True)
