"""The parser of batch files: cmd's grammar and precedence. Pure.

``&`` binds less than ``||``, that less than ``&&``, and that less than ``|``. ``if``, ``for`` and ``@`` take all that
follows up to the end of the line, or of the block around them. Text of a command is greedy: ``else`` is one only
behind a block.
"""

from __future__ import annotations

from webjobs.batch.cells import DELIMITERS, Cell, Text, char_of, plain, strip
from webjobs.batch.errors import NotTaken
from webjobs.batch.reading.conditions import condition
from webjobs.batch.reading.expansion import expand_for
from webjobs.batch.reading.for_options import bare_options, for_options
from webjobs.batch.reading.lines import lines_of
from webjobs.batch.reading.redirections import handle_before, redirection, redirections_here
from webjobs.batch.reading.source import END, Source
from webjobs.batch.reading.syntax import Block, Broken, Chain, Command, For, If, Item, Label, Node, Redirection

_OPERATORS = "&|<>"
_LABEL_ENDS = " \t:+,;=&|<>"
_DEEPEST = 60
"""Most blocks, conditions and loops within each other."""


def parse_file(content: bytes) -> list[Item]:
    """Return the statements and labels of a batch file. What can't be read is a ``Broken``, at its place."""
    source = Source(lines_of(content))
    items: list[Item] = []
    while source.next_line():
        line = source.line
        raw = source.raw_line().lstrip(DELIMITERS)
        if raw.startswith(":"):
            name = raw[1:].lstrip(DELIMITERS)
            ends = [name.find(char) for char in _LABEL_ENDS if char in name]
            items.append(Label(name[: min(ends)].lower() if ends else name.lower(), line))
            continue
        source.skip()
        if source.peek() in (END, ")"):
            continue
        try:
            items.append(Parser(source).statement())
        except NotTaken as error:
            items.append(Broken(error.line or line, error.construct, error.advice))
    return items


def parse_command(text: Text, line: int) -> Node | None:
    """Return the tree of a command that stands within another one; None when there is none.

    Raises ``NotTaken`` for what cmd would not understand either.
    """
    source = Source(None, text, line)
    source.skip()
    return None if source.peek() == END else Parser(source).statement()


