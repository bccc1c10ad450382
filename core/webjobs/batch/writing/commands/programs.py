"""Programs and other batch files as sh."""

from __future__ import annotations

import re

from webjobs.batch.cells import Argument, Text, Variable, char_of, lstrip, plain, shown, strip, values
from webjobs.batch.errors import NotTaken
from webjobs.batch.writing.commands.interpreters import base_name, interpreter, refuse_windows_tool
from webjobs.batch.writing.names import key_of
from webjobs.batch.writing.quoting import literal
from webjobs.batch.writing.scope import Scope
from webjobs.batch.writing.values import word
from webjobs.model.command_line import split_arguments

BATCH = (".bat", ".cmd")
ENDINGS = (".com", ".exe", ".bat", ".cmd")
"""Endings that cmd tries for a name without one, in its order."""


def write_program(scope: Scope, name: Text, rest: Text) -> list[str]:
    """Return the lines that run a program or another batch file; without ``call`` that does not come back."""
    return _program(scope, scope.text(name), scope.text(rest))


def package_files(scope: Scope, name: Text) -> list[str]:
    """Return the files of the package that a name may mean, the likeliest first.

    Folders that the file can't know when it is translated are left out of the comparison.
    """
    unquoted = tuple(cell for cell in name if cell != '"')
    folder = scope.folder
    if unquoted and isinstance(unquoted[0], Argument) and unquoted[0].modifiers in ("dp", "p"):
        tail = plain(unquoted[1:])
        exact = True
    elif unquoted and isinstance(unquoted[0], Variable):
        # What is known is what follows the last value; D:\home\...\x.exe of a variable is not the package's.
        last = max(i for i, cell in enumerate(unquoted) if values([cell]))
        tail = plain(unquoted[last + 1 :])
        exact, folder = False, ""
        if not tail or char_of(unquoted[last + 1]) not in ("\\", "/"):
            return []
    else:
        tail = plain(unquoted)
        exact = False
    if not tail or re.match(r"[A-Za-z]:", tail):
        return []
    wanted = _normal(tail).lower()
    if not wanted:
        return []
    names = [wanted, *(wanted + ending for ending in ENDINGS)]
    by_lower = {path.lower(): path for path in sorted(scope.script.paths)}
    at_home = [f"{folder}/{each}".lstrip("/").lower() for each in names]
    here = [by_lower[path] for path in at_home if path in by_lower and _can_run(path)]
    if here or exact:
        return here[:1]
    for each in names:
        found = [path for lower, path in by_lower.items() if lower.endswith(f"/{each}") and _can_run(lower)]
        if found:
            return found
    return []


def _can_run(path: str) -> bool:
    return path.lower().endswith((*ENDINGS, ".dll"))


def _normal(path: str) -> str:
    parts: list[str] = []
    for part in path.replace("\\", "/").split("/"):
        if part == "..":
            if not parts:
                continue
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _program(scope: Scope, name: Text, rest: Text) -> list[str]:
    static = plain(name)
    found = package_files(scope, name)
    known = None if values(name[-1:]) else interpreter(_filled(scope, shown(name)))
    if len(found) == 1 and known and scope.script.resolve(found[0]) is None and not found[0].lower().endswith(BATCH):
        # An interpreter for Windows in the package: that of the image stands for it.
        found = []
    if len(found) == 1 and not (known and not _written_as_path(name) and not found[0].lower().endswith(BATCH)):
        return _package_file(scope, found[0], name, rest)
    if len(found) > 1:
        return _at_run_time(scope, name, rest)
    if known:
        runtime, version, words = known
        scope.script.needs(runtime, version)
        return run_lines(scope, words, rest)
    if static is None:
        return _by_value(scope, name, rest)
    bare = base_name(static)
    refuse_windows_tool(bare)
    if bare == "cmd":
        raise NotTaken(f'"{static}" is no plain cmd', "write it as cmd /c")
    if re.search(r"\.(bat|cmd)$", bare):
        scope.script.note(f"{scope.path}, line {scope.line}: {static} is not in the package.")
        return _at_run_time(scope, name, rest)
    if not re.fullmatch(r"[\w.+\-\\/:() ]+", static.strip('"'), re.ASCII):
        return [f"unknown {literal(static)}"]
    scope.script.note(f"{scope.path}, line {scope.line}: {bare} is not in the package, so the image must have it.")
    return _at_run_time(scope, name, rest)


def _written_as_path(name: Text) -> bool:
    return any(char_of(cell) in ("\\", "/") for cell in name)


