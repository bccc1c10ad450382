"""Azure's own SDK, azure-mgmt-web, against real sites: every operation on WebJobs and its twin of a slot, sync and aio.

It is not changed in any way; only its base URL is ours (docs/rest.md#azure-resource-manager).
Its calls and what they accept are in docs/arm-contract.md, section 1.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.core.pipeline.policies import AzureKeyCredentialPolicy, HeadersPolicy
from azure.mgmt.web import WebSiteManagementClient, models
from azure.mgmt.web.aio import WebSiteManagementClient as AioClient

from tests import stack as stacks
from tests.site import Site, eventually

GROUP, SLOT = "any-group", "staging"
NAMESPACES = {"": stacks.SITE, SLOT: f"{stacks.SITE}-{SLOT}"}
"""By slot: a slot is a site of its own, and so a namespace."""
ACCOUNT = ("slot-owner", "sécret")
UNUSED: Any = object()
"""The SDK wants an account of Azure; a policy of authentication replaces it."""
CALLED: set[tuple[str, bool]] = set()
"""Operations that were called and did what they should, and whether by the aio client."""


@dataclass(kw_only=True)
class Sdk:
    """A client of a site or of a slot of it, sync or aio."""

    client: Any
    runner: asyncio.Runner | None = None
    """For the aio client."""
    slot: str = ""
    name: str = stacks.SITE

    def __call__(self, operation: str, *arguments: str, **options: Any) -> Any:
        """One call; of a list all its entries, over all its pages."""
        method = getattr(self.client.web_apps, f"{operation}_slot" if self.slot else operation)
        slot = [self.slot] if self.slot else []
        found = self._done(method(GROUP, self.name, *arguments, *slot, **options))
        CALLED.add((method.__name__, self.runner is not None))
        return found

    def _done(self, call: Any) -> Any:
        if self.runner is None:
            return list(call) if hasattr(call, "by_page") else call

        async def awaited() -> Any:
            return [one async for one in call] if hasattr(call, "by_page") else await call

        return self.runner.run(awaited())

    def close(self) -> None:
        """Ends its connections."""
        if self.runner is None:
            self.client.close()
            return
        self.runner.run(self.client.close())
        self.runner.close()


@pytest.fixture(scope="module")
def slots(site: Site) -> Iterator[Site]:
    """A site with a slot."""
    config = site.stack.kubeconfig
    namespace = NAMESPACES[SLOT]
    meta = {"name": "webjobs-credentials", "namespace": namespace}
    data = dict(zip(("username", "password"), ACCOUNT, strict=True))
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": data}
    stacks.apply(config, stacks.namespace(namespace), secret)
    stacks.upgrade(site.stack, {"sites": [{"namespace": namespace}], "domain": "scm.example.com"})
    yield site
    stacks.upgrade(site.stack, {"sites": [], "domain": ""})
    stacks.kubectl(config, "delete", "namespace", namespace)
    site.kubectl("delete", "serviceaccount/sdk", "role/sdk", "rolebinding/sdk", "--ignore-not-found")


def _basic(site: Site, slot: str) -> HeadersPolicy:
    user, password = ACCOUNT if slot else (site.stack.user, site.stack.password)
    return HeadersPolicy({"Authorization": basic_header(user, password)})


def basic_header(user: str, password: str) -> str:
    """A Basic header, in UTF-8."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _bearer(site: Site, slot: str) -> AzureKeyCredentialPolicy[Any, Any]:
    """A token of an account that may do with WebJobs what it wants, in that namespace."""
    namespace = NAMESPACES[slot]
    account = {"kind": "ServiceAccount", "name": "sdk", "namespace": namespace}
    rule = {"apiGroups": ["webjobs.dev"], "resources": ["webjobs", "webjobruns"], "verbs": ["*"]}
    meta, api = {"name": "sdk", "namespace": namespace}, "rbac.authorization.k8s.io/v1"
    stacks.apply(
        site.stack.kubeconfig,
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta},
        {"apiVersion": api, "kind": "Role", "metadata": meta, "rules": [rule]},
        {
            "apiVersion": api,
            "kind": "RoleBinding",
            "metadata": meta,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "sdk"},
            "subjects": [account],
        },
    )
    token = site.kubectl("create", "token", "sdk", namespace=namespace).strip()
    return AzureKeyCredentialPolicy(AzureKeyCredential(token), "Authorization", prefix="Bearer")


def _client(site: Site, *, aio: bool, policy: Any, slot: str = "", name: str = stacks.SITE) -> Sdk:
    options: Any = {"base_url": site.stack.url, "authentication_policy": policy, "retry_total": 0}
    if aio:
        return Sdk(client=AioClient(UNUSED, "0", **options), runner=asyncio.Runner(), slot=slot, name=name)
    return Sdk(client=WebSiteManagementClient(UNUSED, "0", **options), slot=slot, name=name)


