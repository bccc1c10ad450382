"""The tree of a batch file: what expands, what an operator is, and what belongs to what."""

from __future__ import annotations

import pytest

from webjobs.batch.cells import shown, values
from webjobs.batch.reading.expansion import expand_delayed, expand_for, expand_percent
from webjobs.batch.reading.for_options import for_options
from webjobs.batch.reading.parser import parse_file
from webjobs.batch.reading.syntax import Block, Broken, Chain, Command, For, If, Item, Label


@pytest.mark.parametrize(
    ("text", "expected", "count"),
    [
        ("plain", "plain", 0),
        ("100%%", "100%", 0),
        ("a % b", "a  b", 0),
        ("%X%", "%X%", 1),
        ("%X%%Y%", "%X%%Y%", 2),
        ("%X", "X", 0),
        ("%1%2", "%1%2", 2),
        ("%1abc%", "%1abc", 1),
        ("%*", "%*", 1),
        ("%~dp0x", "%~dp0x", 1),
        ("%~zz", "~zz", 0),
        ("%X:~0,3%", "%X%", 1),
        ("%X:a=b%", "%X%", 1),
        ("%%i %%~ni", "%i %~ni", 0),
        ("%%%%", "%%", 0),
        ("%A B%", "%A B%", 1),
    ],
)
def test_percent(text: str, expected: str, count: int) -> None:
    found = expand_percent(tuple(text))
    assert (shown(found), len(values(found))) == (expected, count)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a!X!b", "a!X!b"), ("wow!", "wow"), ("wow^!", "wow!"), ("a^b", "a^b"), ("!X:~1!", "!X!"), ("!!", "")],
)
def test_delayed(text: str, expected: str) -> None:
    assert shown(expand_delayed(tuple(text))) == expected


@pytest.mark.parametrize(
    ("text", "letters", "count"),
    [
        ("%i", "i", 1),
        ("%j", "i", 0),
        ("%~nxi", "i", 1),
        ("%~na", "a", 1),
        ("%i%j", "ij", 2),
        ("%I", "i", 0),
        ("i", "i", 0),
    ],
)
def test_variables_of_loops(text: str, letters: str, count: int) -> None:
    assert len(values(expand_for(tuple(text), letters))) == count


def tree(item: Item) -> str:
    """A tree as text: commands in brackets, chains with their operator."""
    match item:
        case Command():
            ends = "".join(f" {r.handle}{r.operator}{shown(r.target)}" for r in item.redirections)
            return f"[{shown(item.name)}{shown(item.rest)}{ends}]"
        case Block():
            return "(" + " ".join(tree(node) for node in item.nodes) + ")"
        case Chain():
            return f"<{tree(item.left)} {item.operator} {tree(item.right)}>"
        case If():
            otherwise = f" else {tree(item.otherwise)}" if item.otherwise else ""
            negated = "not " if item.condition.negated else ""
            return f"if {negated}{shown(item.condition.left)}{item.condition.kind} {tree(item.then)}{otherwise}"
        case For():
            return f"for{item.kind} {item.letters} ({shown(item.items)}) {tree(item.body)}"
        case Label():
            return f":{item.name}"
        case Broken():
            return f"broken {item.line}: {item.construct}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a & b && c || d | e", "<[a ] & <<[b ] && [c ]> || <[d ] | [e]>>>"),
        ("a || b && c", "<[a ] || <[b ] && [c]>>"),
        ("a &", "[a ]"),
        ("if 1==1 a & b", "if 1== <[a ] & [b]>"),
        ("if 1==1 a else b", "if 1== [a else b]"),
        ("if 1==1 (a) else b & c", "if 1== ([a]) else <[b ] & [c]>"),
        ("if 1==1 a && (b) else c", "if 1== <[a ] && ([b])> else [c]"),
        ("if 1==1 if 2==2 (a) else (b) else c", "if 1== if 2== ([a]) else ([b]) else [c]"),
        ("if not exist x a", "if not exist [a]"),
        ('if "%X%"=="a b" (c)', 'if "%X%"== ([c])'),
        ('if /i "a" EQU "A" b', 'if "a"EQU [b]'),
        ("(a\nb\n\nc)", "([a] [b] [c])"),
        ("(\n:: remark )\na\n)", "([a])"),
        ("(a) > x 2>&1", "([a])"),
        ("echo a>x b", "[echo a b 1>x]"),
        ("echo a1>x", "[echo a1 1>x]"),
        ("echo a 2>x", "[echo a  2>x]"),
        ("echo a 2>&1 >>x", "[echo a  2>&1 1>>x]"),
        (">x echo a", "[echo a 1>x]"),
        ("1>&2 echo a", "[echo a 1>&2]"),
        ('echo "a > b & c"', '[echo "a > b & c"]'),
        ("echo a ^& b", "[echo a & b]"),
        ("echo a^\nb", "[echo ab]"),
        ("rem a & b | c", "[rem a & b | c]"),
        ("rem & b", "<[rem] & [b]>"),
        ("@echo off & a", "<[echo off ] & [a]>"),
        ("for %%i in (a b) do c %%i", "for i (a b) [c %%i]"),
        ("for /l %%i in (1,1,3) do (a\nb)", "forl i (1,1,3) ([a] [b])"),
        ('for /f "tokens=1,2*" %%a in (x) do b', "forf abc (x) [b]"),
        ("for %%i in (a\nb) do c", "for i (a b) [c]"),
        (":Label more\n:: remark\ngoto label", ":label\n:\n[goto label]"),
        ("goto:eof\ncall:x", "[goto:eof]\n[call:x]"),
        ("a\x1ab", "[a]"),
        ("\r\n  \n)\n a", "[a]"),
        ("a | | b\nc", 'broken 1: "|" stands where a command should\n[c]'),
        ("(a\nb", 'broken 1: "(" is never closed'),
        ("for %%i (a) do b", 'broken 1: "for" has no "in" where it should stand'),
        ("echo a >", 'broken 1: ">" has no file behind it'),
        ("if 1 b", 'broken 1: "if" has no comparison that cmd knows ("b")'),
    ],
)
def test_tree(text: str, expected: str) -> None:
    assert "\n".join(tree(item) for item in parse_file(text.encode())) == expected


@pytest.mark.parametrize(
    ("text", "delimiters", "tokens", "rest", "skip", "end_of_line"),
    [
        ("", " \t", (1,), False, 0, ";"),
        ("delims=", "", (1,), False, 0, ";"),
        ("delims=, ", ", ", (1,), False, 0, ";"),
        ("delims=, tokens=2", ",", (2,), False, 0, ";"),
        ("tokens=1,3-5*", " \t", (1, 3, 4, 5), True, 0, ";"),
        ("tokens=* delims=:", ":", (), True, 0, ";"),
        ("skip=0x2 eol=# usebackq", " \t", (1,), False, 2, "#"),
        ("TOKENS=2 DELIMS==", "=", (2,), False, 0, ";"),
    ],
)
def test_for_options(
    text: str, delimiters: str, tokens: tuple[int, ...], rest: bool, skip: int, end_of_line: str
) -> None:
    found = for_options(text)
    assert (found.delimiters, found.tokens, found.rest, found.skip, found.end_of_line) == (
        delimiters,
        tokens,
        rest,
        skip,
        end_of_line,
    )
