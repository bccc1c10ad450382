"""Batch files print and return what Windows' cmd makes of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cases.batch_cases import CASES, SHELLS, case_files, expected, run_package


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: case.name)
def test_case(case: Path, shell: str, tmp_path: Path) -> None:
    known = json.loads((case / "case.json").read_text())
    done = run_package(case_files(case), tmp_path / "job", shell=shell, args=known["args"], env=known["env"])
    stdout, code = expected(case, done.work)
    assert (done.stdout.decode(errors="surrogateescape"), done.code) == (stdout.decode(errors="surrogateescape"), code)
    wanted = known.get("err")
    if wanted == "(not recognized)":
        assert b"is not recognized as an internal or external command" in done.stderr
    elif wanted is not None:
        assert done.stderr.decode(errors="surrogateescape") == wanted
