"""Batch files by a seed, for a comparison of the translated script with another cmd.

``generate(seed)`` keeps to what Wine's cmd does as Windows does. It leaves out where Wine 8 or 10 is wrong:

- ``if ( ) else ( )`` over several lines, and chains of ``if`` with one ``else``
- ``&&`` and ``||`` behind own commands of cmd, and ``||`` that sets ERRORLEVEL
- ``set`` and ``cd`` that set ERRORLEVEL to 0 in a .cmd file
- an argument of ``call`` with ``,``, ``;`` or ``=``, ``shift`` with a number, ``%*`` behind ``shift``
- ``echo`` with a separator other than ``.`` and ``:``, a handle before ``>`` other than 1 and 2
- options of ``for /f`` other than tokens and delims, and text in back quotes
- operators of ``set /a`` with two characters, unary ones, and numbers that are too large
- replacements that begin with ``*``, substrings of variables that are not defined
- ``echo`` that is on, a mark of byte order, codes above 255
- ``endlocal`` with a ``set`` behind ``&``, delayed expansion of ``!X:a=b!``
- substrings that begin at the end of a value: Wine 10 gives its last character, Windows nothing
- values with ``(``, ``)``, ``&``, ``|``, ``<`` or ``>``: they are operators in cmd, and data here
- ``find``, ``findstr``, ``sort``, ``robocopy``: Wine has none of them, or less than Windows
"""

from __future__ import annotations

import random
from collections.abc import Callable

_WORDS = ("alpha", "Beta", "gamma delta", "x-1", "100", "a.b", "path\\to", "it's", "$HOME", "`id`", "~x")
_NAMES = ("ONE", "Two", "three_3", "LAST")
_FOLDERS = ("out", "out\\deep", "other")


class _Writer:
    """Writes the lines of one file, and knows which variables and labels it has."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 (not for secrets)
        self._lines = ["@echo off"]
        self._subroutines: list[str] = []
        self._count = 0

    def text(self) -> str:
        """Return the whole file."""
        statements: tuple[Callable[[], list[str]], ...] = (
            self._echo,
            self._set,
            self._arithmetic,
            self._condition,
            self._list,
            self._count_up,
            self._string,
            self._call,
            self._files,
            self._jump,
            self._code,
            self._folders,
            self._local,
        )
        self._lines += [f"set {name}={self._word()}" for name in _NAMES]
        for _ in range(self._random.randint(4, 14)):
            self._lines += self._random.choice(statements)()
        self._lines += [f"exit /b {self._random.randint(0, 9)}", *self._subroutines]
        return "\r\n".join(self._lines) + "\r\n"

    def _word(self) -> str:
        return self._random.choice(_WORDS)

    def _value(self) -> str:
        name = self._random.choice(_NAMES)
        name = self._random.choice((name, name.upper(), name.lower()))
        return self._random.choice((f"%{name}%", f"%{name}:~1%", f"%{name}:~0,3%", f"%{name}:~-2%", f"%{name}:a=o%"))

    def _next(self, kind: str) -> str:
        self._count += 1
        return f"{kind}{self._count}"

    def _echo(self) -> list[str]:
        return [
            self._random.choice(("echo [{}] {}", 'echo "{}" {}.', "echo:{} {}", "echo.{}-{}")).format(
                self._value(), self._word()
            )
        ]

    def _set(self) -> list[str]:
        name = self._random.choice(_NAMES)
        return [self._random.choice((f"set {name}={self._value()}", f'set "{name}={self._word()} {self._value()}"'))]

    def _arithmetic(self) -> list[str]:
        first, second, third = (self._random.randint(1, 99) for _ in range(3))
        operator, other = self._random.choice("+-*"), self._random.choice("+-*/")
        name = self._next("N")
        return [f"set /a {name}={first}{operator}{second}{other}{third}", f"echo %{name}%"]

    def _condition(self) -> list[str]:
        name = self._random.choice(_NAMES)
        test = self._random.choice(
            (
                f'"%{name}%"=="{self._word()}"',
                f'not "%{name}%"=="{self._word()}"',
                f'/i "%{name}%"=="{self._word().upper()}"',
                f"defined {name}",
                "not defined NOTHING_HERE",
                "exist run.cmd",
                "not exist nothing.txt",
                f"{self._random.randint(0, 20)} GTR {self._random.randint(0, 20)}",
                f"{self._random.randint(0, 20)} LEQ {self._random.randint(0, 20)}",
            )
        )
        return [
            f"if {test} (",
            f"  echo yes {self._value()}",
            f"  set {name}=changed %{name}%",
            ")",
            f"echo [%{name}%]",
        ]

    def _list(self) -> list[str]:
        items = " ".join(self._random.sample(("a", "b", '"c d"', "e.txt", "5"), self._random.randint(1, 4)))
        shown = self._random.choice(("%%i", "%%~i", "%%~ni", "%%~xi", "%%~nxi"))
        return [f"for %%i in ({items}) do echo item {shown}"]

    def _count_up(self) -> list[str]:
        start, step = self._random.randint(0, 5), self._random.randint(1, 3)
        return [f"for /l %%n in ({start},{step},{start + 7}) do echo number %%n"]

    def _string(self) -> list[str]:
        fields = ",".join(self._random.sample(("p", "q", "r s", "t"), 3))
        return [f'for /f "tokens=1,2 delims=," %%a in ("{fields}") do echo first %%a second %%b']

    def _call(self) -> list[str]:
        name, code = self._next("sub"), self._random.randint(0, 9)
        self._subroutines += [f":{name}", "echo in %0 [%1] [%~2] [%3]", f"exit /b {code}"]
        return [f'call :{name} {self._random.choice(("a", "b-c"))} "two words" %ONE:~0,1%', "echo code %ERRORLEVEL%"]

    def _files(self) -> list[str]:
        name = f"{self._next('file')}.txt"
        return [f"echo line %TWO%>{name}", f"echo more >>{name}", f"type {name}", f"del {name}"]

    def _folders(self) -> list[str]:
        folder = self._random.choice(_FOLDERS)
        return [
            f"if not exist {folder} mkdir {folder}",
            f"if exist {folder}\\ echo made",
            "rmdir /s /q out other 2>nul",
        ]

    def _jump(self) -> list[str]:
        label = self._next("label")
        return [f"goto {self._random.choice(('', ':'))}{label}", "echo not reached", f":{label}", f"echo at {label}"]

    def _code(self) -> list[str]:
        code = self._random.randint(0, 9)
        return [
            f"cmd /c exit {code}",
            f"if errorlevel {self._random.randint(0, 9)} echo at least",
            "echo code %ERRORLEVEL%",
        ]

    def _local(self) -> list[str]:
        name = self._random.choice(_NAMES)
        return ["setlocal", f"set {name}=within", f"echo %{name}%", "endlocal", f"echo %{name}%"]


def generate(seed: int) -> str:
    """Return a batch file; the same one for the same seed."""
    return _Writer(seed).text()