CLIENTS = [(False, "", _basic), (True, "", _bearer), (False, SLOT, _bearer), (True, SLOT, _basic)]


@pytest.fixture(
    scope="module",
    params=CLIENTS,
    ids=lambda one: "-".join(["aio" if one[0] else "sync", one[1] or "site", one[2].__name__.strip("_")]),
)
def sdk(request: pytest.FixtureRequest, slots: Site) -> Iterator[Sdk]:
    aio, slot, policy = request.param
    site = slots
    made = _client(site, aio=aio, policy=policy(site, slot), slot=slot)
    namespace = NAMESPACES[slot]
    site.kubectl("delete", "wj", "--all", namespace=namespace)
    specs: dict[str, dict[str, Any]] = {
        "report": {"type": "triggered", "script": {"fileName": "run.sh", "text": 'sleep 2; echo "$@"\n'}},
        "worker": {"type": "continuous", "script": {"fileName": "run.sh", "text": "sleep 1000\n"}},
        "odd": {
            "type": "triggered",
            "jobName": "Café au lait",
            "script": {"fileName": "run.sh", "text": "echo\n"},
            "settings": {"schedule": "0 0 0 1 1 *"},
        },
    }
    for name, spec in specs.items():
        meta = {"name": name, "namespace": namespace}
        stacks.apply(
            site.stack.kubeconfig,
            {"apiVersion": "webjobs.dev/v1", "kind": "WebJob", "metadata": meta, "spec": spec},
        )
    eventually(lambda: len(made("list_web_jobs")) == 3, what="three jobs")
    yield made
    made.close()


def test_a_triggered_job(sdk: Sdk, slots: Site) -> None:
    whole = f"{stacks.SITE}/{sdk.slot}" if sdk.slot else stacks.SITE
    listed = {job.name: job for job in sdk("list_triggered_web_jobs")}
    assert set(listed) == {f"{whole}/report", f"{whole}/Café au lait"}
    job = sdk("get_triggered_web_job", "report")
    assert job == listed[f"{whole}/report"]
    below = f"/slots/{sdk.slot}" if sdk.slot else ""
    assert job.type == f"Microsoft.Web/sites{below and '/slots'}/triggeredwebjobs"
    assert job.id.endswith(f"/providers/Microsoft.Web/sites/{stacks.SITE}{below}/triggeredwebjobs/report")
    assert (job.run_command, job.web_job_type, job.settings) == ("run.sh", models.WebJobType.TRIGGERED, {})
    assert job.latest_run is None
    with pytest.raises(ResourceNotFoundError):  # as in Kudu: it never ran, and has no schedule
        sdk("list_triggered_web_job_history", "report")

    assert sdk("run_triggered_web_job", "report", params={"arguments": 'a "b c"'}) is None
    with pytest.raises(ResourceExistsError, match="Cannot start a new run since job is already running"):
        sdk("run_triggered_web_job", "report")

    def ended() -> Any:
        (entry,) = sdk("list_triggered_web_job_history", "report")
        return entry if entry.runs[0].status not in ("Initializing", "Running") else None

    entry = eventually(ended, what="the end of the run")
    (run,) = entry.runs
    assert (run.status, run.job_name) == (models.TriggeredWebJobStatus.SUCCESS, "report")
    assert entry.name == f"{whole}/report/{run.web_job_id}"
    assert run.web_job_name == run.web_job_id
    # The script sleeps for two seconds; Kubernetes tells a container's end in whole seconds, rounded down.
    assert (run.end_time - run.start_time).total_seconds() > 1
    assert run.trigger.startswith("External - azsdk-python-")
    one = sdk("get_triggered_web_job_history", "report", run.web_job_id)
    assert (one.name, one.runs[0].as_dict()) == (entry.name, run.as_dict())
    assert sdk("get_triggered_web_job", "report").latest_run.web_job_id == run.web_job_id
    (made,) = json.loads(slots.kubectl("get", "wjr", "-o", "json", namespace=NAMESPACES[sdk.slot]))["items"]
    assert made["spec"]["arguments"] == 'a "b c"'

    assert sdk("delete_triggered_web_job", "report") is None
    assert sdk("delete_triggered_web_job", "report") is None  # 204
    for call in ("get_triggered_web_job", "run_triggered_web_job", "get_web_job"):
        with pytest.raises(ResourceNotFoundError) as caught:
            sdk(call, "report")
        assert caught.value.error
        assert caught.value.error.code == "ResourceNotFound"


def test_names_with_blanks_and_accents(sdk: Sdk) -> None:
    job = sdk("get_triggered_web_job", "Café au lait")
    assert job.name.endswith("/Café au lait")
    assert job.settings == {"schedule": "0 0 0 1 1 *"}
    assert sdk("list_triggered_web_job_history", "Café au lait") == []
    with pytest.raises(ResourceNotFoundError):
        sdk("run_triggered_web_job", "Café/run")


