"""What runs a WebJob: by what its files say, by the runtimes of the installation, and by what the spec says itself."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.objects import config, webjob
from webjobs import batch
from webjobs_operator.config import OperatorConfig
from webjobs_operator.manifests.pod import pod_template
from webjobs_operator.manifests.problem import Unrunnable
from webjobs_operator.manifests.program import Program, resolve
from webjobs_operator.reconcile import program_status

RUNTIMES = {
    "sh": {"image": "sh:1"},
    "dotnet": {"image": "net:8", "versions": {"6.0": "net:6", "8.0": "net:8"}},
    "mono": {"image": "mono:1"},
    "wine": {"image": "wine:1"},
    "js": {"image": "node:22"},
}
WINDOWS = {"windows": {"image": "win:1"}}
COMBINED = [{"runtimes": ["dotnet", "js"], "image": "both:1"}]
DIGEST = "sha256:" + "ab" * 32


def net(version: str = "6.0.1", **more: Any) -> dict[str, Any]:
    """The choice for a program of .NET."""
    runtime = {"name": "dotnet", "version": version}
    return {"host": "WindowsScriptHost", "runtime": runtime, "command": ["dotnet", "App.dll"], "why": "It is.", **more}


TRANSLATED = {"host": "WindowsScriptHost", "runtime": {"name": "sh"}, "why": "A batch file."}


def package(program: dict[str, Any] | None, *, size: int = 10, entrypoint: str = "run.cmd") -> dict[str, Any]:
    found: dict[str, Any] = {"digest": DIGEST, "entrypoint": entrypoint, "size": size, "files": 2}
    return {"script": None, "package": found | ({"program": program} if program else {})}


def how(**changes: Any) -> OperatorConfig:
    return config(runtimes=changes.pop("runtimes", RUNTIMES), combinedRuntimes=COMBINED, **changes)


def program_of(spec: dict[str, Any], config: OperatorConfig | None = None) -> Program:
    return resolve(webjob(spec), config or how())


def command_of(spec: dict[str, Any], config: OperatorConfig | None = None) -> list[str]:
    """The words that the shell in the pod starts."""
    one, config = webjob(spec), config or how()
    template = pod_template(
        one, program=resolve(one, config), config=config, restart_policy="Never", labels={}, arguments=["x y"]
    )
    return list(template["spec"]["containers"][0]["args"])


@pytest.mark.parametrize(
    ("spec", "image", "version"),
    [
        (package(net()), "net:6", "6.0"),
        (package(net("7.0.0")), "net:8", "8.0"),
        (package(net(also=[{"name": "js"}])), "both:1", None),
        (package(net() | {"runtime": {"name": "mono"}}), "mono:1", None),
        (package(TRANSLATED), "sh:1", None),
        (package(net()) | {"image": "own:2"}, "own:2", None),
        (package(net()) | {"settings": {"image": "own:3"}}, "own:3", None),
        (package(net()) | {"settings": {"command": "dotnet App.dll x"}}, "net:6", "6.0"),
        (package(None, entrypoint="run.sh"), "sh:1", None),
        ({"script": {"fileName": "run.cmd", "text": "echo hello"}}, "sh:1", None),
    ],
)
def test_the_image(spec: dict[str, Any], image: str, version: str | None) -> None:
    found = program_of(spec)
    assert (found.image, found.picked.version if found.picked else None, found.on_windows) == (image, version, False)


@pytest.mark.parametrize(
    ("spec", "runtimes", "reason"),
    [
        (package(net()), {"sh": {"image": "sh:1"}}, "NoRuntime"),
        (package(net("9.0.0")), RUNTIMES, "NoRuntimeVersion"),
        (package(net(also=[{"name": "mono"}])), RUNTIMES, "NoCombinedImage"),
        (package(net(problem={"reason": "WindowsDesktop", "message": "m"})), RUNTIMES, "WindowsDesktop"),
        (package(None), RUNTIMES, "WindowsOnly"),
        (package(None) | {"settings": {"image": "x"}}, RUNTIMES, "WindowsOnly"),
        (package(None) | {"settings": {"command": "x"}}, RUNTIMES, "NoRuntime"),
        ({"script": {"fileName": "run.cmd", "text": "tasklist"}}, RUNTIMES, "BatchNotTranslated"),
    ],
)
def test_what_can_not_run(spec: dict[str, Any], runtimes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unrunnable) as told:
        program_of(spec, how(runtimes=runtimes))
    assert told.value.reason == reason


@pytest.mark.parametrize(
    ("spec", "prefer", "on_windows"),
    [
        (package(net()), True, True),
        (package(net()), False, False),
        (package(net(problem={"reason": "WindowsDesktop", "message": "m"})), False, True),
        (package(None), False, True),
        (package(None, entrypoint="run.sh"), True, False),
    ],
)
def test_windows_nodes(spec: dict[str, Any], prefer: bool, on_windows: bool) -> None:
    assert program_of(spec, how(runtimes=RUNTIMES | WINDOWS, preferWindowsNodes=prefer)).on_windows is on_windows


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (package(net()), ["dotnet", "App.dll", "x y"]),
        (package(net()) | {"args": ["a"]}, ["dotnet", "App.dll", "a", "x y"]),
        (package(net()) | {"settings": {"command": "dotnet Other.dll"}}, ["dotnet", "Other.dll", "x y"]),
        (package(TRANSLATED), ["sh", "/webjobs/package/script.sh", "", "x y"]),
        (
            package(TRANSLATED) | {"args": ["a b", "c"]},
            ["sh", "/webjobs/package/script.sh", '"a b" c', "a b", "c", "x y"],
        ),
        (package(None, entrypoint="run.sh"), ["bash", "run.sh", "x y"]),
    ],
)
def test_the_command_line(spec: dict[str, Any], words: list[str]) -> None:
    assert command_of(spec) == words


@pytest.mark.parametrize(
    ("spec", "maps", "fetches"),
    [
        (package(net()), True, False),
        (package(net(), size=10_000_000), False, True),
        (package(TRANSLATED), True, False),
        (package(TRANSLATED, size=10_000_000), True, True),
    ],
)
def test_how_files_get_there(spec: dict[str, Any], maps: bool, fetches: bool) -> None:
    found = program_of(spec)
    assert (found.config_map is not None, found.fetch_digest is not None) == (maps, fetches)
    assert found.has_package_in_map is not fetches


def test_another_translator_makes_another_config_map(monkeypatch: pytest.MonkeyPatch) -> None:
    spec, plain = package(TRANSLATED), package(net())
    before = program_of(spec).config_map, program_of(plain).config_map
    monkeypatch.setattr(batch, "revision", lambda: "new")
    after = program_of(spec).config_map, program_of(plain).config_map
    assert (before[0] != after[0], before[1] == after[1]) == (True, True)


def test_the_runtime_accepts_another_version() -> None:
    one = webjob(package(net("7.0.0")))
    template = pod_template(one, program=resolve(one, how()), config=how(), restart_policy="Never", labels={})
    env = {variable["name"]: variable.get("value") for variable in template["spec"]["containers"][0]["env"]}
    assert env["DOTNET_ROLL_FORWARD"] == "Major"


def test_the_status_says_what_runs_and_why() -> None:
    found = program_status.of_program(program_of(package(net("7.0.0", notes=["A note."]))))
    assert found
    assert found.to_wire() | {"why": ""} == {
        "file": "run.cmd",
        "host": "WindowsScriptHost",
        "runtime": "dotnet",
        "version": "8.0",
        "image": "net:8",
        "why": "",
        "notes": ["A note."],
    }
    assert found.why.startswith("It is. .NET 7.0.0 is asked for and not among the images; .NET 8.0 runs it.")
    translated = program_of(package(TRANSLATED))
    told = program_status.of_program(translated)
    assert told
    assert (told.script, told.runtime) == (translated.config_map, "sh")
    assert program_status.of_program(program_of({"script": None, "image": "own:1"})) is None


def test_dependencies_are_told() -> None:
    assert program_status.dependencies(program_of(package(net()))) is None
    told = program_status.dependencies(program_of(package(net(missing="requirements.txt is not installed: ..."))))
    assert told
    assert (told.type, told.status, told.reason) == ("Dependencies", False, "NotInstalled")
