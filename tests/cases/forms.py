"""65 batch files in the forms that public repositories have (its counts of lengths and programs), all of our own.

One command 20, a straight list 25, ``if`` 13, ``for``, ``goto`` and subroutines 7. They run python 23, dotnet 17, a
program of their own 8, php 4, node 2, java, curl, powershell and git 1 each, nothing but cmd 7.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Files = dict[str, str | bytes]

NET8 = '{"runtimeOptions": {"tfm": "net8.0", "framework": {"name": "Microsoft.NETCore.App", "version": "8.0.0"}}}'
NET6 = '{"runtimeOptions": {"tfm": "net6.0", "framework": {"name": "Microsoft.NETCore.App", "version": "6.0.0"}}}'
NET22 = '{"runtimeOptions": {"framework": {"name": "Microsoft.NETCore.App", "version": "2.2.0"}}}'
WEB8 = '{"runtimeOptions": {"frameworks": [{"name": "Microsoft.NETCore.App", "version": "8.0.0"}, '
WEB8 += '{"name": "Microsoft.AspNetCore.App", "version": "8.0.0"}]}}'


@dataclass(frozen=True)
class Form:
    """A batch file, and the files beside it."""

    name: str
    text: str
    files: Files = field(default_factory=dict)
    """Content by path; the words managed and native stand for programs of those kinds."""


def _net(name: str, config: str = NET8) -> Files:
    return {f"{name}.dll": b"MZ", f"{name}.runtimeconfig.json": config}


PY: Files = {"main.py": "print(1)\n"}
OFF = "@echo off\n"

ONE_COMMAND = [
    Form("dotnet-args", "dotnet Job.dll %*\n", _net("Job")),
    Form("dotnet-no-args", "dotnet Job.dll\n", _net("Job", NET6)),
    Form("dotnet-off", OFF + "dotnet Mailer.dll %*\n", _net("Mailer")),
    Form("dotnet-web", "dotnet Site.Worker.dll %*\n", _net("Site.Worker", WEB8)),
    Form("dotnet-old", "dotnet Old.dll %*\n", _net("Old", NET22)),
    Form("dotnet-dir", 'dotnet "%~dp0Job.dll" %*\n', _net("Job")),
    Form("exe-core", "Tool.exe %*\n", {"Tool.exe": "native", **_net("Tool")}),
    Form("exe-core-plain", OFF + "Tool.exe\n", {"Tool.exe": "native", **_net("Tool", NET6)}),
    Form("exe-framework", "Import.exe\n", {"Import.exe": "managed", "Import.exe.config": "<configuration/>"}),
    Form("exe-framework-args", "@Import.exe %1 %2\n", {"Import.exe": "managed"}),
    Form("exe-native", "scan.exe --all\n", {"scan.exe": "native"}),
    Form("python", "python main.py\n", PY),
    Form("python-args", "python main.py %*\n", PY),
    Form("python-home", "D:\\home\\python364x64\\python.exe main.py\n", PY),
    Form("python-home-variable", "%HOME%\\python3111x64\\python.exe main.py\n", PY),
    Form("python-u", OFF + "python -u main.py\n", PY),
    Form("php", 'php "%HOME%\\site\\wwwroot\\cron.php"\n'),
    Form("php-path", '"D:\\Program Files (x86)\\PHP\\v7.0\\php.exe" -f job.php\n', {"job.php": "<?php echo 1;"}),
    Form("node", "node index.js\n", {"index.js": "console.log(1)"}),
    Form("curl", "curl -s -X POST https://example.com/ping\n"),
]

LISTS = [
    Form("pip-python", "pip install -r requirements.txt\npython main.py\n", PY | {"requirements.txt": ""}),
    Form(
        "pip-full",
        "D:\\home\\python364x64\\python.exe -m pip install requests\nD:\\home\\python364x64\\python.exe main.py\n",
        PY,
    ),
    Form("pip-upgrade", OFF + "python -m pip install --upgrade pip\npip install pandas\npython main.py\n", PY),
    Form(
        "pip-target",
        OFF + "pip install -r requirements.txt -t lib\nset PYTHONPATH=lib\npython main.py\n",
        PY | {"requirements.txt": ""},
    ),
    Form("rem-python", "rem runs each night\npython main.py\n", PY),
    Form("cd-python", "cd %~dp0\npython main.py\n", PY),
    Form("cd-d-python", OFF + 'cd /d "%HOME%\\site\\wwwroot"\npython manage.py job\n'),
    Form("set-python", OFF + "set MODE=prod\nset LEVEL=2\npython main.py --mode %MODE%\n", PY),
    Form("two-pythons", "python one.py\npython two.py\n", {"one.py": "", "two.py": ""}),
    Form("echo-date-python", OFF + "echo started %DATE% %TIME%\npython main.py\necho ended %DATE% %TIME%\n", PY),
    Form("log-python", OFF + "python main.py >> log.txt 2>&1\ntype log.txt\n", PY),
    Form("set-home", OFF + "set PATH=%HOME%\\python3111x64;%PATH%\npython main.py\n", PY),
    Form("dotnet-cd", OFF + "cd app\ndotnet Job.dll\n", {f"app/{name}": text for name, text in _net("Job").items()}),
    Form("dotnet-set", "set ASPNETCORE_ENVIRONMENT=Production\ndotnet Job.dll run\n", _net("Job")),
    Form("dotnet-two", OFF + "dotnet Job.dll first\ndotnet Job.dll second\n", _net("Job")),
    Form("dotnet-echo", "@echo start\n@dotnet Job.dll\n@echo done\n", _net("Job")),
    Form("dotnet-up", OFF + "cd ..\\..\\..\\..\\\ndotnet site.dll --job\n"),
    Form("exe-rem", "REM the import\nImport.exe /quiet\n", {"Import.exe": "managed"}),
    Form("exe-pushd", OFF + "pushd bin\nImport.exe\npopd\n", {"bin/Import.exe": "managed"}),
    Form("php-cd", "cd D:\\home\\site\\wwwroot\nphp artisan schedule:run\n"),
    Form("php-two", OFF + "php %WEBROOT_PATH%\\one.php\nphp %WEBROOT_PATH%\\two.php\n"),
    Form("java", OFF + 'set OPTS=-Xmx256m\n"%JAVA_HOME%\\bin\\java.exe" %OPTS% -jar app.jar\n', {"app.jar": b"PK"}),
    Form("powershell", OFF + "powershell -NoProfile -ExecutionPolicy Bypass -File job.ps1\n", {"job.ps1": "1"}),
    Form("robocopy", "robocopy %HOME%\\data\\in %HOME%\\data\\out /E /NFL /NDL\n"),
    Form("date-time", "date /T\ntime /T\ndir\n"),
]

CONDITIONS = [
    Form(
        "venv",
        OFF + "if not exist venv (\n  python -m venv venv\n  pip install -r requirements.txt\n)\npython main.py\n",
        PY | {"requirements.txt": ""},
    ),
    Form(
        "marker",
        OFF + 'if not exist "%WEBJOBS_DATA_PATH%\\ready" (\n  pip install requests\n'
        '  echo yes> "%WEBJOBS_DATA_PATH%\\ready"\n)\npython main.py\n',
        PY,
    ),
    Form("errorlevel-if", OFF + "python main.py\nif errorlevel 1 exit /b 1\necho fine\n", PY),
    Form(
        "errorlevel-variable",
        OFF + "dotnet Job.dll\nif %ERRORLEVEL% NEQ 0 (\n  echo failed %ERRORLEVEL%\n  exit /b %ERRORLEVEL%\n)\n",
        _net("Job"),
    ),
    Form(
        "mode",
        OFF + 'if "%MODE%"=="prod" (\n  dotnet Job.dll --prod\n) else (\n  dotnet Job.dll --test\n)\n',
        _net("Job"),
    ),
    Form(
        "chained",
        OFF + 'if "%1"=="a" (dotnet Job.dll a) else if "%1"=="b" (dotnet Job.dll b) else (exit /b 2)\n',
        _net("Job"),
    ),
    Form("defined", OFF + "if not defined TARGET set TARGET=main.py\npython %TARGET%\n", PY),
    Form("exists-file", OFF + "if exist old.txt del old.txt\npython main.py > old.txt\ntype old.txt\n", PY),
    Form("robocopy-code", "robocopy ..\\in out /MIR\nif %ERRORLEVEL% GEQ 8 exit 1\nexit /b 0\n"),
    Form("folders", OFF + "if not exist out mkdir out\nif exist tmp rd /s /q tmp\necho 1 > out\\a.txt\ndir /b out\n"),
    Form(
        "exe-check",
        OFF + "Import.exe %*\nif errorlevel 2 (exit /b 2)\nif errorlevel 1 (exit /b 1)\n",
        {"Import.exe": "managed"},
    ),
    Form("node-modules", OFF + "if not exist node_modules (call npm install)\nnode index.js\n", {"index.js": "1"}),
    Form("git", OFF + 'if exist repo (cd repo & git pull) else (git clone "%REPO%" repo)\n'),
]

FLOW = [
    Form("for-files", OFF + 'for %%f in (*.csv) do (\n  echo %%~nf\n  python main.py "%%f"\n)\n', PY),
    Form(
        "for-f",
        OFF + "setlocal enabledelayedexpansion\nset N=0\n"
        'for /f "delims=" %%a in (\'dir /b "*.csv" 2^>nul\') do (set /a N+=1)\necho !N!\n',
    ),
    Form("for-d", OFF + 'for /d %%d in (*) do rd /s /q "%%d"\n'),
    Form(
        "goto-loop",
        OFF + ":again\ndotnet Job.dll\nif errorlevel 1 goto failed\ngoto done\n:failed\necho failed\n"
        "exit /b 1\n:done\nexit /b 0\n",
        _net("Job"),
    ),
    Form(
        "subroutine",
        OFF + "call :step one\ncall :step two\ngoto :eof\n:step\necho step %1\ndotnet Job.dll %1\nexit /b\n",
        _net("Job"),
    ),
    Form(
        "other-file",
        OFF + "call setup.cmd\ncall :job\nexit /b %ERRORLEVEL%\n:job\ndotnet Job.dll\ngoto :eof\n",
        {"setup.cmd": "set READY=1\n", **_net("Job")},
    ),
    Form("newest", OFF + "for %%f in (in\\*.zip) do set LAST=%%~zf & set NAME=%%~nxf\necho %NAME% %LAST%\n"),
]

FORMS = [*ONE_COMMAND, *LISTS, *CONDITIONS, *FLOW]
"""All of them."""
