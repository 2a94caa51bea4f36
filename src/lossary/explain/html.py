"""An explanation in a notebook: still, without script, in the colours of what stands around it."""

from html import escape
from importlib.resources import files

from lossary.explain.explanation import Explanation
from lossary.explain.figures import number
from lossary.explain.sentences import sentences
from lossary.explain.tables import Table, tables
from lossary.explain.text import title
from lossary.explain.words import Words


def fragment(found: Explanation, *, styled: bool = True, is_open: bool = False) -> str:
    """One element for a page or a notebook's output; tables are open where ``is_open``."""
    words = Words(found.language)
    shown = [
        table_element(table, opened=is_open or place == 0)
        for place, table in enumerate(tables(found, words))
    ]
    inside = bar(found, words) + "".join(shown)
    return element(words, title(found, words), sentences(found, words), inside, styled=styled)


def element(words: Words, title: str, said: list[str], inside: str, *, styled: bool) -> str:
    """A title and sentences, and what is ready to stand under them."""
    says = "".join(f"<li>{escape(text)}</li>" for text in said)
    style = f"<style>\n{style_of('fragment')}</style>\n" if styled else ""
    return (
        f'<div class="lossary-explain" lang="{words.language}">\n{style}'
        f'<div class="lx-title">{escape(title)}</div>\n<ul>{says}</ul>\n{inside}</div>\n'
    )


def bar(found: Explanation, words: Words) -> str:
    """Entropy and KL as parts of one bar, and the same in words."""
    it = found.classification
    if it is None or not 0 < it.baselines.cross_entropy_nats < float("inf"):
        return ""
    base = it.baselines
    share = 100 * base.entropy_nats / base.cross_entropy_nats
    values = (base.cross_entropy_nats, base.entropy_nats, base.kl_nats)
    keys = dict(zip(("whole", "entropy", "kl"), map(number, values), strict=True))
    line = escape(words("decomposition", **keys))
    return (
        f'<div class="lx-bar" role="img" aria-label="{line}">'
        f'<div class="lx-open" style="width:{share:.2f}%"></div>'
        f'<div class="lx-missed" style="width:{100 - share:.2f}%"></div></div>\n'
        f'<div class="lx-key">{line}</div>\n'
    )


def table_element(table: Table, opened: bool) -> str:
    """A table behind its heading."""

    def kind(place: int) -> str:
        return ' class="lx-word"' if place < table.words else ""

    head = "".join(
        f'<th scope="col"{kind(i)}>{escape(text)}</th>' for i, text in enumerate(table.head)
    )
    rows = "".join(
        "<tr>" + "".join(f"<td{kind(i)}>{escape(c)}</td>" for i, c in enumerate(row)) + "</tr>"
        for row in table.rows
    )
    note = f'<div class="lx-key">{escape(table.note)}</div>' if table.note else ""
    return (
        f"<details{' open' if opened else ''}><summary>{escape(table.title)}</summary>"
        f'<div class="lx-scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
        f"</div>{note}</details>\n"
    )


def style_of(name: str) -> str:
    """A style sheet of this room."""
    return files("lossary.explain").joinpath(f"{name}.css").read_text(encoding="utf-8")
