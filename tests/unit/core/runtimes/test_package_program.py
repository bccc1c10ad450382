"""The decision on a package as the spec holds it."""

from __future__ import annotations

import json

import pytest

from webjobs.model import PackageProgram
from webjobs.runtimes.package_program import program_of, script_of


def config(version: str) -> bytes:
    return json.dumps({"runtimeOptions": {"framework": {"name": "Microsoft.NETCore.App", "version": version}}}).encode()


@pytest.mark.parametrize("name", ["run.sh", "run.py", "run.js", "run.php", "run.fsx", "app.jar"])
def test_what_the_name_says_is_not_said_again(name: str) -> None:
    assert program_of([name], lambda _: b"") is None


@pytest.mark.parametrize("version", ["8.0.0", "9" * 10_000, "\u00fc" * 300, ""])
def test_whatever_a_file_says_fits_into_the_spec(version: str) -> None:
    files = {"run.cmd": b"dotnet App.dll", "App.dll": b"MZ", "App.runtimeconfig.json": config(version)}
    found = program_of(files, files.__getitem__)
    assert found
    assert PackageProgram.model_validate(found.to_wire()) == found
    if found.problem is None:
        assert script_of("run.cmd", files, files.__getitem__).startswith(b"#!/bin/sh")
