"""One play of a scenario: what clients do with a job of its own, and which promises do not hold in the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.full.lane import Lane, Object
from tests.promises import ENDED, Facts, broken
from tests.site import shell, zip_of
from webjobs.model import WebJobRun
from webjobs.runs import runs as run_rules

BRIEF = 'echo "began $WEBJOBS_RUN_ID"\necho done\n'
LONG = 'echo "began $WEBJOBS_RUN_ID"\n[ "$1" = brief ] || sleep 300\n'


@dataclass
class Act:
    """One play of a scenario, with a job of its own."""

    lane: Lane
    name: str
    accepted: set[str] = field(default_factory=set)
    torn: list[str] = field(default_factory=list)
    """Contents that are neither the old nor the new."""
    slots: dict[str, int] = field(default_factory=dict)
    records: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"/api/triggeredwebjobs/{self.name}"

    def apply(self, text: str = BRIEF, **spec: Any) -> None:
        """The WebJob."""
        self.lane.create("WebJob", self.name, {"spec": {"type": "triggered"} | shell(text) | spec})

    def rest(self) -> None:
        """Until nothing of the job goes on."""
        self.lane.until(lambda: self.lane.at_rest(self.name), what=f"rest of {self.name}")

    def runs(self) -> list[Object]:
        """All records."""
        return self.lane.runs(self.name)

    def states(self) -> list[str | None]:
        """Of all records, in the order of their ids."""
        found = sorted(self.runs(), key=lambda run: run_rules.run_id(WebJobRun.parse(run)))
        return [run.get("status", {}).get("state") for run in found]

    def post(self) -> None:
        """POST run until it is accepted, or refused because an earlier try made one."""

        def ask() -> bool:
            answer = self.lane.call("POST", f"{self.url}/run")
            assert answer.status_code in (202, 409), answer.text
            if answer.status_code == 202:
                self.accepted.add(f"{self.name}-{answer.headers['Location'].rpartition('/')[2]}")
            return answer.status_code == 202 or bool(self.runs())

        self.lane.until(ask, what="an accepted run")

    def active(self, text: str = LONG, **spec: Any) -> None:
        """The WebJob with a run whose process goes on."""
        self.apply(text, **spec)
        self.lane.until(
            lambda: (self.lane.find("WebJob", self.name) or {}).get("status", {}).get("state"), what="Ready"
        )
        self.post()
        self.lane.until(lambda: self.states() == ["Running"], what="a process")
        self.lane.until(self.lane.quiet, what="quiet")

    def create_run(self) -> None:
        """As kubectl does."""
        spec = {"webJobName": self.name, "arguments": "brief"}
        self.lane.create("WebJobRun", f"{self.name}-kubectl", {"spec": spec})

    def ended(self, number: int = 1) -> Callable[[], bool]:
        """Whether so many runs are over, and nothing goes on."""
        return lambda: len([one for one in self.states() if one in ENDED]) >= number and self.lane.at_rest(self.name)

    def skips(self) -> int:
        """As the WebJob counts them."""
        return int((self.lane.find("WebJob", self.name) or {}).get("status", {}).get("skippedRuns", 0))

    def log(self, run: Mapping[str, Any]) -> str | None:
        """The archived log of a run, by REST."""
        run_id = run_rules.run_id(WebJobRun.parse(dict(run)))
        answer = self.lane.call("GET", f"/vfs/data/jobs/triggered/{self.name}/{run_id}/output_log.txt")
        return answer.text if answer.status_code == 200 else None

    def broken(self, *, deleted: bool) -> list[str]:
        """The promises that do not hold, and contents that are torn."""
        assert self.lane.witness.failure is None
        webjob, found = self.lane.find("WebJob", self.name), self.runs()
        names = {run_rules.run_id(WebJobRun.parse(run)): run["metadata"]["name"] for run in found}
        seen = self.lane.witness.begun(self.lane.namespace, self.name)
        begun = {names.get(run_id, f"{self.name}-{run_id}"): count for run_id, count in seen.items()}
        most = self.lane.witness.most_active[self.lane.namespace, self.name]
        schedule = self.lane.find("WebJobSchedule", f"{self.name}-further")
        facts = Facts(
            webjobs=[webjob] if webjob else [],
            runs=found,
            schedules=[schedule] if schedule else [],
            jobs=self.lane.jobs(self.name),
            accepted=() if deleted else self.accepted,
            begun={} if deleted else begun,
            most_active={self.name: most},
            unreadable=[] if deleted else [name for name in self.accepted if self._read(name) != 200],
            log=self.log,
            slots=self.slots,
        )
        return [*broken(facts), *self.torn, *(f"a Job is left: {job['metadata']['name']}" for job in facts.jobs)]

    def _read(self, name: str) -> int:
        return self.lane.call("GET", f"{self.url}/history/{name.rpartition('-')[2]}").status_code

    def put(self, version: str, *, before: str | None) -> None:
        """An upload, tried until it succeeds; in between its content is wholly the one or the other."""
        text = f'echo "began $WEBJOBS_RUN_ID"\necho "says {version} $(cat lib/version)"\n# {self.name}\n'
        content = zip_of({"run.sh": text, "lib/version": f"{version}\n", "lib/name": f"{self.name} {version}"})
        headers = {"Content-Type": "application/zip", "Content-Disposition": "attachment; filename=job.zip"}

        def ask() -> bool:
            try:
                answer = self.lane.http.put(self.url, content=content, headers=headers)
                done = answer.status_code < 500
                assert not done or answer.status_code == 200, answer.text
            except httpx.TransportError:
                done = False
            self.look({version} if done else {before, version})
            return done

        self.lane.until(ask, what=f"the upload of {version}")

    def look(self, versions: set[str | None]) -> None:
        """Notes a content that is another, or not of one piece."""
        folder = f"/api/vfs/site/wwwroot/App_Data/jobs/triggered/{self.name}"
        files = [self.lane.call("GET", f"{folder}/{name}") for name in ("lib/version", "lib/name")]
        found = {one.text.split()[-1] if one.status_code == 200 else None for one in files}
        if len(found) != 1 or not found <= versions:
            self.torn.append(f"the files are of {found}, not of one of {versions}")
