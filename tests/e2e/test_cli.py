"""The command line on a real cluster: every command, its exit code, and that bad input changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import stack as stacks
from tests.cli import Cli
from tests.site import Site, eventually, shell

REPO = Path(__file__).resolve().parents[2]
LINES = 'echo "args: $# $1/$2"\nfor i in 1 2 3 4 5; do echo "line $i"; sleep 0.2; done\nexit ${CODE:-0}\n'
RUNNING = "trap 'exit 7' TERM\necho begun\nsleep 300 &\nwait\n"


@pytest.fixture(scope="module")
def cli(site: Site) -> Iterator[Cli]:
    """By the kubeconfig alone; what needs REST is given it."""
    by_kubeconfig = {"KUBECONFIG": str(site.stack.kubeconfig)}
    site.kubectl("delete", "wj", "--all")
    site.apply("lines", {"type": "triggered", "env": [{"name": "CODE", "value": "3"}], **shell(LINES)})
    site.apply("long", {"type": "triggered", **shell(RUNNING)})
    site.apply("worker", {"type": "continuous", **shell("echo up\nexec sleep 1000\n")})
    site.apply("timed", {"type": "triggered", "schedule": "0 30 2 * * *", **shell("true")})
    yield Cli(environment=by_kubeconfig)
    site.kubectl("delete", "wj", "--all")


@pytest.fixture(scope="module")
def rest(site: Site) -> Cli:
    return Cli.of(site.stack)


def here(*arguments: str) -> tuple[str, ...]:
    return (*arguments, "-n", stacks.SITE)


def test_a_run_is_followed_to_its_exit_code(cli: Cli, rest: Cli, site: Site) -> None:
    said = cli(*here("run", "lines", "--wait", "--follow"), "--", "one", "two words")
    assert said.code == 3
    assert said.out.splitlines() == ["args: 2 one/two words", *(f"line {number}" for number in range(1, 6))]
    assert "Failed with exit code 3" in said.err

    runs = cli.inside(*here("history", "lines", "-o", "json")).well().body["items"]
    assert [run["status"]["state"] for run in runs] == ["Failed"]
    assert runs[0]["spec"]["trigger"] == "External - kubectl-webjob"
    assert cli(*here("logs", "lines")).well().out == said.out
    stored = rest(*here("logs", "lines", "--run", runs[0]["status"]["runId"], "--stored")).well().out
    assert "] line 5\n" in stored
    assert "Status changed to Failed" in stored
    site.kubectl("delete", "pod", "-l", "webjobs.dev/webjob=lines", "--wait")
    gone = cli.inside(*here("logs", "lines"))
    assert (gone.code, "--url or WEBJOBS_URL" in gone.err) == (2, True)
    assert rest.inside(*here("logs", "lines")).well().out == stored


def test_one_at_a_time_and_cancel(cli: Cli, site: Site) -> None:
    name = cli(*here("run", "long", "-o", "name")).well().out.strip().rpartition("/")[2]
    second = cli.inside(*here("run", "long"))
    assert (second.code, "refused" in second.err) == (1, True)
    with cli.start(*here("logs", "long", "-f", "--run", name)) as following:
        assert following.stdout
        assert following.stdout.readline() == "begun\n"
        said = cli.inside(*here("cancel", "long")).well()
        assert said.out == f"webjobrun.webjobs.dev/{name} cancelled\n"
        assert following.wait(60) == 0
    eventually(lambda: site.object("wjr", name)["status"].get("state") == "Aborted", what="the end of the run")
    nothing = cli.inside(*here("cancel", "long"))
    assert (nothing.code, "No run of 'long' goes on" in nothing.err) == (1, True)
    table = cli.inside(*here("history", "long")).well().out.splitlines()
    assert table[0].split() == ["ID", "STATUS", "EXIT", "STARTED", "DURATION", "TRIGGER"]
    # Two of one second: Kubernetes tells no order of them.
    assert sorted(line.split()[1] for line in table[1:]) == ["Aborted", "Skipped"]


def test_stop_start_suspend_resume(cli: Cli, site: Site) -> None:
    eventually(lambda: cli.inside(*here("logs", "worker")).out == "up\n", what="the output of the worker")
    assert cli(*here("stop", "worker")).well().out == "webjob.webjobs.dev/worker stopped\n"
    version = site.object("wj", "worker")["spec"]
    assert cli.inside(*here("stop", "worker")).well().out == "webjob.webjobs.dev/worker is stopped already\n"
    assert site.object("wj", "worker")["spec"] == version
    assert "started" in cli.inside(*here("start", "worker")).well().out
    assert "stopped" not in site.object("wj", "worker")["spec"] or not site.object("wj", "worker")["spec"]["stopped"]
    assert "suspended" in cli.inside(*here("suspend", "timed")).well().out
    assert site.object("wj", "timed")["spec"]["suspend"] is True
    assert "is suspended" in cli.inside(*here("schedule", "next", "timed")).well().err
    assert "resumed" in cli.inside(*here("resume", "timed")).well().out
    times = cli.inside(
        *here("schedule", "next", "timed", "-c", "2", "--after", "2026-03-28T00:00:00Z", "-o", "json")
    ).well()
    assert [one["time"] for one in times.body] == ["2026-03-28T02:30:00Z", "2026-03-29T02:30:00Z"]


def test_push_and_rollback(cli: Cli, rest: Cli, site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "job"
    folder.mkdir()
    for version in ("one", "two"):
        (folder / "run.sh").write_text(f"echo version {version}\n")
        (folder / "settings.job").write_text(json.dumps({"version": version}))
        said = rest(*here("push", "Über Job", str(folder))).well()
        assert said.out.startswith("pushed 'Über Job' (triggered): run.sh, 2 files")
        assert said.err.count("\n") <= 1  # no progress where nobody looks

    def version_of_run() -> str:
        return cli.inside(*here("run", "über job", "--follow")).well().out

    assert version_of_run() == "version two\n"
    assert "rolled back" in cli.inside(*here("rollback", "Über Job")).well().out
    assert version_of_run() == "version one\n"
    found = site.http.get("/api/triggeredwebjobs/Über Job").json()
    assert found["settings"] == {"version": "one"}
    listed = cli.inside(*here("rollback", "Über Job", "--list", "-o", "json")).well().body
    current = next(raw for raw in site.objects("wj") if raw["spec"].get("jobName") == "Über Job")["spec"]["package"]
    assert listed[0] == {"package": current, "current": True}
    two = listed[1]["package"]["digest"]
    cli.inside(*here("rollback", "Über Job", "--to", two[:20])).well()
    # The REST shim hears of it by its watch.
    job = "/api/triggeredwebjobs/Über Job"
    eventually(lambda: site.http.get(job).json()["settings"] == {"version": "two"}, what="the settings of then")


def test_list_and_show_in_all_forms(cli: Cli) -> None:
    table = cli.inside(*here("list")).well().out.splitlines()
    assert table[0].split()[:3] == ["NAME", "TYPE", "STATE"]
    assert cli.inside(*here("list", "--type", "continuous", "-o", "name")).well().out == "webjob.webjobs.dev/worker\n"
    items: list[Any] = yaml.safe_load(cli.inside(*here("list", "-o", "yaml")).well().out)["items"]
    assert {"lines", "long", "worker", "timed"} <= {one["metadata"]["name"] for one in items}
    shown = cli.inside(*here("show", "timed")).well().out
    assert "every day at 02:30" in shown


BAD: dict[tuple[str, ...], tuple[int, str]] = {
    ("frob",): (2, "invalid choice"),
    (): (2, "A command is missing"),
    ("run", "worker"): (1, "'worker' is continuous"),
    ("start", "lines"): (1, "'lines' is triggered"),
    ("run", "line"): (1, "Did you mean 'lines'?"),
    ("logs", "lines", "--run", "202001010000000000"): (1, "has no run"),
    ("rollback", "lines"): (1, "can't go back"),
    ("suspend", "timed", "--schedule", "nope"): (1, "no WebJobSchedule 'nope'"),
    ("schedule", "next", "0 99 * * * *"): (2, "out of range"),
    ("list", "--context", "nope"): (1, "kubeconfig"),
    ("list", "--kubeconfig", "/nowhere"): (1, "kubeconfig"),
    ("list", "--", "x"): (2, "are for 'run' only"),
    ("history", "lines", "--limit", "0"): (2, "no number from 1 on"),
    ("push", "lines", "docs"): (1, "nothing to run"),
    ("push", "a/b", "examples"): (2, "must not contain"),
    ("push", "lines", "nowhere"): (2, "There is no 'nowhere'"),
}


def test_bad_input(cli: Cli, rest: Cli, site: Site) -> None:
    before = site.objects("wj"), site.objects("wjr"), site.objects("wjs")
    for arguments, (code, message) in BAD.items():
        given = here(*arguments) if arguments and "--" not in arguments else arguments
        said = cli.inside(*given)
        assert (said.code, message in said.err) == (code, True), (arguments, said)
        assert said.out == ""
    usage = cli("frob")
    assert (usage.code, usage.out) == (2, "")
    wrong = rest.but(WEBJOBS_PASSWORD="wrong").inside(*here("push", "lines", str(REPO / "examples/demo.sh")))  # noqa: S106
    assert (wrong.code, "WEBJOBS_USER and WEBJOBS_PASSWORD" in wrong.err) == (1, True)
    assert "wrong" not in wrong.err.replace("wrong password", "")
    away = rest.but(KUBECONFIG=None).inside("list")
    assert (away.code, "--kubeconfig or KUBECONFIG" in away.err) == (1, True)
    assert (site.objects("wj"), site.objects("wjr"), site.objects("wjs")) == before


def test_kubectl_finds_and_completes_it(cli: Cli) -> None:
    kubectl = replace(cli, program="kubectl")
    assert "webjob.webjobs.dev/worker" in kubectl(*here("webjob", "list", "-o", "name")).well().out
    completed = kubectl("__complete", "webjob", "-n", stacks.SITE, "stop", "wor").well().out
    assert completed.splitlines() == ["worker", ":4"]


def test_the_example_role_is_enough(cli: Cli, site: Site, tmp_path: Path) -> None:
    site.kubectl("apply", "-f", str(REPO / "examples/cli/role.yaml"))
    site.kubectl("create", "serviceaccount", "cli-user")
    site.kubectl("create", "rolebinding", "cli-user", "--role=webjobs-user", f"--serviceaccount={stacks.SITE}:cli-user")
    try:
        token = site.kubectl("create", "token", "cli-user").strip()
        whole = yaml.safe_load(site.stack.kubeconfig.read_text())
        whole["users"] = [{"name": one["name"], "user": {"token": token}} for one in whole["users"]]
        for context in whole["contexts"]:
            context["context"]["namespace"] = stacks.SITE
        config = tmp_path / "kubeconfig"
        config.write_text(yaml.safe_dump(whole))
        config.chmod(0o600)
        mine = Cli(environment={"KUBECONFIG": str(config), "WEBJOBS_URL": site.stack.url, "WEBJOBS_TOKEN": token})
        assert "lines" in mine.inside("list").well().out
        assert mine.inside("run", "lines", "--follow").code == 3
        assert mine.inside("schedule", "next", "timed", "--time-zone", "UTC").well().err == ""
        assert "stopped" in mine.inside("stop", "worker").well().out
        script = tmp_path / "run.sh"
        script.write_text("echo by token\n")
        mine.inside("push", "by-token", str(script)).well()
        assert mine.inside("run", "by-token", "--follow").well().out == "by token\n"
        refused = mine.inside("list", "-n", "kube-system")
        assert (refused.code, "docs/cli.md has a Role" in refused.err) == (1, True)
    finally:
        site.kubectl("delete", "serviceaccount/cli-user", "rolebinding/cli-user", "role/webjobs-user")
