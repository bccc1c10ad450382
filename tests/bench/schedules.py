"""Next occurrences, against croniter and cronsim: ``python -m tests.bench.schedules [--rounds N]`` (no cluster needed).

Two questions. A look-up: from the text and a moment to the next occurrence, at moments all over a year. In a row: the
occurrences after one moment, from one object. The three take turns in each round, and a ratio is the median of the
rounds' ratios. All three have to give the same answers, or the run ends with what differs.

The other two know no day of month AND weekday, so they get ``MON#1``, which is the same for the first Monday.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice
from zoneinfo import ZoneInfo

from croniter import croniter
from cronsim import CronSim, CronSimError

from webjobs.schedules import parse

# Ours, and the same for the others. None of them fires inside an hour that Berlin's clock skips or doubles.
EXPRESSIONS = [
    ("* * * * * *", "* * * * * *"),
    ("*/10 * * * * *", "*/10 * * * * *"),
    ("0 */5 * * * *", "*/5 * * * *"),
    ("0 0 9-17 * * MON-FRI", "0 9-17 * * MON-FRI"),
    ("0 30 12 * * *", "30 12 * * *"),
    ("0 0 0 * * SUN", "0 0 * * SUN"),
    ("0 0 12 31 * *", "0 12 31 * *"),
    ("0 0 0 1-7 * MON", "0 0 * * MON#1"),
    ("0 30 9 1 JAN,JUL *", "30 9 1 JAN,JUL *"),
    ("0 0 0 29 2 *", "0 0 29 2 *"),
]
ZONES: tuple[tzinfo, ...] = (UTC, ZoneInfo("Europe/Berlin"))
IMPOSSIBLE = ("0 0 0 31 2 *", "0 0 31 2 *")
START = datetime(2026, 1, 1, 0, 0, 7, tzinfo=UTC)
LOOK_UPS = 50
IN_A_ROW = 300
SPARSE_IN_A_ROW = 12
"""Of 29 February: cronsim ends fifty years after its start."""

Answers = list[datetime]


def moments() -> Answers:
    """Moments of one year, the same in each run, and none within a clock change."""
    draw = random.Random(2026)  # noqa: S311 - nothing to guess here
    return [START + timedelta(seconds=draw.randrange(365 * 86400)) for _ in range(LOOK_UPS)]


def ours(text: str, zone: tzinfo, count: int) -> tuple[Callable[[], Answers], Callable[[], Answers]]:
    """The two questions, for this project."""
    times = [moment.astimezone(zone) for moment in moments()]

    def look_up() -> Answers:
        found = [parse(text).next_after(when, zone=zone) for when in times]
        return [at for at in found if at is not None]

    return look_up, lambda: list(islice(parse(text).occurrences(START, zone=zone), count))


def cronsim(text: str, zone: tzinfo, count: int) -> tuple[Callable[[], Answers], Callable[[], Answers]]:
    """The two questions, for cronsim."""
    times, start = [moment.astimezone(zone) for moment in moments()], START.astimezone(zone)
    return lambda: [next(CronSim(text, when)) for when in times], lambda: list(islice(CronSim(text, start), count))


def croniters(text: str, zone: tzinfo, count: int) -> tuple[Callable[[], Answers], Callable[[], Answers]]:
    """The two questions, for croniter."""
    times, start = [moment.astimezone(zone) for moment in moments()], START.astimezone(zone)

    def made(when: datetime) -> croniter:
        return croniter(text, when, ret_type=datetime, second_at_beginning=True)

    return lambda: [made(when).get_next() for when in times], lambda: list(islice(made(start), count))


def seconds(work: Callable[[], Answers]) -> float:
    """How long it takes."""
    before = time.perf_counter()
    work()
    return time.perf_counter() - before


def compare(sides: list[Callable[[], Answers]], *, rounds: int) -> tuple[float, list[float]]:
    """Microseconds of the first side for each answer, and how many times as long the others take (medians)."""
    answers = [work() for work in sides]  # a warm-up, too
    for other in answers[1:]:
        differing = next(((a, b) for a, b in zip(answers[0], other, strict=True) if a != b), None)
        if differing:
            raise SystemExit(f"different answers: {differing[0]} and {differing[1]}")
    taken = [[seconds(work) for work in sides] for _ in range(rounds)]
    ratios = [statistics.median(row[at] / row[0] for row in taken) for at in range(1, len(sides))]
    return statistics.median(row[0] for row in taken) / len(answers[0]) * 1e6, ratios


def impossible(work: Callable[[], object]) -> str:
    """What becomes of a date that never comes, and after how long."""
    before = time.perf_counter()
    try:
        answer = repr(work())
    except (CronSimError, ValueError) as error:
        answer = type(error).__name__
    return f"{(time.perf_counter() - before) * 1000:10.3f} ms   {answer}"


def main() -> None:
    """Both tables and the impossible date."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.schedules", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="of each comparison (default: 15)")
    options = parser.parse_args()
    behind = []
    for question, title in enumerate(("look-up", "in a row")):
        print(f"\n{title:<15}{'expression':<23}{'ours':>9}   {'cronsim':>9}{'croniter':>10}   (times ours)")
        for zone in ZONES:
            for text, same in EXPRESSIONS:
                count = SPARSE_IN_A_ROW if text == "0 0 0 29 2 *" else IN_A_ROW
                made = ours(text, zone, count), cronsim(same, zone, count), croniters(same, zone, count)
                micros, ratios = compare([side[question] for side in made], rounds=options.rounds)
                print(f"{zone!s:<15}{text:<23}{micros:6.1f} us   {ratios[0]:9.1f}{ratios[1]:10.1f}")
                if min(ratios) <= 1:
                    behind.append(f"{title} {text} {zone}")
    text, same = IMPOSSIBLE
    print(f"\n{text}, which never comes")
    print(f"  ours    {impossible(lambda: parse(text).next_after(START))}")
    print(f"  cronsim {impossible(lambda: next(CronSim(same, START)))}")
    print(f"  croniter{impossible(lambda: croniter(same, START).get_next(datetime))}")
    print(f"\nbehind another: {', '.join(behind) or 'nowhere'}")


if __name__ == "__main__":
    main()
