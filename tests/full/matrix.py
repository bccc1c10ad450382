"""All cases of a crash matrix, played on several lanes at once."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.full.acts import Act
from tests.full.counting import Fault
from tests.full.lane import Lane
from tests.full.scenarios import Scenario

PROGRAMS = ("operator", "apiserver")
FAULTS: tuple[Fault, ...] = ("dies", "loses")
TRIES = 3
"""Times that a case is played whose write does not come: where much goes on, one write can say what two would."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A scenario, and what goes wrong in it; nothing does without a number."""

    scenario: str
    program: str = ""
    fault: Fault = "dies"
    number: int = 0


@dataclass(kw_only=True)
class Outcome:
    """What a case came to.

    ``struck``: the write at which the fault was; None when it never came.
    """

    case: Case
    name: str
    writes: dict[str, list[str]]
    struck: str | None = None
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def __str__(self) -> str:
        case = self.case
        if not case.number:
            return f"{case.scenario}, undisturbed ({self.name}): {self.wrong or 'good'}"
        verb = "dies after" if case.fault == "dies" else "loses the answer of"
        wrong = self.wrong or "good"
        return f"{case.scenario}: {case.program} {verb} write {case.number}, {self.struck} ({self.name}): {wrong}"


class Matrix:
    """Plays each scenario undisturbed, and then with each of its writes as the last, or without its answer."""

    def __init__(self, scenarios: Mapping[str, Scenario], *, tell: Callable[[str], None]) -> None:
        self._scenarios = scenarios
        self._tell = tell
        self._todo = deque(Case(scenario=name) for name in scenarios)
        self._lock = threading.Condition()
        self._playing = 0
        self._tries: Counter[Case] = Counter()
        self.outcomes: list[Outcome] = []
        self.failures: list[BaseException] = []

    def play(self, lanes: Sequence[Lane]) -> None:
        """Until nothing is left to do."""
        threads = [threading.Thread(target=self._work, args=(lane,)) for lane in lanes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.failures:
            raise self.failures[0]

    def _work(self, lane: Lane) -> None:
        count = 0
        while case := self._next():
            count += 1
            try:
                outcome = self._play(lane, case, name=f"j{count:03d}")
            except BaseException as error:
                with self._lock:
                    self.failures.append(error)
                    self._todo.clear()
                    self._playing -= 1
                    self._lock.notify_all()
                return
            self._done(outcome)

    def _next(self) -> Case | None:
        with self._lock:
            self._lock.wait_for(lambda: self._todo or not self._playing)
            if not self._todo:
                self._lock.notify_all()
                return None
            self._playing += 1
            return self._todo.popleft()

    def _done(self, outcome: Outcome) -> None:
        self._tell(f"{outcome.seconds:5.1f} s  {outcome}")
        with self._lock:
            self.outcomes.append(outcome)
            self._tries[outcome.case] += 1
            if outcome.case.number and not outcome.struck and self._tries[outcome.case] < TRIES:
                self._todo.append(outcome.case)
            if not outcome.case.number:
                for fault in FAULTS:
                    self._todo.extend(
                        Case(scenario=outcome.case.scenario, program=program, fault=fault, number=number)
                        for program, writes in outcome.writes.items()
                        for number in range(1, len(writes) + 1)
                    )
            self._playing -= 1
            self._lock.notify_all()

    def _play(self, lane: Lane, case: Case, *, name: str) -> Outcome:
        begun, scenario = time.monotonic(), self._scenarios[case.scenario]
        act = Act(lane, name)
        outcome = Outcome(case=case, name=f"{lane.namespace}/{name}", writes={})
        try:
            scenario.before(act)
            for program, process in lane.programs.items():
                process.gate.arm(name, number=case.number if program == case.program else 0, fault=case.fault)
            try:
                scenario.play(act)
            finally:
                for program, process in lane.programs.items():
                    process.gate.disarm()
                    outcome.writes[program] = process.gate.writes
                    outcome.struck = outcome.struck or process.gate.happened
            scenario.then(act)
        except AssertionError as error:
            outcome.wrong.append(str(error) or repr(error))
        outcome.wrong += act.broken(deleted=scenario.deletes)
        outcome.seconds = time.monotonic() - begun
        return outcome

    # What came of it

    def of(self, scenario: str) -> list[Outcome]:
        """The outcomes of a scenario."""
        return [outcome for outcome in self.outcomes if outcome.case.scenario == scenario]

    def struck(self, scenario: str, program: str, fault: Fault) -> set[int]:
        """Numbers of the writes at which the fault was."""
        found = (one for one in self.of(scenario) if one.struck and one.case.program == program)
        return {one.case.number for one in found if one.case.fault == fault}

    def figures(self) -> list[str]:
        """Lines for people."""
        counts: Counter[str] = Counter(one.case.fault for one in self.outcomes if one.struck)
        missed = sum(1 for one in self.outcomes if one.case.number and not one.struck)
        lines = [
            f"{len(self.outcomes)} cases: {counts['dies']} deaths, {counts['loses']} lost answers, "
            f"{len(self._scenarios)} undisturbed, {missed} whose write did not come this time"
        ]
        writes: dict[str, dict[str, int]] = defaultdict(dict)
        for one in self.outcomes:
            if not one.case.number:
                writes[one.case.scenario] = {program: len(found) for program, found in one.writes.items()}
        lines += [
            f"  {name}: {found['operator']} writes of the operator, {found['apiserver']} of the REST shim"
            for name, found in writes.items()
        ]
        return lines