class Parser:
    """The parser of one statement."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._depth = 0
        self._nested = 0
        self._letters: list[str] = []

    def statement(self) -> Node:
        """Return the statement that begins here, up to the end of its last line."""
        node = self._chain()
        self._source.skip()
        if self._source.peek() != END:
            raise NotTaken(
                f'"{self._source.peek()}" stands where a command ends', "correct the line", self._source.line
            )
        return node

    def _chain(self) -> Node:
        """Return what stands here with all of ``&``, up to the end of the line or of the block."""
        source = self._source
        self._nested += 1
        if self._nested > _DEEPEST:
            raise NotTaken(
                "blocks, conditions and loops are too deep within each other", "use call :label", source.line
            )
        left = self._either()
        while source.peek() == "&":
            line = source.line
            source.take()
            source.skip()
            if source.peek() in (END, ")"):
                break
            left = Chain(line, "&", left, self._either())
        self._nested -= 1
        return left

    def _either(self) -> Node:
        left = self._both()
        while self._operator("||"):
            left = Chain(self._source.line, "||", left, self._both())
        return left

    def _both(self) -> Node:
        left = self._pipe()
        while self._operator("&&"):
            left = Chain(self._source.line, "&&", left, self._pipe())
        return left

    def _pipe(self) -> Node:
        left = self._unit()
        self._source.skip()
        while self._source.peek() == "|" and self._source.peek(1) != "|":
            self._source.take()
            left = Chain(self._source.line, "|", left, self._unit())
            self._source.skip()
        return left

    def _operator(self, operator: str) -> bool:
        source = self._source
        source.skip()
        if source.peek() == operator[0] and source.peek(1) == operator[1]:
            source.take()
            source.take()
            return True
        return False

    def _unit(self) -> Node:
        """Return the command, block, condition or loop that stands here."""
        source = self._source
        source.skip()
        redirections = redirections_here(source, self._ends(), self._text)
        cell = source.peek()
        if cell == "@":
            source.take()
            node = self._chain()
            node.quiet = True
        elif cell == "(":
            node = self._block()
        elif cell == END or (isinstance(cell, str) and cell in "&|)"):
            what = "the end of the line" if cell == END else f'"{cell}"'
            raise NotTaken(f"{what} stands where a command should", "correct the line", source.line)
        elif source.begins_with("if"):
            node = self._if()
        elif source.begins_with("for"):
            node = self._for()
        else:
            node = self._command()
        node.redirections[:0] = redirections
        return node

    def _block(self) -> Block:
        source = self._source
        block = Block(source.line, [])
        source.take()
        self._depth += 1
        while True:
            source.skip()
            if source.peek() == END:
                if not source.next_line():
                    raise NotTaken('"(" is never closed', "close the block", block.line)
                if source.raw_line().lstrip(DELIMITERS).startswith(":"):
                    source.take_rest()
            elif source.peek() == ")":
                source.take()
                break
            else:
                block.nodes.append(self._chain())
                source.skip()
                if source.peek() not in (END, ")"):
                    raise NotTaken(f'"{source.peek()}" stands behind a command', "correct the line", source.line)
        self._depth -= 1
        source.skip(" \t")
        block.redirections = redirections_here(source, self._ends(), self._text)
        return block

    def _if(self) -> If:
        source = self._source
        line = source.line
        written = "".join(char_of(source.peek(i)) for i in range(2))
        asked = condition(source, self._text)
        then = self._chain()
        otherwise = None
        source.skip()
        if source.begins_with("else"):
            source.expect("else", "if")
            otherwise = self._chain()
        return If(line, asked, then, otherwise, written)

    def _for(self) -> For:
        source = self._source
        line = source.line
        written = "".join(char_of(source.peek(i)) for i in range(3))
        source.expect("for", "for")
        kind, options = "", Text()
        source.skip()
        while source.peek() == "/":
            source.take()
            switch = str(source.take()).lower()
            if switch not in "drlf":
                raise NotTaken(f'"for /{switch}" is no loop of cmd', "use /d, /r, /l or /f", line)
            kind = "dr" if {kind[:1], switch} == {"d", "r"} else switch
            source.skip(" \t")
        if kind in ("f", "r", "dr") and source.peek() != "%":
            options = self._text(source.take_word(" \t"))
            source.skip()
        source.take()
        letter = source.take()
        if not isinstance(letter, str) or letter in f"{END}~":
            raise NotTaken('"for" has no variable', "write it as %%A", line)
        source.expect("in", "for")
        source.skip()
        items = self._items(line)
        source.expect("do", "for")
        letters = self._letters_of(kind, options, letter)
        outer, self._letters = self._letters, [*self._letters, *letters]
        body = self._chain()
        self._letters = outer
        return For(line, kind, options, letter, items, body, written, letters)

    @staticmethod
    def _letters_of(kind: str, options: Text, letter: str) -> str:
        if kind != "f":
            return letter
        text = plain(options)
        if text is None:
            raise NotTaken('"for /f" takes its options from a variable', "write them into the line")
        parsed = for_options(bare_options(text))
        count = max(len(parsed.tokens) + parsed.rest, 1)
        return "".join(chr(ord(letter) + i) for i in range(count))

    def _items(self, line: int) -> Text:
        """Return what stands between the parentheses of ``for``; ends of lines separate, too."""
        source = self._source
        if source.take() != "(":
            raise NotTaken('"for" has no "(" behind "in"', "correct the line", line)
        items: list[Cell] = []
        while True:
            items += source.take_word(")")
            if source.peek() == ")":
                source.take()
                return self._text(items)
            items.append(" ")
            if not source.next_line():
                raise NotTaken('"(" of "for" is never closed', "close it", line)

    def _command(self) -> Command:
        source = self._source
        line = source.line
        name = source.take_word(self._ends())
        word = (plain(name) or "").lower()
        if word == "rem" or word.startswith("rem."):
            return Command(line, name, self._comment())
        rest: list[Cell] = []
        redirections: list[Redirection] = []
        while True:
            more = list(self._rest(rest))
            if source.peek() not in ("<", ">"):
                rest += more
                break
            if redirections and not strip(more[:-1]):
                # Blanks between two redirections belong to neither text.
                handle = handle_before(more)
                rest += strip(more)
            else:
                rest += more
                handle = handle_before(rest)
            redirections.append(redirection(source, handle, self._ends(), self._text))
        return Command(line, self._text(name), self._text(rest), redirections=redirections)

    def _comment(self) -> Text:
        """Return the rest of the line; an operator at once behind ``rem`` still is one."""
        source = self._source
        blanks: list[Cell] = []
        while source.peek() in (" ", "\t"):
            blanks.append(source.take())
        return () if source.peek() in ("&", "|") else (*blanks, *source.take_rest())

    def _rest(self, before: list[Cell]) -> Text:
        """Return the text of a command up to an operator."""
        quoted = sum(cell == '"' for cell in before) % 2 == 1
        source = self._source
        ends = _OPERATORS + (")" if self._depth else "")
        if not quoted:
            return source.take_word(ends)
        return source.take_rest()

    def _ends(self) -> str:
        """Return the characters that end a word here."""
        return f"{DELIMITERS}{_OPERATORS}" + (")" if self._depth else "")

    def _text(self, text: list[Cell] | Text) -> Text:
        return expand_for(tuple(text), self._letters)
