"""The stored log of continuous jobs: over crashes, roll-over, stop, lost pods and a killed operator."""

from __future__ import annotations

import re

from tests.site import Site, eventually
from tests.stack import SYSTEM

CAP = "Reached maximum allowed output lines for this run, to see all of the job's logs you can enable App Service Logs"
LINE = re.compile(r"\[\d\d/\d\d/\d{4} \d\d:\d\d:\d\d > [0-9a-f]{6}: (SYS )?(INFO|WARN|ERR )\] .*")


def url(name: str, file: str = "job_log.txt") -> str:
    return f"/vfs/data/jobs/continuous/{name}/{file}"


def lines(site: Site, name: str, file: str = "job_log.txt") -> list[str]:
    """Lines without time and instance: ``SYS INFO] text``; none before there is a pod."""
    answer = site.http.get(url(name, file))
    if answer.status_code == 404:
        return []
    assert answer.status_code == 200, answer.text
    found = answer.text.split("\r\n")
    assert found.pop() == ""
    assert all(LINE.fullmatch(line) for line in found)
    return [line.partition(": ")[2] for line in found]


def settled(site: Site, name: str) -> list[str]:
    """The same for a job that has no pods any more: what is stored."""
    eventually(lambda: not site.objects("pod", f"webjobs.dev/webjob={name}"), what="the end of the pod")
    return eventually(
        lambda: found if (found := lines(site, name))[-1].endswith("Status changed to Stopped") else None,
        what="the last line",
    )


def numbers(found: list[str]) -> list[int]:
    """N of the lines ``INFO] line N``."""
    return [int(line.rpartition(" ")[2]) for line in found if line.startswith("INFO] line ")]


CRASHING = """
life=$(( $(cat "$WEBJOBS_DATA_PATH/life" 2>/dev/null || echo 0) + 1 )); echo $life > "$WEBJOBS_DATA_PATH/life"
for i in 1 2 3; do echo "line $(( 3 * life - 3 + i ))"; done
[ $life -gt 2 ] && sleep 1000
exit $life
"""


def timeless(found: list[str]) -> list[str]:
    """How long a process is waited for is known better once the next one is there."""
    return [re.sub("for [0-9]+ seconds", "for N seconds", line) for line in found]


def test_all_lives_of_a_job_that_crashes(site: Site) -> None:
    # Not uploaded: its restarts are Kubernetes' own, sooner than a minute, and in one pod.
    site.apply("crashing", {"type": "continuous", "script": {"fileName": "run.sh", "text": CRASHING}})
    eventually(lambda: "INFO] line 9" in lines(site, "crashing"), seconds=60, what="the third life")
    seen = lines(site, "crashing")
    run = ["SYS INFO] Run script 'run.sh' with script host - 'BashScriptHost'", "SYS INFO] Status changed to Running"]
    expected = ["SYS INFO] Status changed to Starting", "SYS INFO] WebJob singleton setting is False"]
    for life in (1, 2, 3):
        expected += [*run, *(f"INFO] line {3 * life - 3 + number}" for number in (1, 2, 3))]
        if life < 3:
            expected.append(f"SYS ERR ] Job failed due to exit code {life}")
            expected.append("SYS INFO] Process went down, waiting for N seconds")
            expected.append("SYS INFO] Status changed to PendingRestart")
    assert timeless(seen) == expected
    assert site.http.post("/api/continuouswebjobs/crashing/stop").status_code == 200
    stopped = settled(site, "crashing")
    assert timeless(stopped[: len(seen)]) == expected, "a stop takes nothing away"
    assert [line for line in stopped[len(seen) :] if "Status" in line] == [
        "SYS INFO] Status changed to Stopping",
        "SYS INFO] Status changed to Stopped",
    ]
    head = site.http.head(url("crashing"))
    assert int(head.headers["content-length"]) == len(site.http.get(url("crashing")).content)
    part = site.http.get(url("crashing"), headers={"Range": "bytes=-9"})
    assert (part.status_code, part.text) == (206, "Stopped\r\n")
    assert site.http.delete("/api/continuouswebjobs/crashing").status_code == 200
    site.put_script("crashing", "echo anew; sleep 1000\n", kind="continuous")
    eventually(lambda: "INFO] anew" in lines(site, "crashing"), what="the output of the new job")
    assert lines(site, "crashing").count("SYS INFO] Status changed to Starting") == 1, "the old log went with its job"
    site.http.delete("/api/continuouswebjobs/crashing")


