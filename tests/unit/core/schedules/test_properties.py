"""Schedules against slow oracles: counting seconds, converting each local minute, croniter on the common grammar."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import croniter
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from webjobs.schedules import parse

SECOND = timedelta(seconds=1)
bounded = settings(max_examples=100, database=None)

RANGES = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
MONTHS = ("JAN", "feb", "March", "ap", "May", "jun", "July", "au", "S", "Oct", "N", "D")
WEEKDAYS = ("SUN", "mon", "T", "Wednesday", "th", "F", "Sa")


def sets(low: int, high: int, most: int = 5) -> st.SearchStrategy[set[int]]:
    return st.sets(st.integers(low, high), min_size=1, max_size=most)


def listed(values: set[int]) -> str:
    return ",".join(map(str, sorted(values)))


@st.composite
def elements(draw: st.DrawFn, index: int) -> str:
    """One element of the grammar, in any of its forms."""
    low, high = RANGES[index]
    names = {4: MONTHS, 5: WEEKDAYS}.get(index)
    number = st.integers(low, high)
    value = st.one_of(number.map(str), number.map(lambda n: names[n - low])) if names else number.map(str)
    first, last, step = draw(value), draw(value), draw(st.integers(0, 70))
    return draw(
        st.sampled_from(["*", f"*/{step}", first, f"{first}-{last}", f"{first}-{last}/{step}", f"{first}/{step}"])
    )


expressions = st.tuples(
    *(st.lists(elements(index), min_size=1, max_size=3).map(",".join) for index in range(len(RANGES)))
).map(" ".join)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))


@bounded
@given(expressions)
def test_normalised_text_means_the_same_and_stays_as_it_is(text: str) -> None:
    schedule = parse(text)
    assert parse(schedule.normalised) == schedule
    assert parse(schedule.normalised).normalised == schedule.normalised


@bounded
@given(st.tuples(*(sets(low, high, 60) for low, high in RANGES)))
def test_normalised_text_holds_exactly_the_sets(values: tuple[set[int], ...]) -> None:
    schedule = parse(parse(" ".join(map(listed, values))).normalised)
    assert [{bit for bit in range(60) if mask >> bit & 1} for mask in schedule.slots.sets] == list(values)


@bounded
@given(sets(0, 59, 3), sets(0, 59, 8), sets(0, 23, 12), moments)
def test_next_and_previous_against_counting_seconds(
    seconds: set[int], minutes: set[int], hours: set[int], when: datetime
) -> None:
    schedule = parse(f"{listed(seconds)} {listed(minutes)} {listed(hours)} * * *")
    window = 3600

    def matches(at: datetime) -> bool:
        return at.second in seconds and at.minute in minutes and at.hour in hours

    base = when.replace(microsecond=0)
    expected = next((at for n in range(1, window) if matches(at := base + n * SECOND)), None)
    found = schedule.next_after(when)
    assert found is not None
    assert found == expected or (expected is None and found >= base + window * SECOND)

    expected = next((at for n in range(window) if matches(at := base - n * SECOND)), None)
    found = schedule.previous_at_or_before(when)
    assert found is not None
    assert found == expected or (expected is None and found <= base - window * SECOND)


@bounded
@given(sets(1, 31), sets(1, 12, 3), sets(0, 6, 3), moments)
def test_days_against_counting_days(days: set[int], months: set[int], weekdays: set[int], when: datetime) -> None:
    schedule = parse(f"0 0 0 {listed(days)} {listed(months)} {listed(weekdays)}")
    midnight = when.replace(hour=0, minute=0, second=0, microsecond=0)
    window = 1500

    def matches(at: datetime) -> bool:
        return at.day in days and at.month in months and at.isoweekday() % 7 in weekdays

    expected = next((at for n in range(1, window) if matches(at := midnight + timedelta(days=n))), None)
    found = schedule.next_after(when)
    assert found == expected or (expected is None and (found is None or found >= midnight + timedelta(days=window)))

    expected = next((at for n in range(window) if matches(at := midnight - timedelta(days=n))), None)
    found = schedule.previous_at_or_before(when)
    assert found == expected or (expected is None and (found is None or found <= midnight - timedelta(days=window)))


# A zone and a change in UTC.
CHANGES = [
    ("America/Los_Angeles", datetime(2026, 3, 8, 10)),
    ("America/Los_Angeles", datetime(2026, 11, 1, 9)),
    ("Europe/Berlin", datetime(2026, 3, 29, 1)),
    ("Europe/Berlin", datetime(2026, 10, 25, 1)),
    ("Europe/Dublin", datetime(2026, 10, 25, 1)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30)),
    ("Pacific/Chatham", datetime(2026, 9, 26, 14)),
    ("Africa/Cairo", datetime(2026, 4, 23, 22)),
    ("Africa/Cairo", datetime(2026, 10, 29, 21)),
    ("America/Havana", datetime(2026, 11, 1, 5)),
    ("Africa/Casablanca", datetime(2026, 2, 15, 2)),
    ("Pacific/Apia", datetime(2011, 12, 30, 10)),
    ("Europe/Moscow", datetime(2014, 10, 25, 22)),
    # Over a year's edge, and by two hours.
    ("Africa/Sao_Tome", datetime(2019, 1, 1, 1)),
    ("Asia/Kolkata", datetime(2026, 1, 1)),
    ("Antarctica/Troll", datetime(2026, 3, 29, 1)),
    ("Pacific/Kiritimati", datetime(1994, 12, 31, 10)),
]


@bounded
@given(st.sampled_from(CHANGES), sets(0, 59, 3), sets(0, 23, 12), sets(0, 6, 7))
def test_every_local_time_fires_once_at_its_standard_offset(
    change: tuple[str, datetime], minutes: set[int], hours: set[int], weekdays: set[int]
) -> None:
    """The rule by its definition: each local minute of five days converted on its own, doubles merged."""
    zone, middle = ZoneInfo(change[0]), change[1]
    schedule = parse(f"0 {listed(minutes)} {listed(hours)} * * {listed(weekdays)}")
    expected = set()
    for step in range(5 * 24 * 60):
        local = (middle - timedelta(hours=60)).replace(second=0) + timedelta(minutes=step)
        if local.minute in minutes and local.hour in hours and local.isoweekday() % 7 in weekdays:
            # The later of the two readings is the one with the smaller, the standard offset.
            expected.add(max(local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)))
    # Offsets reach up to 14 hours: leave out what their difference can push over the window's edges.
    start, end = (middle.replace(tzinfo=UTC) + sign * timedelta(hours=40) for sign in (-1, 1))
    oracle = sorted(at for at in expected if start < at <= end)

    forward, when = [], schedule.next_after(start, zone=zone)
    while when is not None and when <= end:
        forward.append(when)
        when = schedule.next_after(when, zone=zone)
    assert forward == oracle

    backward, when = [], schedule.previous_at_or_before(end, zone=zone)
    while when is not None and when > start:
        backward.append(when)
        when = schedule.previous_at_or_before(when - SECOND, zone=zone)
    assert backward[::-1] == oracle


@bounded
@given(
    expressions,
    st.sampled_from(["UTC", *sorted({name for name, _ in CHANGES})]),
    moments,
    st.timedeltas(timedelta(), timedelta(hours=30)),
)
def test_answers_come_in_order(text: str, zone_name: str, when: datetime, later: timedelta) -> None:
    schedule, zone = parse(text), ZoneInfo(zone_name)
    found = schedule.next_after(when, zone=zone)
    assume(found is not None)
    assert found is not None
    assert found > when
    assert schedule.previous_at_or_before(found, zone=zone) == found
    previous = schedule.previous_at_or_before(found - SECOND, zone=zone)
    assert previous is None or previous <= when
    from_later = schedule.next_after(when + later, zone=zone)
    assert from_later is None or from_later >= found
    if when + later < found:
        assert from_later == found
    missed = schedule.missed_between(when, when + later, zone=zone, limit=3)
    assert (missed.count == 0) is (when + later < found)


@bounded
@given(sets(0, 59), sets(0, 23), st.one_of(st.none(), sets(1, 31)), sets(1, 12), sets(0, 6), moments)
def test_against_croniter_in_utc(
    minutes: set[int], hours: set[int], days: set[int] | None, months: set[int], weekdays: set[int], when: datetime
) -> None:
    # With both day fields restricted croniter takes either, so one of them is always a star.
    day, weekday = ("*", listed(weekdays)) if days is None else (listed(days), "*")
    fields = f"{listed(minutes)} {listed(hours)} {day} {listed(months)} {weekday}"
    schedule = parse(f"0 {fields}")
    assume(schedule.next_after(when) is not None)
    other = croniter(fields, when, max_years_between_matches=100)
    for _ in range(5):
        found = schedule.next_after(when)
        assert found == other.get_next(datetime)
        assert found is not None
        when = found
