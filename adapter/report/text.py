"""Plain text of any width: cleaned of what a terminal would obey, wrapped by the cells that it takes (zh: two)."""

import os
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

PIPED_WIDTH = 100
_DIRECTIONS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, slots=True)
class Page:
    """How wide, with colour or not, and whether it may hold more than ASCII marks."""

    width: int = PIPED_WIDTH
    colour: bool = False
    unicode: bool = True

    def mark(self, name: str) -> str:
        """The mark of a criterion or of a week."""
        return _MARKS[name][0 if self.unicode else 1]


_MARKS = {
    "favour": ("✓", "+"),
    "against": ("✗", "x"),
    "open": ("?", "?"),
    "item": ("·", "-"),
    "all": ("█", "#"),
    "some": ("▄", "+"),
    "none": ("·", "."),
    "dash": ("–", "-"),
}


def page_of(to_file: bool) -> Page:
    """The page of this run: COLUMNS or the terminal's width, colour only on a terminal that wants it."""
    terminal = not to_file and sys.stdout.isatty()
    colour = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    width = shutil.get_terminal_size((PIPED_WIDTH, 24)).columns if terminal else _columns()
    return Page(max(width, 40), colour, to_file or _speaks_unicode(sys.stdout.encoding))


def _columns() -> int:
    asked = os.environ.get("COLUMNS", "")
    return int(asked) if asked.isascii() and asked.isdigit() and int(asked) > 0 else PIPED_WIDTH


def _speaks_unicode(encoding: str | None) -> bool:
    return (encoding or "").lower().replace("-", "").startswith("utf")


def clean(text: str) -> str:
    """One line without control characters and changes of direction: a record must not steer a terminal."""
    safe = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") or c in _DIRECTIONS else c for c in text)
    return " ".join(safe.split())


def wrapped(text: str, width: int, indent: int = 0, hanging: int = 0) -> Iterator[str]:
    """The lines of a text inside `width`, indented; all but the first by `hanging` more."""
    from rich.cells import cell_len, chop_cells

    line, room = "", width - indent
    for word in clean(text).split(" "):
        if line and cell_len(line) + 1 + cell_len(word) <= room:
            line += f" {word}"
            continue
        if line:
            yield " " * indent + line
            indent, room, hanging = indent + hanging, room - hanging, 0
        while cell_len(word) > room:
            first = chop_cells(word, max(room, 2))[0]
            yield " " * indent + first
            word = word[len(first) :]
            indent, room, hanging = indent + hanging, room - hanging, 0
        line = word
    if line:
        yield " " * indent + line


def columns(rows: Iterable[tuple[str, ...]], indent: int = 0, gap: int = 2) -> Iterator[str]:
    """Rows as aligned columns, without trailing blanks."""
    from rich.cells import cell_len

    told = [tuple(map(clean, row)) for row in rows]
    widths = [max(map(cell_len, cells)) for cells in zip(*told, strict=True)] if told else []
    for row in told:
        cells = (cell + " " * (width - cell_len(cell) + gap) for cell, width in zip(row, widths, strict=True))
        yield (" " * indent + "".join(cells)).rstrip()


def number(count: int, noun: str, plural: str = "") -> str:
    """`1 patient`, `2 patients`."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def joined_lines(lines: Iterable[str]) -> Iterator[bytes]:
    """Text lines as UTF-8; half a surrogate pair, which no encoding can hold, is shown as its escape."""
    for line in lines:
        yield f"{line}\n".encode("utf-8", "backslashreplace")
