"""What a process finds in its environment, in real pods (docs/kudu-contract.md, section 5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests import stack as stacks
from tests.site import Site, eventually

NAME_OF_APP = {"fieldPath": "metadata.labels['app.kubernetes.io/name']"}
PRINT = 'env | grep -E "^(WEBJOBS_|WEBSITE_|APPSETTING_|COLOUR|SHAPE)" | sort\n'
FOREVER = PRINT + 'while [ ! -e "$WEBJOBS_SHUTDOWN_FILE" ]; do sleep 0.2; done\n'


def set_settings(site: Site, verb: str, **values: str) -> None:
    assert site.http.request(verb, "/api/settings", json=values).status_code == 204


@pytest.fixture
def settings(site: Site) -> Iterator[None]:
    """App settings that are gone afterwards."""
    set_settings(site, "POST", COLOUR="red $(HOME)", SHAPE="round", WEBJOBS_NAME="another")
    yield
    for name in ("COLOUR", "SHAPE", "WEBJOBS_NAME"):
        assert site.http.delete(f"/api/settings/{name}").status_code == 204


def variables(log: str) -> dict[str, str]:
    """The variables in a job's log; lines are ``[date > instance: INFO] NAME=value``."""
    told = (line.partition("INFO] ")[2] for line in log.splitlines() if ": INFO] " in line)
    return dict(one.split("=", 1) for one in told if "=" in one)


@pytest.mark.usefixtures("settings")
def test_a_run_sees_the_contract_and_the_app_settings(site: Site) -> None:
    site.apply(
        "env-run",
        {
            "type": "triggered",
            "jobName": "Env run",
            "env": [{"name": "SHAPE", "value": "mine"}, {"name": "WEBJOBS_TYPE", "value": "mine"}],
            "script": {"fileName": "run.sh", "text": PRINT},
        },
    )
    first = site.ended(site.run("Env%20run", "a 'b c'").headers["Location"])
    found = variables(site.log(first))
    instance = found.pop("WEBSITE_INSTANCE_ID")
    assert f"> {instance[:6]}: " in site.log(first)
    assert found == {
        "WEBJOBS_PATH": "/webjobs/work",
        "WEBJOBS_NAME": "Env run",
        "WEBJOBS_TYPE": "triggered",
        "WEBJOBS_DATA_PATH": "/webjobs/data",
        "WEBJOBS_RUN_ID": first["id"],
        "WEBJOBS_COMMAND_ARGUMENTS": "a 'b c'",
        "WEBSITE_TRIGGERED_JOB_RUNNING_Env_run": "true",
        "WEBSITE_SITE_NAME": stacks.SITE,
        "COLOUR": "red $(HOME)",
        "SHAPE": "mine",
        "APPSETTING_COLOUR": "red $(HOME)",
        "APPSETTING_SHAPE": "round",
        "APPSETTING_WEBJOBS_NAME": "another",
    }
    set_settings(site, "PUT", COLOUR="blue")
    found = variables(site.log(site.ended(site.run("Env%20run").headers["Location"])))
    assert (found["COLOUR"], found["APPSETTING_COLOUR"], found["WEBJOBS_COMMAND_ARGUMENTS"]) == ("blue", "blue", "")
    site.kubectl("delete", "wj", "env-run")


@pytest.mark.usefixtures("settings")
def test_a_changed_setting_restarts_a_continuous_job(site: Site) -> None:
    site.put_script("env-worker", FOREVER, kind="continuous")

    def told(colour: str) -> dict[str, str] | None:
        pods = [
            pod
            for pod in site.objects("pod", "webjobs.dev/webjob=env-worker")
            if "deletionTimestamp" not in pod["metadata"]
        ]
        logs = [site.kubectl("logs", pod["metadata"]["name"]) for pod in pods if pod["status"]["phase"] == "Running"]
        if len(logs) != 1:
            return None
        found = dict(line.split("=", 1) for line in logs[0].splitlines())
        return found if found.get("COLOUR") == colour else None

    found = eventually(lambda: told("red $(HOME)"), what="the first process")
    assert found["WEBSITE_ALWAYS_ON_JOB_RUNNING_env_worker"] == "true"
    assert (found["WEBJOBS_TYPE"], found["WEBJOBS_RUN_ID"], found["WEBJOBS_PORT"]) == ("continuous", "", "8100")
    assert found["WEBJOBS_SHUTDOWN_FILE"].startswith("/webjobs/shutdown/")
    set_settings(site, "PUT", COLOUR="blue")
    found = eventually(lambda: told("blue"), what="a process with the new setting")
    assert found["APPSETTING_COLOUR"] == "blue"
    set_settings(site, "PUT", COLOUR="blue")
    generation = site.object("deployment", "env-worker")["metadata"]["generation"]
    assert site.http.delete("/api/settings/COLOUR").status_code == 204
    eventually(
        lambda: site.object("deployment", "env-worker")["metadata"]["generation"] == generation + 1,
        what="one restart for one change",
    )
    assert site.http.delete("/api/continuouswebjobs/env-worker").status_code == 200


def test_a_job_borrows_the_surroundings_of_a_deployment(site: Site) -> None:
    def web(colour: str) -> dict[str, Any]:
        container = {
            "name": "web",
            "image": site.stack.image,
            "command": ["sleep", "1000"],
            "env": [{"name": "COLOUR", "value": colour}, {"name": "SHAPE", "value": "$(COLOUR) ball"}],
            "volumeMounts": [{"name": "data", "mountPath": "/srv/web"}],
        }
        pod = {
            "containers": [container],
            "volumes": [{"name": "data", "downwardAPI": {"items": [{"path": "name", "fieldRef": NAME_OF_APP}]}}],
        }
        labels = {"app": "lender"}
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "lender", "namespace": stacks.SITE},
            "spec": {
                "replicas": 0,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        }

    stacks.apply(site.stack.kubeconfig, web("green"))
    script = {"fileName": "run.sh", "text": PRINT + 'echo "FILE=$(cat /srv/web/name)"\n'}
    site.apply("borrower", {"type": "triggered", "fromDeployment": {"name": "lender"}, "script": script})
    found = variables(site.log(site.ended(site.run("borrower").headers["Location"])))
    assert (found["COLOUR"], found["SHAPE"], found["FILE"]) == ("green", "green ball", "borrower")
    stacks.apply(site.stack.kubeconfig, web("yellow"))
    found = variables(site.log(site.ended(site.run("borrower").headers["Location"])))
    assert found["SHAPE"] == "yellow ball", "a run takes what the Deployment says at its start"
    site.kubectl("delete", "deployment", "lender")
    site.kubectl("delete", "wj", "borrower")
