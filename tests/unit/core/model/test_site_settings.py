"""Settings of a site, as lenient as Kudu reads them (docs/kudu-contract.md, section 4.2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webjobs.model.site.site_settings import SiteSettings, flag, integer


@pytest.mark.parametrize("text", ["1", "true", "TRUE", "True", " true "])
def test_on(text: str) -> None:
    assert flag(text)


@pytest.mark.parametrize("text", [None, "", "0", "false", "yes", "on", "2", "01", "truee"])
def test_off(text: str | None) -> None:
    assert not flag(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", 5),
        (" 5 ", 5),
        ("-5", -5),
        ("+5", 5),
        ("2147483647", 2147483647),
        ("2147483648", None),
        ("5.0", None),
        ("5s", None),
        ("٣", None),
        ("", None),
        ("1e3", None),
        (None, None),
    ],
)
def test_integer(text: str | None, expected: int | None) -> None:
    assert integer(text) == expected


@pytest.mark.parametrize(
    ("name", "text", "field", "expected"),
    [
        ("WEBJOBS_STOPPED", "True", "stopped", True),
        ("webjobs_stopped", "1", "stopped", True),
        ("WEBJOBS_STOPPED", "no", "stopped", False),
        ("WEBJOBS_DISABLE_SCHEDULE", "1", "schedules_disabled", True),
        ("WEBJOBS_HISTORY_SIZE", "7", "history_size", 7),
        ("WEBJOBS_HISTORY_SIZE", "0", "history_size", 50),
        ("WEBJOBS_HISTORY_SIZE", "123456", "history_size", 10_000),
        ("WEBJOBS_HISTORY_SIZE", "-3", "history_size", 50),
        ("WEBJOBS_HISTORY_SIZE", "many", "history_size", 50),
        ("OTHER", "1", "history_size", None),
        ("WEBJOBS_RESTART_TIME", "5", "restart_seconds", 5),
        ("WEBJOBS_RESTART_TIME", "-5", "restart_seconds", 0),
        ("WEBJOBS_RESTART_TIME", "x", "restart_seconds", None),
        ("WEBJOBS_IDLE_TIMEOUT", "x", "idle_seconds", None),
        ("WEBJOBS_IDLE_TIMEOUT", "0", "idle_seconds", None),
        ("WEBJOBS_CONTINUOUS_LOG_LINES", "x", "continuous_log_lines", 200),
        ("WEBJOBS_CONTINUOUS_LOG_LINES", "-1", "continuous_log_lines", 0),
        ("webjobs_continuous_log_lines", "5000", "continuous_log_lines", 5000),
        ("WEBJOBS_IDLE_TIMEOUT", "3600", "idle_seconds", 3600),
        ("WEBSITE_TIME_ZONE", " W. Europe Standard Time ", "time_zone", "W. Europe Standard Time"),
        ("WEBSITE_TIME_ZONE", " ", "time_zone", None),
    ],
)
def test_read(name: str, text: str, field: str, expected: object) -> None:
    assert getattr(SiteSettings.read({name: text}), field) == expected


def test_nothing_is_set() -> None:
    assert SiteSettings.read({}) == SiteSettings()


@given(st.dictionaries(st.text(), st.text()))
def test_nothing_breaks_it(values: dict[str, str]) -> None:
    found = SiteSettings.read(values)
    assert found.history_size is None or found.history_size > 0
    assert (found.restart_seconds or 0) >= 0
    assert (found.idle_seconds or 1) > 0
