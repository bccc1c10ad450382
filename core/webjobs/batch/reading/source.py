"""The cells of a batch file, one after the other, line by line as cmd reads them. Pure."""

from __future__ import annotations

from collections.abc import Collection

from webjobs.batch.cells import DELIMITERS, Cell, Escaped, Text, char_of
from webjobs.batch.errors import NotTaken
from webjobs.batch.reading.expansion import expand_percent

END = "\n"
"""Cell at the end of each line."""


class Source:
    """A place in the cells of a file. ``^`` at the end of a line goes on with the next one."""

    def __init__(self, lines: list[str] | None = None, cells: Text = (), line: int = 0) -> None:
        """Read ``lines`` of a file, or the ``cells`` of one command that stands in line ``line``."""
        self._lines = lines or []
        self._cells: tuple[Cell, ...] = (*cells, END) if lines is None else ()
        self._at = 0
        self.line = line
        """Number of the line that was read last, from 1."""

    def next_line(self) -> bool:
        """Go to the beginning of the next line; False at the end of the file."""
        if self.line >= len(self._lines):
            return False
        self._cells = (*expand_percent(tuple(self._lines[self.line])), END)
        self._at = 0
        self.line += 1
        return True

    def raw_line(self) -> str:
        """Return the line as it stands in the file."""
        return self._lines[self.line - 1] if 0 < self.line <= len(self._lines) else ""

    def peek(self, ahead: int = 0) -> Cell:
        """Return a cell that comes; ``END`` from the end of the line on."""
        at = self._at + ahead
        return self._cells[at] if at < len(self._cells) else END

    def take(self) -> Cell:
        """Return the next cell and go behind it; the end of the line stays."""
        cell = self.peek()
        if cell != END:
            self._at += 1
        return cell

    def take_rest(self) -> Text:
        """Return all cells up to the end of the line and go there."""
        rest = self._cells[self._at : len(self._cells) - 1]
        self._at += len(rest)
        return rest

    def skip(self, chars: str = DELIMITERS) -> None:
        """Go behind all characters of these that come, and behind ``^`` at the end of a line."""
        while True:
            cell = self.peek()
            if isinstance(cell, str) and cell != END and cell in chars:
                self._at += 1
            elif cell == "^" and self.peek(1) == END and self.line < len(self._lines):
                self.next_line()
            else:
                return

    def take_escaped(self) -> Text:
        """Return what stands behind ``^``, which comes next, as text."""
        self._at += 1
        if self.peek() == END and (not self.next_line() or self.peek() == END):
            return ()
        cell = self.take()
        return (Escaped(cell),) if isinstance(cell, str) else (cell,)

    def take_word(self, ends: Collection[str]) -> Text:
        """Return the cells up to one of these characters; between quotes they don't count."""
        word: list[Cell] = []
        quoted = False
        while (cell := self.peek()) != END:
            if cell == "^" and not quoted:
                word += self.take_escaped()
                continue
            if isinstance(cell, str) and cell in ends and not quoted:
                break
            if cell == '"':
                quoted = not quoted
            word.append(self.take())
        return tuple(word)

    def begins_with(self, word: str) -> bool:
        """Tell whether this word comes next, whatever its case, and ends there."""
        for i, char in enumerate(word):
            if char_of(self.peek(i)).lower() != char:
                return False
        behind = self.peek(len(word))
        return isinstance(behind, str) and behind in f"{DELIMITERS}()\n/&|<>"

    def expect(self, word: str, construct: str) -> None:
        """Go behind a word; raises ``NotTaken`` when it does not come next."""
        self.skip()
        if not self.begins_with(word):
            raise NotTaken(f'"{construct}" has no "{word}" where it should stand', "correct the line", self.line)
        self._at += len(word)
