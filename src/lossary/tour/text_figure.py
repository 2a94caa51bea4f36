"""A figure in a terminal: its printed numbers, and a row for each way."""

from collections.abc import Iterable, Iterator

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lossary.console.layout import indent
from lossary.tour.digits import distance, several
from lossary.tour.expected import printed
from lossary.tour.results import WAYS, Figure
from lossary.tour.text_code import HANG, Code, wrap
from lossary.tour.words import Words

PER_LINE = 5
# Code in a narrower column than this is in shreds: it goes under its row instead.
ROOM_FOR_CODE = 36


def figure(words: Words, found: Figure) -> RenderableType:
    """A figure: its title with the printed number, and a row for each way."""
    parts: list[RenderableType] = [_headline(words, found)]
    if len(found.expected) > 1:
        parts += [indent(Text(line), 4) for line in matrix(found)]
    parts.append(indent(Rows(words, found), 4))
    note = words.get(f"note.{found.topic}")
    if note:
        parts.append(indent(Text(note, style="dim"), 4))
    return Group(*parts)


class Rows:
    """The four ways in aligned columns; the code beside the numbers, or under them."""

    def __init__(self, words: Words, found: Figure) -> None:
        self.heads = _aligned(
            [
                _name(words, found, way),
                shown_value(found, way),
                distance(found.answers[way].difference),
            ]
            for way in WAYS
        )
        self.codes = [code(words, found, way) for way in WAYS]
        self.are_code = [is_code(found, way) for way in WAYS]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the rows for the width at hand."""
        left = cell_len("  ".join(self.heads[0])) + 2
        room = options.max_width - left
        wrapped = [wrap(text, room) for text in self.codes]
        widest = max(cell_len(line) for lines in wrapped for line in lines)
        beside = room >= ROOM_FOR_CODE and widest <= room
        rows = zip(self.heads, self.codes, self.are_code, wrapped, strict=True)
        for head, text, runs, lines in rows:
            row = _head(head)
            if not beside:
                yield row
                yield indent(Code(text) if runs else Text(text), HANG)
                continue
            yield Text.assemble(row, f"  {lines[0]}")
            yield from (Text(" " * left + line) for line in lines[1:])


def _head(cells: list[str]) -> Text:
    way, value, off = cells
    return Text.assemble((way, "dim"), f"  {value}  ", (off, "dim"))


def _name(words: Words, found: Figure, way: str) -> str:
    mark = "" if found.answers[way].comes_out else f"  {words('differs_short')}"
    return words(f"way.{way}") + mark


def _aligned(rows: Iterable[list[str]]) -> list[list[str]]:
    """Cells of equal width by column: the last column to the right, the others to the left."""
    table = list(rows)
    widths = [max(map(cell_len, column)) for column in zip(*table, strict=True)]

    def fill(row: list[str]) -> Iterator[str]:
        for at, (cell, width) in enumerate(zip(row, widths, strict=True), 1):
            blanks = " " * (width - cell_len(cell))
            yield blanks + cell if at == len(row) else cell + blanks

    return [list(fill(row)) for row in table]


def shown_value(found: Figure, way: str) -> str:
    """A way's number; of several, the first and the last."""
    answer = found.answers[way]
    # All digits of a float32 are float32's own; the exact number has no such end.
    if found.digits is None and way != "exact":
        return repr(answer.values[0])
    return several(answer.values)


def code(words: Words, found: Figure, way: str) -> str:
    """What ran: torch's line is not repeated where only the import differs."""
    if is_code(found, way):
        return found.answers[way].code
    return words("fifty_digits" if way == "exact" else "same_line")


def is_code(found: Figure, way: str) -> bool:
    """Whether a way shows code of its own, not a sentence."""
    answers = found.answers
    return way != "exact" and (way != "torch" or answers["torch"].code != answers["lossary"].code)


def matrix(found: Figure) -> Iterable[str]:
    """The printed numbers of a figure that has several, a few to a line."""
    values = found.answers["lossary"].values
    columns = 1 if len(values) == found.shape[0] else found.shape[-1]
    per_line = len(values) if columns == 1 else min(columns, PER_LINE)
    for start in range(0, len(values), per_line):
        row = values[start : start + per_line]
        yield "  ".join(f"{printed(value, found.digits):>7}" for value in row)


def _headline(words: Words, found: Figure) -> RenderableType:
    row = Table.grid(expand=True, padding=(0, 1))
    row.add_column(ratio=1, overflow="fold")
    row.add_column(no_wrap=True, justify="right")
    good = found.comes_out
    shown = words("numbers", count=len(found.expected))
    if len(found.expected) == 1:
        shown = printed(found.answers["lossary"].values[0], found.digits)
    mark = Text(f"{shown} ", style="bold")
    mark.append("✓" if good else "✗", style="green" if good else "bold red")
    if not good:
        wanted = ", ".join(printed(value, found.digits) for value in found.expected)
        mark.append(f" {words('differs', expected=wanted)}", style="bold red")
    row.add_row(Text(words(f"figure.{found.topic}"), style="bold"), mark)
    return Padding(row, (0, 0, 0, 2))
