"""Programs: what becomes of their names, their arguments and their codes; which runtimes a file needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.batch_cases import SHELLS, run_package, translated
from webjobs.batch import Untranslatable

SHOW = 'printf "%s" "$(basename "$0")"; for each in "$@"; do printf " [%s]" "$each"; done; echo'
"""A program that shows its name and its arguments."""
NAMES = ("dotnet", "node", "npm", "npx", "python3", "php", "java", "pwsh", "curl", "git", "mono", "azcopy", "tool")
FILES = {
    "App.exe": b"MZ",
    "sub/Other.exe": b"MZ",
    "App.dll": b"MZ",
    "script.py": b"",
    "data/in.txt": b"",
    "helper.bat": b"@echo helper %*",
}


def shown(text: str, folder: Path, shell: str = "dash", **more: str) -> str:
    files = {**FILES, "run.cmd": f"@echo off\n{text}\n".encode()}
    done = run_package(files, folder / "job", shell=shell, programs=dict.fromkeys(NAMES, SHOW), **more)  # type: ignore[arg-type]
    return done.stdout.decode().replace(str(done.work), "{DIR}").rstrip("\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dotnet App.dll %*", 'dotnet [App.dll] [a] [b c] [d"e]'),
        ('dotnet "App.dll" one "two three"', "dotnet [App.dll] [one] [two three]"),
        ("App.exe %*", 'mono [{DIR}/App.exe] [a] [b c] [d"e]'),
        ("app one", "mono [{DIR}/App.exe] [one]"),
        ("%~dp0App.exe x", "mono [{DIR}/App.exe] [x]"),
        ('"%~dp0sub\\Other.exe" x', "mono [{DIR}/sub/Other.exe] [x]"),
        ("sub\\other x", "mono [{DIR}/sub/Other.exe] [x]"),
        ("cd sub\nOther.exe x", "mono [{DIR}/sub/Other.exe] [x]"),
        ("call App.exe y", "mono [{DIR}/App.exe] [y]"),
        ("App.dll", "dotnet [{DIR}/App.dll]"),
        ("D:\\home\\python364x64\\python.exe script.py", "python3 [script.py]"),
        ("%HOME%\\python3111x64\\python.exe script.py -x", "python3 [script.py] [-x]"),
        ('"D:\\Program Files (x86)\\PHP\\v7.0\\php.exe" -f x.php', "php [-f] [x.php]"),
        ("py -3.11 script.py", "python3 [script.py]"),
        ("python -m pip install requests", "python3 [-m] [pip] [install] [requests]"),
        ("pip install -r requirements.txt", "python3 [-m] [pip] [install] [-r] [requirements.txt]"),
        ("python.exe .\\data\\in.txt ..\\x", "python3 [./data/in.txt] [../x]"),
        ("node data\\in.txt data\\out.txt DOMAIN\\user", "node [data/in.txt] [data/out.txt] [DOMAIN\\user]"),
        ("node %~dp0data\\IN.TXT", "node [{DIR}/data/in.txt]"),
        ("node ^d\\d+$ \\d", "node [d\\d+$] [\\d]"),
        ("npm install --quiet", "npm [install] [--quiet]"),
        ("call npm run build", "npm [run] [build]"),
        ("java -jar x.jar", "java [-jar] [x.jar]"),
        ("powershell -ExecutionPolicy Bypass -NoLogo -File .\\x.ps1 -A 1", "pwsh [-NoLogo] [-File] [./x.ps1] [-A] [1]"),
        (
            'powershell -NoProfile -Command "Get-Date; exit 1"',
            "pwsh [-NoLogo] [-NoProfile] [-Command] [Get-Date; exit 1]",
        ),
        ('curl -s "https://host/a?b=c&d=e"', "curl [-s] [https://host/a?b=c&d=e]"),
        ("git --version", "git [--version]"),
        ("tool --out=D:\\home\\data\\x /flag:y", "tool [--out=/home/data/x] [/flag:y]"),
        ("set PY=D:\\home\\python364x64\\python.exe\n%PY% script.py", "python3 [script.py]"),
        ('set DIR=%HOME%\\python\nset PY=%DIR%\\python.exe\n"%PY%" script.py "a b"', "python3 [script.py] [a b]"),
        ("set RUN=node script.js\n%RUN% more", "node [script.js] [more]"),
        ("set EXE=sub\\Other.exe\n%EXE% 1", "mono [{DIR}/sub/Other.exe] [1]"),
        ("set BAT=helper\ncall %BAT% 1 2", "helper 1 2"),
        ("for %%p in (App.exe sub\\Other.exe) do %%p x", "mono [{DIR}/App.exe] [x]\nmono [{DIR}/sub/Other.exe] [x]"),
        ('tool "" "a\\\\" "b\\"c" d""e', 'tool [] [a\\] [b"c] [de]'),
        ('set E=\ntool %E% "%E%" x', "tool [] [x]"),
        ("tool %PATH_LIKE%", "tool [a;b]"),
        ("tool *.txt $HOME ~ `x`", "tool [*.txt] [$HOME] [~] [`x`]"),
        ("tool a;b,c d=e", "tool [a;b,c] [d=e]"),
        ("for /f \"delims=\" %%i in ('node --version') do echo got %%i", "got node [--version]"),
        ("start /b /wait node x", "node [x]"),
        ('node x | find "node"', "node [x]"),
    ],
)
@pytest.mark.parametrize("shell", SHELLS)
def test_arguments(text: str, expected: str, shell: str, tmp_path: Path) -> None:
    assert shown(text, tmp_path, shell, args='a "b c" d\\"e', env={"PATH_LIKE": "a;b"}) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "runtimes", "versions"),
    [
        ("echo x", set(), {}),
        ("dotnet App.dll", {"dotnet"}, {}),
        ("App.exe", {"mono"}, {}),
        ("D:\\home\\python364x64\\python.exe script.py", {"py"}, {"py": "3.6"}),
        ("%HOME%\\python3111x64\\python.exe script.py", {"py"}, {"py": "3.11"}),
        ("D:\\home\\python27\\python.exe script.py", {"py"}, {"py": "2.7"}),
        ('"D:\\Program Files (x86)\\PHP\\v7.0\\php.exe" x.php', {"php"}, {"php": "7.0"}),
        ("set PY=D:\\home\\python364x64\\python.exe\n%PY% x.py", {"py"}, {"py": "3.6"}),
        ("call npm ci\nnode x.js", {"js"}, {}),
        ("powershell -File x.ps1\ncurl x\npip install y\njava -version", {"ps1", "tools", "py", "jar"}, {}),
        ("exit /b\nnode never.js", set(), {}),
    ],
)
def test_runtimes(text: str, runtimes: set[str], versions: dict[str, str]) -> None:
    found = translated({**FILES, "run.cmd": text.encode()})
    assert (set(found.runtimes), dict(found.versions)) == (runtimes, versions)


@pytest.mark.parametrize(
    ("text", "construct", "line"),
    [
        ("tasklist", '"tasklist" is a tool of Windows', 1),
        ("echo x\ntaskkill /f /im x.exe", '"taskkill" is a tool of Windows', 2),
        ("start notepad", '"notepad" is a tool of Windows', 1),
        ('start "C:\\tool.exe"', '"start" has no program', 1),
        ("start /affinity 1 tool", '"start /affinity" is not taken over', 1),
        ("start /d%X% tool", '"start /d%X%" is not taken over', 1),
        ("start https://host/page", '"start https://host/page" opens it', 1),
        ("start report.html", '"start report.html" opens it', 1),
        ("start .", '"start ." opens it', 1),
        ("wmic os get version", '"wmic" is a tool of Windows', 1),
        ("wmic os get localdatetime,version", '"wmic" is a tool of Windows', 1),
        ("forfiles /x", '"forfiles /x" is not taken over', 1),
        ("forfiles /d 01/31/2020", '"forfiles /d 01/31/2020" is no number of days', 1),
        ('forfiles /c "del @path"', "has a command with del @path", 1),
        ('forfiles /c "cmd /c echo @fsize"', "has a command with @fsize", 1),
        ('forfiles /c "cmd /c tasklist"', '"tasklist" is a tool of Windows', 1),
        ("native.exe", '"native.exe" is a program that only Windows can run', 1),
        ("cmd", '"cmd" without /c', 1),
        ("setlocal disableextensions", "disableextensions", 1),
        ("dir /zz", '"dir /zz" is not taken over', 1),
        ("if 1==1 (\necho x\nreg add x\n)", '"reg" is a tool of Windows', 3),
        ("if %X%", '"if" has no whole condition', 1),
        ("for %%i in (a) echo", '"for" has no "do"', 1),
        ("echo x\n(\necho y", '"(" is never closed', 2),
        ("call helper2.bat", '"wmic" is a tool of Windows', 1),
        ("date 01-01-2020", '"date" without /t', 1),
        ("ping example.com", '"ping" asks another machine', 1),
        ("echo a | goto x", '"goto" stands in a pipe', 1),
    ],
)
def test_what_is_refused(text: str, construct: str, line: int) -> None:
    files = {**FILES, "native.exe": b"MZ", "helper2.bat": b"wmic os", "run.cmd": text.encode()}
    with pytest.raises(Untranslatable) as raised:
        translated(files)
    assert construct in raised.value.construct
    assert raised.value.line == line
    assert str(raised.value).startswith(f"{raised.value.file}, line {line}: ")


def test_what_nobody_reaches_stops_nothing() -> None:
    text = "@echo off\ngoto end\ntasklist\n(\n:end\necho end\nexit /b\nwmic os\n"
    assert "tasklist" not in translated({"run.cmd": text.encode(), "other.bat": b"tasklist"}).runtimes


@pytest.mark.parametrize("shell", SHELLS)
def test_a_program_gets_the_variables(shell: str, tmp_path: Path) -> None:
    text = (
        "@echo off\nset NEW=one two\nset Path_Like=x;y\nset lower=case\nset UID=odd\nset a.b=dotted\nset INHERITED=\n"
        "set PATH=%PATH%;D:\\extra\\bin\nenv\n"
    )
    known = {"INHERITED": "x", "PATH_LIKE": "w", "c.d": "kept"}
    done = run_package({"run.cmd": text.encode()}, tmp_path / "job", shell=shell, env=known)
    found = dict(line.split("=", 1) for line in done.stdout.decode().splitlines())
    assert found["PATH"].endswith(":/extra/bin")
    expected = {"NEW": "one two", "PATH_LIKE": "x;y", "lower": "case", "UID": "odd", "a.b": "dotted", "c.d": "kept"}
    assert {name: found.get(name) for name in expected} == expected
    assert not {"INHERITED", "Path_Like", "NL", "err"} & found.keys()
