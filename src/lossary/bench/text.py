"""The results in a terminal: ratios first, then milliseconds, memory and errors."""

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lossary.bench.machine import Machine
from lossary.bench.notes import notes
from lossary.bench.numbers import count, error, milliseconds, ratio, size
from lossary.bench.points import Point
from lossary.bench.results import MEASURED, Found, Report, Row
from lossary.bench.sentence import conclusions
from lossary.bench.words import Words
from lossary.core.level import VARIABLE

# Narrower than this, a table's columns would break within their numbers.
TABLE_WIDTH = 76
COLUMNS = ("to_torch", "to_floor", "step", "forward", "peak", "loss_error", "gradient_error")


def opening(machine: Machine, how_to_read: str, words: Words) -> RenderableType:
    """What the numbers were measured on, and how to read them."""
    return Group(Text(machine_line(machine, words), style="bold"), Text(), Text(how_to_read))


def machine_line(machine: Machine, words: Words) -> str:
    """The machine in a line."""
    parts = [
        words("machine.cores", processor=machine.processor, cores=machine.cores),
        words("machine.threads", threads=machine.threads),
        *([machine.gpu] if machine.gpu else []),
        machine.system,
        f"Python {machine.python}",
        f"torch {machine.torch}",
        f"lossary {machine.lossary}",
        *([f"{VARIABLE}={machine.kernels}"] if machine.kernels else []),
    ]
    return ", ".join(parts)


def title(point: Point, words: Words) -> str:
    """A point in words."""
    values = {
        "loss": words(f"loss.{point.loss}"),
        "rows": count(point.rows),
        "vocabulary": count(point.vocabulary),
        "width": count(point.width),
        "dtype": point.dtype,
        "logits": size(point.logits_bytes),
        "gradients": size(point.gradient_bytes),
    }
    return words("title.linear" if point.width else "title.plain", **values)


def found(here: Found, words: Words, width: int) -> RenderableType:
    """One point: its title and everybody's numbers."""
    shown = _table(here, words) if width >= TABLE_WIDTH else _list(here, words)
    notes = [Text(note) for note in map(lambda row: _note(row, words), here.rows) if note]
    peaks = [row.peak_bytes for row in here.rows if row.status == MEASURED]
    if peaks and not any(peak is not None for peak in peaks):
        notes.append(Text(words("no_memory")))
    head = Text(title(here.point, words), style="bold")
    return Group(Text(), head, Text(), _indented(Group(shown, *notes)))


def _table(here: Found, words: Words) -> Table:
    table = Table(box=None, padding=(0, 0, 0, 1), pad_edge=False, header_style="dim")
    table.add_column("", no_wrap=True)
    for column in COLUMNS:
        table.add_column(words(f"column.{column}"), justify="right", vertical="bottom")
    for row in here.rows:
        if row.status == MEASURED:
            style = "bold" if row.contender == "lossary" else ""
            table.add_row(words(f"contender.{row.contender}"), *cells(here, row), style=style)
    return table


def cells(here: Found, row: Row, missing: str = "–") -> list[str]:  # noqa: RUF001
    """A row's numbers, in the order of the columns; a sign where there is none."""
    numbers = (
        ratio(here.ratio(row, "torch")),
        ratio(here.ratio(row, "floor")),
        milliseconds(row.step_ms),
        milliseconds(row.forward_ms),
        "" if row.peak_bytes is None else f"{row.peak_bytes / 1e6:,.1f}",
        error(row.loss_error),
        error(row.gradient_error),
    )
    return [number or missing for number in numbers]


def _list(here: Found, words: Words) -> Group:
    """For a narrow terminal: a contender's numbers one under the other."""
    lines: list[Text] = []
    for row in here.rows:
        if row.status != MEASURED:
            continue
        lines.append(Text(words(f"contender.{row.contender}"), style="bold"))
        for column, cell in zip(COLUMNS, cells(here, row), strict=True):
            label = " ".join(words(f"column.{column}").split())
            lines.append(Text(f"  {label}: {cell}"))
    return Group(*lines)


def _note(row: Row, words: Words) -> str:
    """What stands in place of numbers."""
    if row.status == MEASURED:
        return ""
    reason = words(f"status.{row.status}", detail=row.detail)
    return f"{words(f'contender.{row.contender}')}: {reason}"


def closing(report: Report, words: Words) -> RenderableType:
    """The conclusions, and what to know of the times."""
    lines = [Text(text, style="bold") for text in conclusions(report, words)]
    more = [part for note in notes(report, words) for part in (Text(), Text(note))]
    return Group(Text(), *lines, *more)


def _indented(part: RenderableType) -> Padding:
    return Padding(part, (0, 0, 0, 2), expand=False)
