"""What is imported by calls of the command line that need neither a cluster nor the REST shim."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"aiohttp", "asyncio", "kubernetes", "pydantic", "yaml"}
"""Packages that would take most of the time of a short call."""
SCRIPT = """
import sys
from webjobs_cli.__main__ import main
code = main(sys.argv[1:])
print(*sorted(sys.modules), file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--version"], 0),
        (["--help"], 0),
        (["list", "--help"], 0),
        ([], 2),
        (["list", "--frob"], 2),
        (["completion", "bash"], 0),
        (["__complete", "list", "-o", ""], 0),
        (["__complete", "push", "a", ""], 0),
    ],
)
def test_short_calls_import_nothing_heavy(words: list[str], code: int) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, *words], capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    imported = set(done.stderr.splitlines()[-1].split())
    assert "webjobs_cli.parser" in imported
    assert not imported & HEAVY
