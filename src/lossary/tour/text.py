"""The tour in a terminal: aligned, readable without colour, plain where nobody watches."""

import math
from collections.abc import Iterable

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from lossary.tour.expected import printed
from lossary.tour.formulas import TEXT
from lossary.tour.results import WAYS, Figure, Step
from lossary.tour.words import Words

# Lines longer than this are hard to read, however wide the terminal is.
READABLE_WIDTH = 100
PER_LINE = 5


def console(width: int | None = None) -> Console:
    """A console for stdout; rich drops colour for NO_COLOR, and all styling off a terminal."""
    made = Console(width=width, highlight=False, markup=False, emoji=False, soft_wrap=False)
    made.width = min(made.width, READABLE_WIDTH)
    return made


def tell(to: Console, part: RenderableType) -> None:
    """Print a part; a file or a pipe gets no blanks at the ends of lines."""
    if to.is_terminal:
        to.print(part)
        return
    with to.capture() as captured:
        to.print(part)
    lines = captured.get().split("\n")
    to.file.write("\n".join(line.rstrip() for line in lines))
    to.file.flush()


def number(value: float) -> str:
    """A number as a table shows it: nine significant digits, which tell float32s apart.

    >>> number(0.020410955), number(2.06115362e-09), number(6.0)
    ('0.0204109550', '2.06115362e-09', '6')
    """
    return f"{value:.9g}" if value == nearest_whole(value) else f"{value:#.9g}"


def nearest_whole(value: float) -> float:
    """The nearest whole number; infinities and NaN stay what they are."""
    return float(round(value)) if math.isfinite(value) else value


def distance(value: float) -> str:
    """A relative distance from the exact value: one digit says enough.

    >>> distance(0.0), distance(6.43e-7)
    ('0', '6e-07')
    """
    return "0" if value == 0 else f"{value:.0e}"


def indent(part: RenderableType, by: int) -> Padding:
    """A part moved to the right, without blanks after it."""
    return Padding(part, (0, 0, 0, by), expand=False)


def opening(words: Words) -> RenderableType:
    """Title and lead."""
    return Group(
        Text(),
        Text(words("title"), style="bold"),
        Text(),
        Text(words("lead")),
        Text(),
        Text(words("column_note"), style="dim"),
    )


def heading(text: str) -> RenderableType:
    """A rule with a heading on it."""
    return Group(Text(), Rule(Text(f" {text} ", style="bold"), align="left", style="cyan"))


def step(words: Words, order: int, found: Step) -> RenderableType:
    """One step: its question, its formula, its idea and its figures."""
    parts: list[RenderableType] = [
        heading(f"{order}  {words(f'step.{found.key}.title')}"),
        Text(),
        Text(words(f"step.{found.key}.question"), style="italic"),
        Text(),
        indent(Text(TEXT[found.key], style="bold cyan"), 4),
        Text(),
        Text(words(f"step.{found.key}.idea")),
    ]
    for one in found.figures:
        parts += [Text(), figure(words, one)]
    return Group(*parts)


def figure(words: Words, found: Figure) -> RenderableType:
    """A figure: its title with the printed number, and a row for each way."""
    parts: list[RenderableType] = [_headline(words, found)]
    if len(found.expected) > 1:
        parts += [indent(Text(line), 4) for line in matrix(found)]
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(no_wrap=True, justify="left", min_width=11)
    table.add_column(no_wrap=True, justify="right", style="dim")
    table.add_column(overflow="fold")
    for way in WAYS:
        answer = found.answers[way]
        cells = (
            Text(shown_value(found, way)),
            Text(distance(answer.difference)),
            Text(code(words, found, way)),
        )
        mark = "" if answer.comes_out else f"  {words('differs_short')}"
        table.add_row(Text(words(f"way.{way}") + mark), *cells)
    parts.append(indent(table, 4))
    note = words.get(f"note.{found.topic}")
    if note:
        parts.append(indent(Text(note, style="dim"), 4))
    return Group(*parts)


def shown_value(found: Figure, way: str) -> str:
    """A way's number; of several, the first."""
    answer = found.answers[way]
    # All digits of a float32 are float32's own; the exact number has no such end.
    if found.digits is None and way != "exact":
        return repr(answer.values[0])
    return number(answer.values[0]) + (" …" if len(answer.values) > 1 else "")


def code(words: Words, found: Figure, way: str) -> str:
    """What ran: torch's line is not repeated where only the import differs."""
    answers = found.answers
    if way == "exact":
        return words("fifty_digits")
    if way == "torch" and answers["torch"].code == answers["lossary"].code:
        return words("same_line")
    return answers[way].code


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
