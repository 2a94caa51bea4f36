"""An explanation in a terminal: sentences first, then the tables; nothing hangs on colour."""

import io
from typing import Any

from lossary.explain.explanation import Explanation
from lossary.explain.figures import number
from lossary.explain.sentences import sentences
from lossary.explain.tables import Table, tables
from lossary.explain.words import Words

WIDTH = 100
BAR = 50
# Block letters tell the parts of a bar apart without colour.
PARTS = ("░", "█")


def rich(found: Explanation) -> Any:
    """What rich prints."""
    words = Words(found.language)
    parts = decomposition(found, words) if _has_parts(found) else ""
    return laid_out(title(found, words), sentences(found, words), parts, tables(found, words))


def laid_out(title: str, said: list[str], between: str, shown: list[Table]) -> Any:
    """A heading, sentences, perhaps some lines, and tables."""
    from rich.console import Group
    from rich.text import Text

    from lossary.console.layout import heading, indent

    parts: list[Any] = [heading(title), Text()]
    for sentence in said:
        # A line that goes on stands under its own words.
        parts.append(_bullet(sentence))
    parts += [Text(), indent(Text(between), 2)] if between else []
    for table in shown:
        parts += [Text(), Text(table.title, style="bold"), indent(_table(table), 2)]
        if table.note:
            parts.append(indent(Text(table.note, style="dim"), 2))
    return Group(*parts)


def plain(found: Explanation) -> str:
    """The same as letters alone, for ``print``."""
    return as_letters(rich(found))


def as_letters(shown: Any) -> str:
    """What rich would print, without colour."""
    from rich.console import Console

    file = io.StringIO()
    console = Console(
        file=file, width=WIDTH, color_system=None, highlight=False, legacy_windows=False
    )
    console.print(shown)
    return "\n".join(line.rstrip() for line in file.getvalue().strip("\n").split("\n"))


def title(found: Explanation, words: Words) -> str:
    """The loss, its value and how it was reduced."""
    return words("title", loss=found.loss, value=number(found.value), reduction=found.reduction)


def decomposition(found: Explanation, words: Words) -> str:
    """Cross-entropy = entropy + KL, as a sum and as a bar."""
    assert found.classification is not None
    base = found.classification.baselines
    whole = base.cross_entropy_nats
    share = base.entropy_nats / whole if whole else 0.0
    first = round(share * BAR)
    line = words(
        "decomposition",
        whole=number(whole),
        entropy=number(base.entropy_nats),
        kl=number(base.kl_nats),
    )
    bar = PARTS[0] * first + PARTS[1] * (BAR - first)
    return f"{line}\n{bar}\n{PARTS[0]} {words('part.entropy')}   {PARTS[1]} {words('part.kl')}"


def _has_parts(found: Explanation) -> bool:
    it = found.classification
    return it is not None and 0 < it.baselines.cross_entropy_nats < float("inf")


def _bullet(sentence: str) -> Any:
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid.grid(padding=(0, 1))
    grid.add_column(width=1)
    grid.add_column(overflow="fold")
    grid.add_row(Text("•"), Text(sentence))
    return grid


def _table(table: Table) -> Any:
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for place, head in enumerate(table.head):
        grid.add_column(head, justify="left" if place < table.words else "right", vertical="bottom")
    for row in table.rows:
        grid.add_row(*map(Text, row))
    return grid