def test_the_cap(site: Site) -> None:
    site.put_script("chatty", 'for i in $(seq 1000); do echo "line $i"; done; sleep 1000\n', kind="continuous")
    eventually(lambda: any(line.startswith("WARN] ") for line in lines(site, "chatty")), what="the warning")
    site.kubectl("delete", "pod", "-l", "webjobs.dev/webjob=chatty")
    eventually(lambda: sum(line.startswith("WARN] ") for line in lines(site, "chatty")) == 2, what="the next pod's")
    found = lines(site, "chatty")
    assert numbers(found) == [*range(1, 201), *range(1, 201)], "what the first pod wrote is still there"
    assert [line for line in found if line.startswith("WARN] ")] == [f"WARN] {CAP} option in the Portal."] * 2
    site.http.delete("/api/continuouswebjobs/chatty")


def test_roll_over(site: Site) -> None:
    """With the cap lifted: 1.5 MiB in one go, and a little more later."""
    assert site.http.post("/api/settings", json={"WEBJOBS_CONTINUOUS_LOG_LINES": "0"}).status_code == 204
    try:
        text = f'pad={"x" * 90}\nfor i in $(seq 9000); do echo "$pad line $i"; done\n'
        site.put_script("large", text + "while sleep 1; do echo more; done\n", kind="continuous")
        eventually(lambda: site.http.get(url("large", "job_prev_log.txt")).status_code == 200, what="the roll-over")
        eventually(lambda: "INFO] more" in lines(site, "large"), what="lines after it")
        previous, now = lines(site, "large", "job_prev_log.txt"), lines(site, "large")
        found = [int(line.rpartition(" ")[2]) for line in [*previous, *now] if " line " in line]
        assert found == list(range(1, 9001)), "each line is in one of both files"
        size = len(site.http.get(url("large", "job_prev_log.txt")).content)
        assert 2**20 < size < 2**20 + 2**18
        entries = {entry["name"]: entry["size"] for entry in site.http.get(url("large", "")).json()}
        assert entries["job_prev_log.txt"] == size
        assert entries["job_log.txt"] > 0
    finally:
        site.http.delete("/api/settings/WEBJOBS_CONTINUOUS_LOG_LINES")
        site.http.delete("/api/continuouswebjobs/large")


COUNTING = 'for i in $(seq 150); do echo "line $i"; sleep 0.1; done; echo end; sleep 1000\n'


def test_an_operator_that_is_killed_while_a_job_writes(site: Site) -> None:
    site.put_script("counting", COUNTING, kind="continuous")
    eventually(lambda: numbers(lines(site, "counting"))[-1:] > [30], what="three seconds of output")
    for _ in range(2):
        operator = ("-l", "app.kubernetes.io/component=operator")
        site.kubectl("delete", "pod", *operator, "--force", "--grace-period=0", namespace=SYSTEM)
        before = numbers(lines(site, "counting"))
        assert before == list(range(1, len(before) + 1)), "while no operator is there, too"
        site.kubectl("rollout", "status", "deployment", *operator, namespace=SYSTEM)
        more_than(site, min(len(before) + 40, 150))
    eventually(lambda: "INFO] end" in lines(site, "counting"), what="the end of the output")
    assert site.http.post("/api/continuouswebjobs/counting/stop").status_code == 200
    found = settled(site, "counting")
    assert numbers(found) == list(range(1, 151))
    assert found.count("SYS INFO] Status changed to Starting") == 1
    assert found.count("SYS INFO] Status changed to Running") == 1
    site.http.delete("/api/continuouswebjobs/counting")


def more_than(site: Site, count: int) -> None:
    eventually(lambda: len(numbers(lines(site, "counting"))) >= count, what=f"{count} lines")