def test_a_continuous_job(sdk: Sdk) -> None:
    (job,) = sdk("list_continuous_web_jobs")
    assert job.web_job_type == models.WebJobType.CONTINUOUS
    assert job.log_url.endswith("/vfs/data/jobs/continuous/worker/job_log.txt")

    def status() -> Any:
        return sdk("get_continuous_web_job", "worker").status

    eventually(lambda: status() == models.ContinuousWebJobStatus.RUNNING, seconds=60, what="a running job")
    assert sdk("stop_continuous_web_job", "worker") is None
    eventually(lambda: status() == models.ContinuousWebJobStatus.STOPPED, seconds=60, what="a stopped job")
    assert sdk("start_continuous_web_job", "worker") is None
    eventually(lambda: status() == models.ContinuousWebJobStatus.RUNNING, seconds=60, what="a running job")
    assert sdk("delete_continuous_web_job", "worker") is None
    assert sdk("delete_continuous_web_job", "worker") is None
    for call in ("get_continuous_web_job", "stop_continuous_web_job", "start_continuous_web_job"):
        with pytest.raises(ResourceNotFoundError):
            sdk(call, "worker")


def test_jobs_of_both_types(sdk: Sdk) -> None:
    jobs = sdk("list_web_jobs")
    assert [job.name.rpartition("/")[2] for job in jobs] == ["Café au lait"]  # the others were deleted above
    job = sdk("get_web_job", "Café au lait")
    assert (job.web_job_type, job.run_command) == (models.WebJobType.TRIGGERED, "run.sh")
    assert job.as_dict() == jobs[0].as_dict()


def test_every_operation_was_called() -> None:
    """All that the SDK has, so that a newer one with more of them fails here."""
    with WebSiteManagementClient(UNUSED, "0", authentication_policy=HeadersPolicy()) as client:
        known = {name for name in dir(client.web_apps) if "web_job" in name}
    assert len(known) == 26
    assert {(name, aio) for name in known for aio in (False, True)} == CALLED


def test_long_lists_come_in_pages(slots: Site) -> None:
    slots.kubectl("delete", "wj", "--all")
    spec = {"type": "triggered", "script": {"fileName": "run.sh", "text": "echo\n"}}
    names = [f"page-{number:03}" for number in range(105)]
    manifests = [
        {"apiVersion": "webjobs.dev/v1", "kind": "WebJob", "metadata": {"name": name}, "spec": spec} for name in names
    ]
    slots.kubectl("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests}))
    clients = [_client(slots, aio=aio, policy=_basic(slots, "")) for aio in (False, True)]
    try:
        eventually(lambda: len(clients[0]("list_web_jobs")) == len(names), what="all jobs")
        for sdk in clients:
            assert len(sdk("list_web_jobs")) == len(names)
            found = sdk("list_triggered_web_jobs")
            assert [job.name for job in found] == [f"{stacks.SITE}/{name}" for name in names]
        first = clients[0].client.web_apps.list_triggered_web_jobs(GROUP, stacks.SITE)
        assert [len(list(page)) for page in first.by_page()] == [100, 5]
    finally:
        for sdk in clients:
            sdk.close()
        slots.kubectl("delete", "wj", "--all")


@pytest.mark.parametrize("name", [NAMESPACES[SLOT], "nothing"])
def test_sites_of_others_are_not_told_of(slots: Site, name: str) -> None:
    sdk = _client(slots, aio=False, policy=_basic(slots, ""), name=name)
    with pytest.raises(ResourceNotFoundError, match=f"'Microsoft.Web/sites/{name}' under resource group"):
        sdk("list_web_jobs")
    sdk.close()
    wrong = _client(slots, aio=False, policy=HeadersPolicy({"Authorization": basic_header("x", "y")}), name=name)
    with pytest.raises(ClientAuthenticationError):
        wrong("list_web_jobs")
    wrong.close()


def test_a_token_without_the_right(slots: Site) -> None:
    policy = _bearer(slots, SLOT)  # of an account of the slot
    sdk = _client(slots, aio=False, policy=policy)
    with pytest.raises(HttpResponseError) as caught:
        sdk("run_triggered_web_job", "report")
    assert caught.value.status_code == 403
    assert caught.value.error
    assert caught.value.error.code == "AuthorizationFailed"
    sdk.close()


def test_any_api_version(slots: Site) -> None:
    policy = _basic(slots, "")
    with WebSiteManagementClient(
        UNUSED,
        "0",
        base_url=slots.stack.url,
        authentication_policy=policy,
        retry_total=0,
        api_version="2018-02-01",
    ) as client:
        assert list(client.web_apps.list_web_jobs(GROUP, stacks.SITE)) == []
