"""The tour as one page that stands alone: no script, no request, light and dark."""

from html import escape
from importlib.resources import files

import torch

import lossary
from lossary.explain.html import style_of
from lossary.tour import text_results
from lossary.tour.digits import distance
from lossary.tour.expected import printed
from lossary.tour.formulas import mathml
from lossary.tour.given_code import GIVEN, IMPORTS
from lossary.tour.page_results import repair_section, training_section
from lossary.tour.results import WAYS, Figure, Step, Tour
from lossary.tour.text_figure import code, is_code, matrix, shown_value
from lossary.tour.words import Words

MARK = {True: '<span class="good">✓</span>', False: '<span class="bad">✗</span>'}


def page(tour: Tour, drawn: dict[str, str], words: Words) -> str:
    """The whole page; ``drawn`` holds the plots as SVG by name."""
    css = files("lossary.tour").joinpath("page.css").read_text(encoding="utf-8")
    title = escape(words("title"))
    versions = words("page.versions", lossary=lossary.__version__, torch=torch.__version__)
    steps = "".join(
        step_section(words, order, step, drawn[step.key])
        for order, step in enumerate(tour.steps, 1)
    )
    return (
        f'<!doctype html>\n<html lang="{words.language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{css}{style_of('fragment')}</style>\n</head>\n<body>\n<header>\n"
        f"<h1>{title}</h1>\n<p>{escape(words('lead'))}</p>\n{summary(words, tour)}"
        f'<p class="note">{escape(versions)}</p>\n</header>\n{contents(words, tour)}<main>\n'
        f"{reading_guide(words)}{steps}"
        f"{training_section(words, tour.trainings, drawn['training'])}"
        f"{repair_section(words, tour.repairs, drawn['repairs'])}"
        f"</main>\n<footer><p>{escape(words('summary.next'))}</p>\n<p>{escape(words('notebook'))}</p></footer>\n</body>\n</html>\n"
    )


def reading_guide(words: Words) -> str:
    """How to read the tables, and how to run the code in them."""
    column, code, notebook = (
        f'<p class="note">{escape(words(key))}</p>\n'
        for key in ("column_note", "code_note", "notebook")
    )
    return f"{column}{code}<pre>{escape(IMPORTS)}</pre>\n{notebook}"


def summary(words: Words, tour: Tour) -> str:
    """The three promises and whether they were kept."""
    lines = text_results.summary_lines(words, tour)
    items = "".join(f"<li>{MARK[good]} {escape(line)}</li>\n" for good, line in lines)
    return f'<ul class="summary">\n{items}</ul>\n'


def contents(words: Words, tour: Tour) -> str:
    """Links to the sections."""
    keys = [(step.key, words(f"step.{step.key}.title")) for step in tour.steps]
    more = [("training", words("training.title")), ("repairs", words("repairs.title"))]
    # Only the steps are numbered, here as in their headings.
    numbered = "".join(f"<li>{_link(*entry)}</li>\n" for entry in keys)
    plain = "".join(f'<li class="plain">{_link(*entry)}</li>\n' for entry in more)
    label = escape(words("page.contents"))
    return f'<nav aria-label="{label}"><ol>\n{numbered}{plain}</ol></nav>\n'


def _link(key: str, title: str) -> str:
    return f'<a href="#{key}">{escape(title)}</a>'


def step_section(words: Words, order: int, step: Step, drawn: str) -> str:
    """A step: question, formula, idea, plot and figures."""
    title, question, idea = (
        escape(words(f"step.{step.key}.{part}")) for part in ("title", "question", "idea")
    )
    figures = "".join(figure_table(words, figure) for figure in step.figures)
    return (
        f'<section id="{step.key}">\n<h2>{order}. {title}</h2>\n'
        f'<p class="question">{question}</p>\n{mathml(step.key)}\n<p>{idea}</p>\n'
        f"<figure>{drawn}</figure>\n"
        f'<p class="note">{escape(words(f"given.{step.key}"))}</p>\n'
        f"<pre>{escape(GIVEN[step.key])}</pre>\n{figures}</section>\n"
    )


def figure_table(words: Words, figure: Figure) -> str:
    """A figure: its number, and a row for each way."""
    one = len(figure.expected) == 1
    shown = words("numbers", count=len(figure.expected))
    if one:
        shown = printed(figure.answers["lossary"].values[0], figure.digits)
    head = "".join(
        f'<th scope="col">{escape(words(f"column.{name}"))}</th>'
        for name in ("way", "value", "difference", "code")
    )
    rows = "".join(_row(words, figure, way) for way in WAYS)
    block = "" if one else f"<pre>{escape(chr(10).join(matrix(figure)))}</pre>\n"
    note = words.get(f"note.{figure.topic}")
    note = f'<p class="note">{escape(note)}</p>\n' if note else ""
    if not figure.comes_out:
        wanted = ", ".join(printed(value, figure.digits) for value in figure.expected)
        note += f'<p class="bad">{escape(words("differs", expected=wanted))}</p>\n'
    return (
        f'<h3><span class="value">{escape(shown)} {MARK[figure.comes_out]}</span>'
        f"{escape(words(f'figure.{figure.topic}'))}</h3>\n{block}"
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n<tbody>{rows}</tbody></table>'
        f"</div>\n{note}"
    )


def _row(words: Words, figure: Figure, way: str) -> str:
    answer = figure.answers[way]
    value = shown_value(figure, way)
    says = escape(code(words, figure, way))
    cell = f"<code>{says}</code>" if is_code(figure, way) else says
    wrong = "" if answer.comes_out else f" {MARK[False]}"
    return (
        f'<tr class="{way}"><th scope="row">{escape(words(f"way.{way}"))}{wrong}</th>'
        f'<td class="number">{escape(value)}</td>'
        f'<td class="number">{distance(answer.difference)}</td><td>{cell}</td></tr>\n'
    )
