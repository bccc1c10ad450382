"""Docstrings stand alone: read in an editor's tooltip, without their neighbours, they say what the thing is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.cluster.paths import repo_root

ROOT = repo_root()
FOLDERS = ("core", "operator", "apiserver", "cli")
MODULES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
FORBIDDEN = re.compile(r"(?:The same|Those|Of|For which|See the module|It|They|Whether)\b")
"""First words that need a neighbour: pronouns without a noun, and questions without their subject."""

Scope = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def public_scopes(scope: Scope, name: str) -> Iterator[tuple[str, Scope]]:
    """Yield a scope and the public classes and functions in it by their names, but none inside of functions."""
    yield name, scope
    if isinstance(scope, _FUNCTIONS):
        return
    for node in scope.body:
        if isinstance(node, (ast.ClassDef, *_FUNCTIONS)) and not node.name.startswith("_"):
            yield from public_scopes(node, f"{name}.{node.name}")


def docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and text of every docstring, those under fields and of private things among them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value


def wrong(source: str) -> Iterator[str]:
    """Yield what is wrong with the docstrings of a module."""
    tree = ast.parse(source)
    for name, scope in public_scopes(tree, "module"):
        if not ast.get_docstring(scope):
            yield f"{name} has no docstring"
    for line, text in docstrings(tree):
        if found := FORBIDDEN.match(text.lstrip()):
            yield f"line {line} begins with {found[0]!r}"


def test_docstrings_stand_alone() -> None:
    assert len(MODULES) > 200
    found = [f"{path.relative_to(ROOT)}: {text}" for path in MODULES for text in wrong(path.read_text())]
    assert found == []


def test_what_does_not_stand_alone_is_found() -> None:
    source = '''"""The same as above."""
FIELD = 1
"""Of a job."""
class Open:
    """Those that wait."""
    def method(self):
        def inner(): ...
    def _hidden(self): ...
class _Private:
    def method(self): ...
async def told(): ...
def other():
    """Whether it is told."""
def fine():
    """Offer one; itself and Italy are no pronouns."""
'''
    assert sorted(wrong(source)) == [
        "line 1 begins with 'The same'",
        "line 13 begins with 'Whether'",
        "line 3 begins with 'Of'",
        "line 5 begins with 'Those'",
        "module.Open.method has no docstring",
        "module.told has no docstring",
    ]
    assert list(wrong("")) == ["module has no docstring"]
