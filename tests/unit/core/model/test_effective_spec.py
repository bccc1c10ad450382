"""The switches of a whole site."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.objects import webjob
from webjobs.model.effective_spec import under
from webjobs.model.site.site_settings import SiteSettings
from webjobs_operator.cluster.cache import Cache

TRIGGERED: dict[str, Any] = {"schedule": "0 * * * * *"}
PACKAGE = {"digest": "sha256:" + "ab" * 32, "entrypoint": "run.sh", "size": 1, "files": 1}
UPLOADED: dict[str, Any] = {"type": "continuous", "script": None, "package": PACKAGE}


@pytest.mark.parametrize(
    ("spec", "site", "expected"),
    [
        (TRIGGERED, {}, {"suspend": None, "stopped": None}),
        (TRIGGERED, {"stopped": True}, {"suspend": True, "stopped": None}),
        (TRIGGERED, {"schedules_disabled": True}, {"suspend": True}),
        (TRIGGERED, {"concurrency_policy": "Queue"}, {"concurrency_policy": "Queue"}),
        (TRIGGERED | {"concurrencyPolicy": "Allow"}, {"concurrency_policy": "Queue"}, {"concurrency_policy": "Allow"}),
        (TRIGGERED, {"history_size": 7}, {"history_limit": 7}),
        (TRIGGERED | {"historyLimit": 3}, {"history_size": 7}, {"history_limit": 3}),
        (TRIGGERED, {"time_zone": "Europe/Berlin"}, {"time_zone": "Europe/Berlin"}),
        (TRIGGERED | {"timeZone": "UTC"}, {"time_zone": "Europe/Berlin"}, {"time_zone": "UTC"}),
        ({"type": "continuous"}, {"stopped": True}, {"stopped": True, "suspend": None}),
        (
            {"type": "continuous"},
            {"schedules_disabled": True, "history_size": 3},
            {"suspend": None, "history_limit": None},
        ),
        (
            TRIGGERED,
            {"idle_seconds": 9, "restart_seconds": 9},
            {"idle_timeout_seconds": 9, "restart_delay_seconds": None},
        ),
        (TRIGGERED | {"idleTimeoutSeconds": 5}, {"idle_seconds": 9}, {"idle_timeout_seconds": 5}),
        ({"type": "continuous"}, {}, {"restart_delay_seconds": None, "idle_timeout_seconds": None}),
        (UPLOADED, {}, {"restart_delay_seconds": 60}),
        (UPLOADED, {"restart_seconds": 0}, {"restart_delay_seconds": 0}),
        ({"type": "continuous"}, {"restart_seconds": 7}, {"restart_delay_seconds": 7}),
        (UPLOADED | {"restartDelaySeconds": 3}, {"restart_seconds": 7}, {"restart_delay_seconds": 3}),
    ],
)
def test_under(spec: dict[str, Any], site: dict[str, Any], expected: dict[str, Any]) -> None:
    changed = under(webjob(spec), SiteSettings(**site)).spec
    assert {key: getattr(changed, key) for key in expected} == expected


def settings(**data: str) -> dict[str, Any]:
    meta = {"name": "webjobs-settings", "namespace": "site", "labels": {"webjobs.dev/site-settings": "true"}}
    return {"kind": "ConfigMap", "metadata": meta | {"uid": "s", "resourceVersion": "1"}, "data": data}


def test_a_change_makes_all_jobs_of_the_site_due() -> None:
    cache = Cache()
    assert cache.take("WebJob", {"kind": "WebJob"} | _body("job", "site")) == [("site", "job")]
    cache.take("WebJob", _body("other", "elsewhere"))
    for _ in ("by the index", "by the handler"):
        assert cache.take("ConfigMap", settings(WEBJOBS_STOPPED="1")) == [("site", "job")]
    assert cache.site("site").stopped
    assert not cache.site("elsewhere").stopped
    assert cache.drop("ConfigMap", settings()) == [("site", "job")]
    assert not cache.site("site").stopped


def _body(name: str, namespace: str) -> dict[str, Any]:
    meta = {"name": name, "namespace": namespace, "uid": f"{namespace}/{name}", "resourceVersion": "1"}
    return {"kind": "WebJob", "metadata": meta, "spec": {"type": "triggered", "image": "x"}}
