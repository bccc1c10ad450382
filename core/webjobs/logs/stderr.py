"""Which lines of a log are of stderr, when the log has both streams and stderr comes once more by itself. Pure."""

from __future__ import annotations

from collections import Counter

from webjobs.logs.kudu_lines import Output

_MOST_BYTES = 2**23


class Stderr:
    """Lines that came of stderr and were not found in the log yet.

    Lines are known by their text. Where stdout and stderr have a line with one text, it does not matter which of both
    is called an error: the log reads alike.
    """

    def __init__(self) -> None:
        self._known: Counter[str] = Counter()
        self._bytes = 0
        self._rest = b""

    def feed(self, piece: bytes) -> None:
        """Take in a piece of stderr, of any size."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            self._add(line)
        if len(self._rest) > _MOST_BYTES:
            self._rest = b""  # longer than any line of a log

    def end(self) -> None:
        """Note that stderr has ended; a last line without a line end is one, too."""
        if self._rest:
            self._add(self._rest)
        self._rest = b""

    def _add(self, line: bytes) -> None:
        if self._bytes > _MOST_BYTES:  # nobody asks for them: their log is not read
            self._known.clear()
            self._bytes = 0
        self._known[line.decode("utf-8", "replace")] += 1
        self._bytes += len(line)

    def tell(self, line: Output) -> Output:
        """Return a line of the log with its level; each line that came of stderr makes one line an error."""
        text = line.stamped.partition(" ")[2]
        if line.level != "INFO" or not self._known.get(text):
            return line
        self._known[text] -= 1
        self._bytes -= len(text.encode("utf-8", "replace"))
        if not self._known[text]:
            del self._known[text]
        return Output(line.stamped, "ERR", joined=True)
