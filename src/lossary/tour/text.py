"""The tour in a terminal: aligned, readable without colour, plain where nobody watches."""

from rich.console import Group, RenderableType
from rich.text import Text

from lossary.console.layout import heading, indent
from lossary.tour.formulas import TEXT
from lossary.tour.given_code import GIVEN, IMPORTS
from lossary.tour.results import Step
from lossary.tour.text_code import Code
from lossary.tour.text_figure import figure
from lossary.tour.words import Words


def opening(words: Words) -> RenderableType:
    """Title and lead, how to read the columns, and how to run the code."""
    return Group(
        Text(),
        Text(words("title"), style="bold"),
        Text(),
        Text(words("lead")),
        Text(),
        Text(words("column_note"), style="dim"),
        Text(),
        Text(words("code_note"), style="dim"),
        Text(),
        indent(Code(IMPORTS), 4),
        Text(),
        Text(words("notebook"), style="dim"),
    )


def step(words: Words, order: int, found: Step) -> RenderableType:
    """One step: its question, its formula, its idea, what is given and its figures."""
    parts: list[RenderableType] = [
        heading(f"{order}  {words(f'step.{found.key}.title')}"),
        Text(),
        Text(words(f"step.{found.key}.question"), style="italic"),
        Text(),
        indent(Text(TEXT[found.key], style="bold cyan"), 4),
        Text(),
        Text(words(f"step.{found.key}.idea")),
        Text(),
        indent(Text(words(f"given.{found.key}"), style="dim"), 2),
        indent(Code(GIVEN[found.key]), 4),
    ]
    for one in found.figures:
        parts += [Text(), figure(words, one)]
    return Group(*parts)
