"""``wmic os get localdatetime``, of which batch files make a stamp of the time."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.cases.batch_cases import SHELLS, run_text

STAMP = r"\d{14}\.\d{3}000[+-]\d{3}"


@pytest.mark.parametrize(
    "loop",
    [
        "for /f \"tokens=2 delims==\" %%I in ('wmic os get localdatetime /value') do set T=%%I",
        "for /f \"tokens=2 delims==\" %%I in ('wmic.exe OS Get LocalDateTime /format:list') do set T=%%I",
        "for /f %%a in ('wmic os get LocalDateTime ^| find \".\"') do set T=%%a",
        "for /f \"skip=1\" %%a in ('wmic os get localdatetime') do set T=%%a",
    ],
)
@pytest.mark.parametrize("shell", SHELLS)
def test_a_stamp(loop: str, shell: str, tmp_path: Path) -> None:
    done = run_text(f"@echo off\n{loop}\necho %T%\n", tmp_path / "job", shell=shell, env={"TZ": "XXX-05:45"})
    stamp = done.stdout.decode().strip()
    assert re.fullmatch(STAMP, stamp), done.stderr
    assert stamp.endswith("+345")
    told = datetime.strptime(f"{stamp[:14]} +0545", "%Y%m%d%H%M%S %z")
    assert abs(datetime.now(told.tzinfo) - told) < timedelta(minutes=2)


@pytest.mark.parametrize("zone", [("XXX+08:09", "-489"), ("UTC0", "+000")])
def test_zones(zone: tuple[str, str], tmp_path: Path) -> None:
    done = run_text("@wmic os get localdatetime /value", tmp_path / "job", env={"TZ": zone[0]})
    assert done.stdout.decode().rstrip().endswith(zone[1])


def test_forms(tmp_path: Path) -> None:
    done = run_text("@wmic os get localdatetime\n@wmic os get localdatetime /value\n", tmp_path / "job")
    expected = rf"LocalDateTime {{14}}\n{STAMP}  \n\n\n\nLocalDateTime={STAMP}\n\n\n"
    assert re.fullmatch(expected, done.stdout.decode())
