"""An explanation in a notebook: still, without script, in the colours of what stands around it."""

from html import escape

from lossary.explain.explanation import Explanation
from lossary.explain.figures import number
from lossary.explain.sentences import sentences
from lossary.explain.tables import Table, tables
from lossary.explain.text import title
from lossary.explain.words import Words

# Every rule names the outer class, so that nothing else on the page is touched; colours are
# those of the text around it, fainter or mixed, so that light and dark need not be known.
STYLE = """\
.lossary-explain { color: inherit; background: transparent; max-width: 60rem; line-height: 1.5; }
.lossary-explain .lx-title { font-size: 1.15em; font-weight: 700; margin: .5em 0; }
.lossary-explain ul { margin: .25em 0 .75em; padding-left: 1.4em; }
.lossary-explain .lx-bar { display: flex; height: 1.1em; max-width: 30em; border: 1px solid currentColor; }
.lossary-explain .lx-open { background: repeating-linear-gradient(135deg, currentColor 0 1px, transparent 1px 5px); }
.lossary-explain .lx-missed { background: currentColor; opacity: .55; }
.lossary-explain .lx-key { font-size: .9em; opacity: .8; margin: .2em 0 .8em; }
.lossary-explain details { margin: .3em 0; }
.lossary-explain summary { font-weight: 600; cursor: pointer; }
.lossary-explain .lx-scroll { overflow-x: auto; }
.lossary-explain table { border-collapse: collapse; margin: .4em 0; font-size: .92em; color: inherit; background: transparent; }
.lossary-explain th, .lossary-explain td { padding: .15em .9em .15em 0; text-align: right; font-variant-numeric: tabular-nums; background: transparent; border: 0; }
.lossary-explain thead th { font-weight: 400; opacity: .75; border-bottom: 1px solid currentColor; }
.lossary-explain th.lx-word, .lossary-explain td.lx-word { text-align: left; }
"""


def fragment(found: Explanation, *, styled: bool = True, is_open: bool = False) -> str:
    """One element for a page or a notebook's output; tables are open where ``is_open``."""
    words = Words(found.language)
    says = "".join(f"<li>{escape(text)}</li>" for text in sentences(found, words))
    style = f"<style>\n{STYLE}</style>\n" if styled else ""
    shown = [
        table_element(table, opened=is_open or place == 0)
        for place, table in enumerate(tables(found, words))
    ]
    return (
        f'<div class="lossary-explain" lang="{words.language}">\n{style}'
        f'<div class="lx-title">{escape(title(found, words))}</div>\n<ul>{says}</ul>\n'
        f"{bar(found, words)}{''.join(shown)}</div>\n"
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