def _by_value(scope: Scope, name: Text, rest: Text) -> list[str]:
    """Write a program whose name is a value: what the variable may hold decides which runtimes are needed."""
    for value in name:
        if not values([value]):
            continue
        key = key_of(plain(value.name) or "") if isinstance(value, Variable) else ""
        scope.script.candidates |= {_file_name(each) for each in scope.script.contents.get(key, ("*",))}
        for path in sorted(scope.script.contents.get(key, ())):
            known = interpreter(_filled(scope, path))
            if known:
                scope.script.needs(known[0], known[1])
            else:
                refuse_windows_tool(base_name(path))
    return _at_run_time(scope, name, rest)


def _filled(scope: Scope, path: str) -> str:
    """Return a path with the values of those variables that the files set to one text only."""
    for _ in range(3):
        for name in re.findall(r"[%!]([^%!:]+)[%!]", path):
            known = scope.script.contents.get(key_of(name), frozenset())
            if len(known) == 1:
                (text,) = known
                path = path.replace(f"%{name}%", text).replace(f"!{name}!", text)
    return path


def _at_run_time(scope: Scope, name: Text, rest: Text) -> list[str]:
    scope.script.dispatches = True
    static = plain(name)
    if static is not None:
        scope.script.candidates.add(_file_name(static))
    elif any(char_of(cell) in ("\\", "/") for cell in name):
        scope.script.candidates.add("*" if values(name[-1:]) else _file_name(shown(name)))
    verb = "called " if scope.called else ""
    if len(name) == 1 and values(name):
        # A value may hold a program with arguments.
        program = word(scope, (*name, *rest))
        return [*scope.take_setup(), f"{verb}program_text {program}"]
    program, text = word(scope, name), word(scope, rest)
    return [*scope.take_setup(), f"{verb}program {program} {text}"]


def _file_name(path: str) -> str:
    name = re.split(r"[\\/]", path.strip('" '))[-1].lower()
    return "*" if set(name) & set("%!") else name


def _package_file(scope: Scope, path: str, name: Text, rest: Text) -> list[str]:
    scope.script.uses.add(path)
    if path.lower().endswith(BATCH):
        return _batch(scope, path, name, rest)
    return run_lines(scope, started(scope, path), rest)


def started(scope: Scope, path: str) -> tuple[str, ...]:
    """Return the words of sh that start a program file of the package; raises ``NotTaken`` when nothing can."""
    run = scope.script.resolve(path)
    if run is None:
        raise NotTaken(f'"{path}" is a program that only Windows can run', "use a file for .NET, or run it elsewhere")
    scope.script.needs(run.runtime)
    scope.script.uses.add(path)
    words: list[str] = []
    for part in run.words:
        target = path if part == "{file}" else part if part in scope.script.paths else None
        words.append(literal(part) if target is None else f'"$root"/{literal(target)}')
    return tuple(words)


def _batch(scope: Scope, path: str, name: Text, rest: Text) -> list[str]:
    function = scope.script.function_of(path)
    spelled, arguments = word(scope, name), word(scope, lstrip(rest))
    lines = [*scope.take_setup(), f"invoke {function} '' {spelled} {arguments}"]
    if scope.called:
        return lines
    # Without "call" nothing after it runs.
    return [*lines, 'quit "$err"'] if scope.subshell else [*lines, "return"]


def run_lines(scope: Scope, words: tuple[str, ...], rest: Text) -> list[str]:
    """Return the lines that run a program with the arguments of a text."""
    text = strip(rest)
    static = plain(text)
    if words == ("python3",):
        text, static = _python(text, static)
        if static is not None and re.match(r"-m\s+pip\b", static):
            words, text = ("pip",), strip(text[static.index("pip") + 3 :])
            static = plain(text)
    if words in (("pip",), ("power_shell",)):
        if words == ("power_shell",):
            _note_power_shell(scope, text)
        arguments = word(scope, text)
        return [*scope.take_setup(), f"{words[0]} {arguments}"]
    if static is not None:
        return [" ".join(["run", *words, *(literal(part) for part in split_arguments(static))])]
    arguments = word(scope, text)
    return [*scope.take_setup(), " ".join(["run_text", arguments, *words])]


def _python(text: Text, static: str | None) -> tuple[Text, str | None]:
    """Leave out the version that the launcher py is asked for: the image has one."""
    leading = "".join(char_of(cell) or "\0" for cell in text)
    version = re.match(r"-[23](\.\d+)?(-(32|64))?(\s+|$)", leading)
    if not version:
        return text, static
    text = text[version.end() :]
    return text, plain(text)


def _note_power_shell(scope: Scope, text: Text) -> None:
    if re.search(r"-(ex\w*|ep|w\w*)\s", shown(text), re.IGNORECASE):
        scope.script.note(
            f"{scope.path}, line {scope.line}: options of PowerShell that only Windows has are left out, such as "
            "-ExecutionPolicy."
        )
