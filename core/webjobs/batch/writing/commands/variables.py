"""``set``, ``setlocal``, ``endlocal`` and ``path``."""

from __future__ import annotations

from webjobs.batch.cells import Cell, Text, char_of, lstrip, plain, shown, strip
from webjobs.batch.errors import NotTaken
from webjobs.batch.writing.names import key_of
from webjobs.batch.writing.quoting import literal
from webjobs.batch.writing.scope import Scope
from webjobs.batch.writing.values import word


def set_variable(scope: Scope, text: Text) -> list[str]:
    """Write ``set`` in all its forms."""
    body = lstrip(text)
    switch = "".join(char_of(cell) for cell in body[:2]).lower()
    if switch == "/a":
        return _arithmetic(scope, body[2:])
    if switch == "/p":
        return _question(scope, lstrip(body[2:]))
    if switch == "/?":
        raise NotTaken('"set /?" shows a help', "remove it")
    body = unquoted(body)
    name, value = _split(body)
    if value is None:
        return [*_listing(scope, name)]
    key_name = plain(name)
    if key_name is None:
        assigned = word(scope, body)
        return [*scope.take_setup(), f"assign_text {assigned}", *_ok(scope)]
    if not key_name:
        return ["complain 'The syntax of the command is incorrect.' 1"]
    verb = "assign" if scope.is_cmd else "put"
    set_to = word(scope, value)
    return [*scope.take_setup(), f"{verb} {key_of(key_name)} {literal(key_name)} {set_to}"]


def _ok(scope: Scope) -> list[str]:
    return ["err=0"] if scope.is_cmd else []


def unquoted(body: Text) -> Text:
    """Return ``X=value`` of ``"X=value" ignored``; other texts as they are."""
    if not body or body[0] != '"':
        return body
    last = max(i for i, cell in enumerate(body) if cell == '"')
    return lstrip(body[1:last]) if last else body[1:]


def _split(body: Text) -> tuple[Text, Text | None]:
    for i, cell in enumerate(body):
        if cell == "=" and i:
            return body[:i], body[i + 1 :]
    return (body, None) if not body or body[0] != "=" else ((), body[1:])


def _listing(scope: Scope, prefix: Text) -> list[str]:
    listed = word(scope, strip(prefix))
    if any(not isinstance(cell, str) for cell in prefix):
        return [*scope.take_setup(), f"assign_text {listed}"]
    return [f"list_variables {listed}", *_ok(scope)] if not prefix else [f"list_variables {listed}"]


def _arithmetic(scope: Scope, expression: Text) -> list[str]:
    reckoned = word(scope, strip(expression))
    lines = [*scope.take_setup(), f"arithmetic {reckoned}"]
    if scope.command_line:
        return [f'{lines[-1]} && printf %s "$R"'] if len(lines) == 1 else [*lines, 'printf %s "$R"']
    return [*lines[:-1], f"{lines[-1]} && err=0"] if scope.is_cmd else lines


def _question(scope: Scope, text: Text) -> list[str]:
    body = unquoted(text)
    if body[:1] == ("=",):
        shown_word = word(scope, _question_text(body[1:]))
        return [*scope.take_setup(), f"ask '' '' {shown_word}"]
    name, asked = _split(body)
    key_name = plain(name)
    if key_name is None or asked is None:
        raise NotTaken(f'"set /p {shown(text)}" has no name that is known before', "write the name into the line")
    shown_word = word(scope, _question_text(asked))
    return [*scope.take_setup(), f"ask {key_of(key_name)} {literal(key_name)} {shown_word}"]


def _question_text(asked: Text) -> Text:
    """Return what ``set /p`` shows: a text in quotes without them."""
    if asked[:1] != ('"',):
        return asked
    last = max(i for i, cell in enumerate(asked) if cell == '"')
    return asked[1:last] if last else asked[1:]


def setlocal(scope: Scope, text: Text) -> list[str]:
    """Write ``setlocal``; delayed expansion is switched on or off from here on."""
    options = (plain(strip(text)) or "").lower().split()
    delayed = scope.delayed
    for option in options:
        match option:
            case "enabledelayedexpansion":
                delayed = True
            case "disabledelayedexpansion":
                delayed = False
            case "enableextensions":
                pass
            case "disableextensions":
                raise NotTaken('"setlocal disableextensions" switches to the language of 1993', "remove it")
            case _:
                raise NotTaken(f'"setlocal {option}" is no option of cmd', "remove it")
    scope.scopes.append(delayed)
    return ["scope_begin", *(["err=0"] if options or scope.is_cmd else [])]


def endlocal(scope: Scope, _text: Text) -> list[str]:
    """Write ``endlocal``."""
    if len(scope.scopes) > 1:
        scope.scopes.pop()
    return ["scope_end"]


def path(scope: Scope, text: Text) -> list[str]:
    """Write ``path``: sets or shows PATH."""
    body: list[Cell] = list(strip(text))
    if body[:1] == ["="]:
        body = list(strip(body[1:]))
    if not body:
        scope.script.reads.setdefault("PATH", "PATH")
        return ['say "PATH=$v_PATH"']
    value = word(scope, tuple(body) if body != [";"] else ())
    return [*scope.take_setup(), f"{'assign' if scope.is_cmd else 'put'} PATH PATH {value}"]
