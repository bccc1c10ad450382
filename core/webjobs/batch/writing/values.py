"""Values of the run as words of sh."""

from __future__ import annotations

from webjobs.batch.cells import (
    Argument,
    Cell,
    Escaped,
    ForVariable,
    Replacement,
    Substring,
    Text,
    Value,
    Variable,
    lstrip,
    plain,
    strip,
)
from webjobs.batch.writing.names import CLOCK, SPECIAL, key_of, loop_variable
from webjobs.batch.writing.quoting import Reference, joined
from webjobs.batch.writing.scope import Scope


def word(scope: Scope, text: Text) -> str:
    """Return a text as one word of sh. What has to run before it is added to ``scope.setup``."""
    return joined(_parts(scope, text))


def stripped_word(scope: Scope, text: Text) -> str:
    """Return a text without blanks at its ends as one word of sh."""
    return word(scope, strip(text))


def _parts(scope: Scope, text: Text) -> list[str | Reference]:
    parts: list[str | Reference] = []
    for cell in text:
        added = _part(scope, cell)
        for part in added:
            if isinstance(part, str) and parts and isinstance(parts[-1], str):
                parts[-1] += part
            else:
                parts.append(part)
    return parts


def _part(scope: Scope, cell: Cell) -> list[str | Reference]:
    if cell == "\n":
        return [Reference("NL")]
    if isinstance(cell, str):
        return [cell]
    if isinstance(cell, Escaped):
        return [cell.char]
    constant = own_path(scope, cell) if isinstance(cell, Argument) else None
    return constant or [Reference(reference(scope, cell))]


def own_path(scope: Scope, argument: Argument) -> list[str | Reference] | None:
    """Return the words for ``%~dp0`` and the like, which are the file's own path; None for others."""
    if argument.index != "0" or not argument.modifiers or set(argument.modifiers) - set("fdpnxs"):
        return None
    folder, _, name = scope.path.replace("/", "\\").rpartition("\\")
    stem, dot, ending = name.rpartition(".")
    modifiers = set("fdpnx" if "f" in argument.modifiers else argument.modifiers)
    parts: list[str | Reference] = []
    if "p" in modifiers:
        parts += [Reference("root"), f"\\{folder}\\" if folder else "\\"]
    if "n" in modifiers:
        parts.append(stem if dot else name)
    if "x" in modifiers and dot:
        parts.append(f".{ending}")
    return parts or [""]


def reference(scope: Scope, value: Value) -> str:
    """Return the variable of sh that has a value; what fills it is added to ``scope.setup``."""
    if value in scope.snapshots:
        return scope.snapshots[value]
    direct = direct_reference(scope, value)
    if direct:
        return direct
    fill(scope, value)
    name = scope.temporary()
    scope.setup.append(f"{name}=$R")
    return name


def direct_reference(scope: Scope, value: Value) -> str | None:
    """Return the variable of sh that always has this value; None when it takes a function to get it."""
    if isinstance(value, Argument):
        if value.modifiers is not None:
            return None
        return "all" if value.index == "*" else f"a{value.index}"
    if isinstance(value, ForVariable):
        name = loop_variable(value.letter)
        scope.locals.add(name)
        return None if value.modifiers is not None else name
    name_text = plain(value.name)
    if name_text is None or value.change is not None:
        return None
    return _variable(scope, name_text)


def _variable(scope: Scope, name: str) -> str | None:
    key = key_of(name)
    if key in SPECIAL and key not in scope.script.assigned:
        return SPECIAL[key]
    if key in SPECIAL or (key in CLOCK and key not in scope.script.assigned):
        return None
    scope.script.reads.setdefault(key, name)
    return f"v_{key}"


def fill(scope: Scope, value: Value) -> None:
    """Add the lines to ``scope.setup`` that leave a value in R."""
    if isinstance(value, Argument | ForVariable):
        base = _base(scope, value)
        if value.search:
            scope.setup.append(f'parts_along {value.modifiers or "f"} "${base}" {joined([value.search])}')
        elif not (value.modifiers or "").replace("s", ""):
            scope.setup.append(f'unquote "${base}"' if value.modifiers is not None else f"R=${base}")
        else:
            scope.setup.append(f'parts {value.modifiers} "${base}"')
        return
    source = _source(scope, value.name)
    if value.change is None:
        if source != '"$R"':
            scope.setup.append(f"R={source}")
        return
    if source == '"$R"':
        kept = scope.temporary()
        scope.setup.append(f"{kept}=$R")
        source = f'"${kept}"'
    scope.setup.append(_changed(scope, value.change, source))


def _base(scope: Scope, value: Argument | ForVariable) -> str:
    if isinstance(value, ForVariable):
        scope.locals.add(loop_variable(value.letter))
        return loop_variable(value.letter)
    return "all" if value.index == "*" else f"a{value.index}"


def _source(scope: Scope, name: Text) -> str:
    """Return the word of sh for a variable; ``"$R"`` when a function has to find it, which is added."""
    text = plain(name)
    if text is None:
        scope.setup.append(f"value_of {word(scope, name)}")
        return '"$R"'
    direct = _variable(scope, text)
    if direct:
        return f'"${direct}"'
    key = key_of(text)
    if key in SPECIAL:
        return f'"${{v_{key}:-${SPECIAL[key]}}}"'
    # All of a statement shows the same moment.
    moment = Variable((key,))
    if moment not in scope.snapshots:
        scope.setup += [CLOCK[key], f"{scope.snapshot(moment)}=$R"]
    return f'"${scope.snapshots[moment]}"'


def _changed(scope: Scope, change: Substring | Replacement, source: str) -> str:
    if isinstance(change, Replacement):
        return f"replace {source} {word(scope, change.search)} {word(scope, change.new)}"
    start = word(scope, lstrip(change.start))
    if change.length is None:
        return f"substring {source} {start} '' ''"
    return f"substring {source} {start} {word(scope, lstrip(change.length))} 1"
