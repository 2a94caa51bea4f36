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
from lossary.explain.html import STYLE, fragment
from lossary.explain.words import Words

PAGE_STYLE = """\
:root { color-scheme: light dark; --ground: #ffffff; --ink: #1b1f24; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171a; --ink: #e7eaee; } }
body { margin: 0 auto; padding: 1.5rem 1.25rem 4rem; max-width: 62rem; background: var(--ground);
  color: var(--ink); font: 1rem/1.6 system-ui, "Noto Sans KR", "Malgun Gothic", "NanumGothic", sans-serif; }
:lang(ko) { word-break: keep-all; }
h1 { font-size: 1.6rem; line-height: 1.3; }
figure { margin: 1.5rem 0; }
figure svg { width: 100%; height: auto; background: #ffffff; }
footer { opacity: .75; font-size: .9rem; margin-top: 2rem; }
"""


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
        f"<title>{name}</title>\n<style>\n{PAGE_STYLE}{STYLE}</style>\n</head>\n<body>\n<main>\n"
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
