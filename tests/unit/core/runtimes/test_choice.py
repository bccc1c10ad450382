"""The one decision on a package: runtime, version, command line, and the reason."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from webjobs.batch import Resolve, Run
from webjobs.runtimes.choice import Choice, choose, fill
from webjobs.runtimes.needs import Need
from webjobs.runtimes.package import HEAD
from webjobs.runtimes.shell_calls import calls

PROGRAMS = Path(__file__).parent / "programs"
MANAGED, NATIVE, LINUX = ((PROGRAMS / name).read_bytes() for name in ("managed.exe", "native-x64.exe", "linux-x64"))

Files = Mapping[str, str | bytes]


@dataclass(frozen=True, kw_only=True)
class Translation:
    runtimes: frozenset[str] = frozenset()
    versions: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Untranslatable(ValueError):
    def __init__(self, message: str, *, wine: bool = False) -> None:
        super().__init__(message)
        self.wine = wine


def translate(path: str, files: Mapping[str, bytes], *, paths: Collection[str], resolve: Resolve) -> Translation:
    """A translator of files with one command a line, the first word of which is a runtime or a program."""
    runtimes, versions = set(), {}
    for number, line in enumerate(files[path].decode("latin-1").splitlines(), 1):
        word, _, rest = line.strip().partition(" ")
        if word == "refuse":
            raise Untranslatable(f"{path}, line {number}: {rest}", wine=rest == "for Wine")
        if word.endswith(".exe"):
            run = resolve(word)
            if run is None:
                raise Untranslatable(f"{path}, line {number}: {word} can't be started.")
            runtimes.add(run.runtime)
        elif word in ("dotnet", "js", "py", "php", "jar", "tools"):
            runtimes.add(word)
            if rest[:1].isdigit():
                versions[word] = rest
    return Translation(runtimes=frozenset(runtimes), versions=versions, notes=("Translated.",))


def decide(files: Files) -> Choice | None:
    content = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
    return choose({path: len(text) for path, text in content.items()}, lambda path: content[path][:HEAD], translate)


def decided(files: Files) -> Choice:
    found = decide(files)
    assert found
    assert found.problem is None
    return found


def config(name: str, version: str = "8.0.0", *, key: str = "frameworks") -> str:
    return json.dumps({"runtimeOptions": {key: [{"name": name, "version": version}]}})


def dependencies(rid: str, **libraries: object) -> str:
    target = f".NETCoreApp,Version=v8.0/{rid}"
    pack = f"runtimepack.Microsoft.NETCore.App.Runtime.{rid}/8.0.11"
    parts = {pack: {"runtime": {"System.Console.dll": {}}}, "App/1.0.0": {"runtime": {"App.dll": {}}}, **libraries}
    kinds = {name: {"type": "runtimepack" if name == pack else "package"} for name in parts}
    return json.dumps({"runtimeTarget": {"name": target}, "targets": {target: parts}, "libraries": kinds})


CORE, WEB, DESKTOP = "Microsoft.NETCore.App", "Microsoft.AspNetCore.App", "Microsoft.WindowsDesktop.App"
APP: Files = {"App.exe": NATIVE, "App.dll": MANAGED, "App.runtimeconfig.json": config(CORE)}
OWN: Files = {
    **APP,
    "App.runtimeconfig.json": config(CORE, "8.0.11", key="includedFrameworks"),
    "System.Console.dll": MANAGED,
    "createdump.exe": NATIVE,
}


@pytest.mark.parametrize(
    ("files", "host", "runtime", "version", "words", "why"),
    [
        pytest.param(
            APP,
            "WindowsScriptHost",
            "dotnet",
            "8.0.0",
            ("dotnet", "App.dll"),
            "App.exe runs App.dll; App.runtimeconfig.json asks for Microsoft.NETCore.App 8.0.0.",
            id=".NET",
        ),
        pytest.param(
            {**APP, "App.runtimeconfig.json": config(WEB, "9.0.1")},
            "WindowsScriptHost",
            "aspnet",
            "9.0.1",
            ("dotnet", "App.dll"),
            "App.exe runs App.dll; App.runtimeconfig.json asks for Microsoft.AspNetCore.App 9.0.1.",
            id="ASP.NET",
        ),
        pytest.param(
            {"App.dll": MANAGED, "App.runtimeconfig.json": config(CORE), "Lib.dll": MANAGED},
            "DotNetHost",
            "dotnet",
            "8.0.0",
            ("dotnet", "App.dll"),
            "App.runtimeconfig.json asks for Microsoft.NETCore.App 8.0.0.",
            id="library alone",
        ),
        pytest.param(
            {f"bin/{name}": content for name, content in APP.items()},
            "WindowsScriptHost",
            "dotnet",
            "8.0.0",
            ("dotnet", "App.dll"),
            "bin/App.exe runs bin/App.dll; App.runtimeconfig.json asks for Microsoft.NETCore.App 8.0.0.",
            id="in a folder",
        ),
        pytest.param(
            {"APP.EXE": NATIVE, "app.dll": MANAGED, "App.RuntimeConfig.json": config(CORE)},
            "WindowsScriptHost",
            "dotnet",
            "8.0.0",
            ("dotnet", "app.dll"),
            "APP.EXE runs app.dll; App.RuntimeConfig.json asks for Microsoft.NETCore.App 8.0.0.",
            id="names in any case",
        ),
        pytest.param(
            {**OWN, "App": LINUX},
            "WindowsScriptHost",
            "dotnet",
            "8.0.11",
            ("./App",),
            "App.exe runs App; App.runtimeconfig.json brings Microsoft.NETCore.App 8.0.11. "
            "App is its starter for Linux.",
            id="brings .NET for Linux",
        ),
        pytest.param(
            {"App.exe": MANAGED},
            "WindowsScriptHost",
            "mono",
            None,
            ("mono", "App.exe"),
            "App.exe is a program of .NET Framework, which Mono runs.",
            id=".NET Framework",
        ),
        pytest.param(
            {
                "App.exe": MANAGED,
                "App.exe.config": '<startup><supportedRuntime version="v4.0" sku=".NETFramework,Version=v4.7.2" />',
            },
            "WindowsScriptHost",
            "mono",
            "4.7.2",
            ("mono", "App.exe"),
            "App.exe is a program of .NET Framework 4.7.2, which Mono runs.",
            id=".NET Framework 4.7.2",
        ),
        pytest.param(
            {"-x.exe": NATIVE},
            "WindowsScriptHost",
            "wine",
            None,
            ("wine", "./-x.exe"),
            "-x.exe is a native program for Windows, which Wine runs.",
            id="native",
        ),
        pytest.param(
            {"run.py": "", "runtime.txt": "python-3.11.4"},
            "PythonScriptHost",
            "py",
            "3.11",
            ("python3", "run.py"),
            "run.py is run by python3. runtime.txt asks for 3.11.",
            id="Python",
        ),
        pytest.param(
            {"run.js": ""}, "NodeScriptHost", "js", None, ("node", "run.js"), "run.js is run by node.", id="Node.js"
        ),
    ],
)
def test_programs(files: Files, host: str, runtime: str, version: str | None, words: tuple[str, ...], why: str) -> None:
    found = decided(files)
    assert (found.host, found.runtime, found.version, found.words) == (host, runtime, version, words)
    assert found.why == why
    assert (found.also, found.batch) == ((), False)


def test_a_publish_for_windows_runs_by_the_images_dotnet() -> None:
    found = decided({**OWN, "App.deps.json": dependencies("win-x64")})
    assert (found.runtime, found.version) == ("dotnet", "8.0.11")
    assert found.words[:2] == ("sh", "-c")
    assert found.words[3:5] == ("sh", "App.dll")
    assert '"System.Console.dll"' not in found.words[6]
    assert json.loads(found.words[5])["runtimeOptions"]["frameworks"] == [{"name": CORE, "version": "8.0.0"}]
    assert "only its .NET is for Windows alone" in found.why


@pytest.mark.parametrize(
    "files",
    [
        pytest.param(OWN, id="nothing is known of its libraries"),
        pytest.param({**OWN, "App.deps.json": "{"}, id="list is no JSON"),
        pytest.param(
            {**OWN, "App.deps.json": dependencies("win-x64", **{"Sql/1.0.0": {"native": {"sni.dll": {}}}})}, id="native"
        ),
        pytest.param({**OWN, "App.deps.json": dependencies("win-x64"), "x.dll": NATIVE}, id="a library nobody lists"),
        pytest.param({**OWN, "App.deps.json": " " * HEAD}, id="list is too large"),
        pytest.param(
            {**OWN, "App.runtimeconfig.json": '{"runtimeOptions":{}}', "App.deps.json": dependencies("win-x64")},
            id="before .NET Core 3",
        ),
    ],
)
def test_a_publish_for_windows_that_is_not_portable_runs_by_wine(files: Files) -> None:
    found = decided(files)
    assert (found.runtime, found.version, found.words) == ("wine", None, ("wine", "App.exe"))
    assert "brings .NET for Windows" in found.notes[0]


def patched(name: str, at: int, content: bytes) -> bytes:
    whole = bytearray((PROGRAMS / name).read_bytes())
    whole[at : at + len(content)] = content
    return bytes(whole)


@pytest.mark.parametrize(
    ("files", "reason", "says"),
    [
        pytest.param(
            {**APP, "App.runtimeconfig.json": config(DESKTOP)},
            "WindowsDesktop",
            "App.runtimeconfig.json: ",
            id="desktop",
        ),
        pytest.param({**APP, "App.runtimeconfig.json": config("Ours")}, "UnknownFramework", "has Ours", id="framework"),
        pytest.param({**APP, "App.runtimeconfig.json": "{"}, "BadRuntimeConfig", "line 1, column 2", id="no JSON"),
        pytest.param(
            {**APP, "App.runtimeconfig.json": " " * HEAD}, "BadRuntimeConfig", "smaller than 256 KiB", id="too large"
        ),
        pytest.param(
            {"App.exe": NATIVE, "App.runtimeconfig.json": config(CORE)}, "MissingLibrary", "App.dll", id="no library"
        ),
        pytest.param(
            {"App.exe": NATIVE, "App.dll": MANAGED}, "MissingRuntimeConfig", "App.runtimeconfig.json", id="no config"
        ),
        pytest.param({"App.exe": "#!/bin/sh\n"}, "UnknownProgram", "App.exe is no program", id="a text"),
        pytest.param({"App.exe": b""}, "UnknownProgram", "App.exe is no program", id="empty"),
        pytest.param(
            {"App.exe": patched("managed.exe", 0x208 + 16, b"\0")}, "NativeCode", "C++/CLI", id="native code beside"
        ),
        pytest.param(
            {"App.exe": patched("native-x64.exe", 0x84, b"\x64\xaa")}, "WrongMachine", "for arm64", id="other machine"
        ),
        pytest.param({**OWN, "App": LINUX + b"/lib/ld-musl-x86_64.so.1"}, "WrongLinux", "linux-x64", id="Alpine"),
        pytest.param(
            {**OWN, "App.deps.json": dependencies("linux-x64")},
            "MissingStarter",
            "its starter App is not",
            id="no starter",
        ),
        pytest.param(
            {name: text for name, text in OWN.items() if not name.endswith(".exe")},
            "MissingStarter",
            "App.dll brings its own .NET",
            id="library without starter",
        ),
        pytest.param({"project.json": "{}"}, "UnknownScript", "DNX", id="DNX"),
        pytest.param({"run.cmd": "refuse start opens a window"}, "BatchNotTranslated", "run.cmd, line 1", id="batch"),
        pytest.param(
            {"run.cmd": "echo\nApp.exe", **APP, "App.runtimeconfig.json": config(DESKTOP)},
            "BatchNotTranslated",
            "run.cmd, line 2: App.exe can't be started. App.runtimeconfig.json: Microsoft.WindowsDesktop.App",
            id="program of a batch file",
        ),
        pytest.param(
            {"run.cmd": "dotnet App.dll", **APP, "App.runtimeconfig.json": config(DESKTOP)},
            "WindowsDesktop",
            "App.runtimeconfig.json",
            id="library of a batch file",
        ),
        pytest.param({"run.cmd": "rem" * HEAD}, "BatchTooLarge", "run.cmd is too large", id="large batch file"),
    ],
)
def test_problems(files: Files, reason: str, says: str) -> None:
    found = decide(files)
    assert found
    assert found.problem
    assert found.problem.reason == reason
    assert says in found.problem.message
    assert found.runtime in ("windows", "none")
    assert (found.words, found.batch) == ((), False)


@pytest.mark.parametrize(
    ("files", "note"),
    [
        pytest.param(
            {"A.exe": (PROGRAMS / "managed-x86.exe").read_bytes()}, "built for 32 bits", id="32 bits, managed"
        ),
        pytest.param({"A.exe": (PROGRAMS / "native-x86.exe").read_bytes()}, "32-bit program", id="32 bits, native"),
        pytest.param({"A.exe": (PROGRAMS / "managed-gui.exe").read_bytes()}, "with windows", id="windows, managed"),
        pytest.param({"A.exe": (PROGRAMS / "native-gui.exe").read_bytes()}, "with windows", id="windows, native"),
        pytest.param({"A.exe": NATIVE.replace(b".pdata\0\0", b"CLR_UEF\0", 1)}, "PublishSingleFile", id="single file"),
        pytest.param({"run.ps1": ""}, "PowerShell 7", id="PowerShell"),
        pytest.param({"run.sh": "echo\r\n"}, "CRLF", id="line ends"),
        pytest.param({"run.py": "", "requirements.txt": "a"}, "requirements.txt is not installed", id="pip"),
        pytest.param({"run.cmd": "py", "requirements.txt": "a"}, "requirements.txt is not installed", id="batch, pip"),
        pytest.param({"run.cmd": "js"}, "Translated.", id="of the translator"),
        pytest.param({"run.cmd": "js", "b.bat": " " * HEAD}, "b.bat can't be called", id="large neighbour"),
        pytest.param(
            {**APP, "App.deps.json": dependencies("win-x64", **{"Sql/1.0.0": {"native": {"sni.dll": {}}}})},
            "for Windows only: Sql",
            id="packages for Windows",
        ),
        pytest.param({**OWN, "App": LINUX[:18] + b"\xb7" + LINUX[19:]}, "Linux on arm64", id="Linux on ARM"),
    ],
)
def test_notes(files: Files, note: str) -> None:
    found = decided(files)
    assert note in " ".join([*found.notes, found.missing or ""])


@pytest.mark.parametrize("installs", ["pip install -r requirements.txt", "python3 -m pip3 install -r requirements.txt"])
def test_what_is_installed_does_not_lack(installs: str) -> None:
    assert decided({"run.cmd": "py", "requirements.txt": "a"}).missing
    assert decided({"run.cmd": f"py\n{installs}", "requirements.txt": "a"}).missing is None


@pytest.mark.parametrize(
    ("files", "runtime", "version", "also", "why"),
    [
        pytest.param(
            {"run.cmd": "@echo off\ndotnet App.dll %*", **APP},
            "dotnet",
            "8.0.0",
            (),
            "run.cmd runs App.dll; App.runtimeconfig.json asks for Microsoft.NETCore.App 8.0.0.",
            id="dotnet X.dll",
        ),
        pytest.param(
            {"run.cmd": "App.exe", **APP, "App.runtimeconfig.json": config(WEB)},
            "aspnet",
            "8.0.0",
            (),
            "run.cmd runs App.dll; App.runtimeconfig.json asks for Microsoft.AspNetCore.App 8.0.0.",
            id="X.exe",
        ),
        pytest.param(
            {
                "run.cmd": "dotnet A.dll\ndotnet B.dll",
                "A.dll": MANAGED,
                "B.dll": MANAGED,
                "C.dll": MANAGED,
                "A.runtimeconfig.json": config(CORE, "8.0.0"),
                "B.runtimeconfig.json": config(WEB, "6.0.0"),
                "C.runtimeconfig.json": config(CORE, "10.0.0"),
            },
            "aspnet",
            "8.0.0",
            (),
            "run.cmd runs A.dll and B.dll; A.runtimeconfig.json asks for Microsoft.NETCore.App 8.0.0. "
            "B.runtimeconfig.json asks for Microsoft.AspNetCore.App 6.0.0.",
            id="two libraries, the newest",
        ),
        pytest.param(
            {"run.cmd": "Tool.exe\njs 20.11.1", "Tool.exe": MANAGED},
            "mono",
            None,
            (Need(runtime="js", version="20"),),
            "run.cmd runs Tool.exe; Tool.exe is a program of .NET Framework, which Mono runs.",
            id="two runtimes",
        ),
        pytest.param(
            {"go.bat": "py 364\ntools", "runtime.txt": "python-3.12"},
            "py",
            "3.6",
            (Need(runtime="tools"),),
            "go.bat is a batch file that calls programs of py and tools; it is translated to a shell script.",
            id="the path of an interpreter counts first",
        ),
        pytest.param(
            {"run.cmd": "php", "composer.json": '{"require": {"php": "^8.1"}}'},
            "php",
            "8.1",
            (),
            "run.cmd is a batch file that calls programs of php; it is translated to a shell script.",
            id="version of the package",
        ),
        pytest.param(
            {"run.cmd": "echo hello"},
            "sh",
            None,
            (),
            "run.cmd is a batch file that calls nothing but commands of cmd; it is translated to a shell script.",
            id="nothing",
        ),
    ],
)
def test_batch_files(files: Files, runtime: str, version: str | None, also: tuple[Need, ...], why: str) -> None:
    found = decided(files)
    assert (found.runtime, found.version, found.also) == (runtime, version, also)
    assert (found.words, found.batch) == ((), True)
    assert found.why == why


def test_the_name_of_a_library_is_a_whole_word() -> None:
    second: Files = {"MyApp.dll": MANAGED, "MyApp.runtimeconfig.json": config(CORE, "9.0.0")}
    found = decided({"run.cmd": 'dotnet "%~dp0MyApp.dll"\ndotnet bin\\MyApp.dll', **APP, **second})
    assert (found.version, found.why.partition(";")[0]) == ("9.0.0", "run.cmd runs MyApp.dll")


def test_a_library_that_another_batch_file_names() -> None:
    assert decided({"run.cmd": "dotnet", "go.cmd": "dotnet App.dll", **APP}).version == "8.0.0"
    assert decided({"run.cmd": "App.exe", "go.cmd": "dotnet A.dll", **APP, **_OTHER}).version == "8.0.0"


_OTHER: Files = {"A.dll": MANAGED, "A.runtimeconfig.json": config(CORE, "9.0.0")}


def test_the_translator_is_told_how_programs_start() -> None:
    told: dict[str, Run | None] = {}

    def ask(path: str, files: Mapping[str, bytes], *, paths: Collection[str], resolve: Resolve) -> Translation:
        told.update({name: resolve(name) for name in ("BIN/app.exe", "tool.exe", "x.exe", "run.cmd", "bad.exe")})
        return Translation()

    files = {"run.cmd": b"", "tool.exe": MANAGED, "bad.exe": b"", "bin/App.dll": MANAGED, "bin/App.exe": NATIVE}
    files["bin/App.runtimeconfig.json"] = config(WEB).encode()
    choose(files, files.__getitem__, ask)
    assert told == {
        "BIN/app.exe": Run(words=("dotnet", "bin/App.dll"), runtime="aspnet"),
        "tool.exe": Run(words=("mono", "tool.exe"), runtime="mono"),
        "x.exe": None,
        "run.cmd": None,
        "bad.exe": None,
    }


def test_a_batch_file_that_wine_runs() -> None:
    found = decided({"run.cmd": "refuse for Wine"})
    assert (found.runtime, found.words, found.batch) == ("wine", ("wine", "cmd", "/c", "run.cmd"), False)
    assert found.notes == ("run.cmd, line 1: for Wine",)


@pytest.mark.parametrize(
    ("text", "runtime", "version"),
    [
        pytest.param('#!/bin/bash\nexec dotnet App.dll "$@"\n', "dotnet", "8.0.0", id="exec dotnet"),
        pytest.param('dotnet "$(dirname "$0")/App.dll" "$@"', "dotnet", "8.0.0", id="folder of the script"),
        pytest.param("cd x && DOTNET_gcServer=1 \\\n dotnet ./App.dll", "dotnet", "8.0.0", id="variable, continued"),
        pytest.param("./App now", "dotnet", "8.0.0", id="starter"),
        pytest.param("dotnet Other.dll", "dotnet", None, id="library that is not there"),
        pytest.param("dotnet run", "fsx", None, id="the SDK"),
        pytest.param("node a.js; node b.js", "js", "20", id="Node.js"),
        pytest.param("if [ -f x ]; then\n  /usr/bin/php x.php\nfi", "php", None, id="in a block"),
        pytest.param("java -jar a.jar", "jar", None, id="Java"),
        pytest.param("exec python3 a.py", "py", None, id="Python"),
        pytest.param("# node a.js\necho dotnet", "sh", None, id="none"),
        pytest.param("command -v node", "sh", None, id="asks whether there is one"),
        pytest.param("node a.js\nphp b.php", "sh", None, id="two"),
        pytest.param("", "sh", None, id="empty"),
    ],
)
def test_shell_scripts(text: str, runtime: str, version: str | None) -> None:
    found = decided({**APP, "run.sh": text, "package.json": '{"engines": {"node": "20"}}'})
    assert (found.path, found.words) == ("run.sh", ("bash", "run.sh"))
    assert (found.runtime, found.version) == (runtime, version)
    assert ("image in settings.job" in " ".join(found.notes)) == ("php b.php" in text)


def test_no_script() -> None:
    assert decide({"readme.md": ""}) is None
    assert decide({}) is None


@given(st.text() | st.text(alphabet="ab \"'\\\n#;&|=-/"))
def test_any_shell_script_is_read(text: str) -> None:
    assert all(call.words[0] for call in calls(text))


@pytest.mark.parametrize(
    ("words", "file", "expected"),
    [
        (("dotnet", "{file}"), "a/X.dll", ("dotnet", "X.dll")),
        (("{file}",), "a/X", ("./X",)),
        (("mono", "{file}"), "-a.exe", ("mono", "./-a.exe")),
    ],
)
def test_fill(words: tuple[str, ...], file: str, expected: tuple[str, ...]) -> None:
    assert fill(words, file) == expected


@pytest.mark.parametrize(
    "files", [APP, {"run.cmd": "refuse"}, {"run.cmd": "js\npy 3.11"}], ids=["plain", "problem", "also"]
)
def test_a_choice_is_json(files: Files) -> None:
    found = decide(files)
    assert found
    assert TypeAdapter(Choice).validate_json(json.dumps(asdict(found))) == found


_NAMES = st.sampled_from(
    [*OWN, "App.deps.json", "App", "run.cmd", "go.bat", "run.sh", "run.py", "app.jar", "project.json", "package.json"]
)
_CONTENT = st.sampled_from([MANAGED, NATIVE, LINUX, *(str(text).encode() for text in OWN.values())]) | st.binary()


_ODD_NAMES = st.text(alphabet="aA./-\\ é{}", min_size=1).filter(
    lambda path: str(PurePosixPath(path)) == path and path not in (".", "/")  # as unpack gives them
)


@given(st.dictionaries(_NAMES | _ODD_NAMES, _CONTENT))
def test_any_package_has_a_decision(files: dict[str, bytes]) -> None:
    found = decide(files)
    assert found is None or found.path in files
    if found and not found.problem:
        assert bool(found.words) != found.batch
