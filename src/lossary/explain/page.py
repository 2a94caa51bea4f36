"""An explanation as one page that stands alone: no script, no request, light and dark."""

import io
import re
from html import escape
from pathlib import Path

import lossary
from lossary.console.whole import write_whole
from lossary.explain.explanation import Explanation
from lossary.explain.figure import figure
from lossary.explain.figures import number
from lossary.explain.html import fragment, style_of
from lossary.explain.words import Words


def save(found: Explanation, path: Path) -> Path:
    """Write the page, whole or not at all."""
    write_whole(path, page(found))
    return path


def page(found: Explanation) -> str:
    """The page's text."""
    words = Words(found.language)
    name = escape(words("page.title", value=number(found.value)))
    made = escape(words("page.made", version=lossary.__version__))
    return (
        f'<!doctype html>\n<html lang="{words.language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{name}</title>\n<style>\n{style_of('page')}{style_of('fragment')}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{name}</h1>\n{fragment(found, styled=False, is_open=True)}"
        f'<figure role="img" aria-label="{name}">{drawn(found)}</figure>\n</main>\n'
        f"<footer>{made}</footer>\n</body>\n</html>\n"
    )


def drawn(found: Explanation) -> str:
    """The figure as an element, with letters as shapes."""
    from lossary.console.optional import need

    file = io.BytesIO()
    with need("matplotlib").rc_context({"svg.fonttype": "path", "svg.hashsalt": "explain"}):
        figure(found).savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue().decode("utf-8")
    return re.sub(r"^.*?(?=<svg)", "", text, flags=re.DOTALL)
