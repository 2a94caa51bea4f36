"""Plots as inline SVG: text in the page's colour, ids that do not clash, nothing from outside."""

import io
import re
from collections.abc import Callable
from html import escape

from lossary.console.fonts import korean_font
from lossary.console.optional import need

# Ink stands for the page's text colour; the colour itself is used for nothing else.
INK = "#010203"
WIDTH, HEIGHT = 4.6, 2.7


def draw(name: str, alt: str, plot: Callable[..., None], panels: int = 1) -> str:
    """Run a plot on fresh axes and return it as one SVG element with its description."""
    matplotlib = need("matplotlib")
    figure_class = need("matplotlib.figure").Figure
    font = korean_font()
    style = {
        "svg.fonttype": "path",
        "svg.hashsalt": name,
        "font.size": 9,
        # DejaVu has every sign; the Korean font is asked only for the letters it lacks.
        "font.family": ["DejaVu Sans", *([font] if font else [])],
        "axes.spines.top": False,
        "axes.spines.right": False,
        **dict.fromkeys(
            ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK
        ),
    }
    with matplotlib.rc_context(style):
        wide = 2 * WIDTH if panels > 1 else WIDTH
        figure = figure_class(figsize=(wide, HEIGHT), layout="constrained")
        plot(figure.subplots(1, panels))
        file = io.BytesIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return inline(file.getvalue().decode("utf-8"), name, alt)


def inline(svg: str, name: str, alt: str) -> str:
    """Matplotlib's file as an element of a page.

    >>> inline('<?xml version="1.0"?><svg width="9pt" viewBox="0 0 9 9"><g id="a"/></svg>', "n", "")
    '<svg role="img" aria-label="" viewBox="0 0 9 9"><g id="n-a"/></svg>'
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    head, rest = svg.split(">", 1)
    view_box = re.search(r'viewBox="[^"]*"', head)
    opening = f'<svg role="img" aria-label="{escape(alt)}" {view_box[0] if view_box else ""}>'
    # Several plots share one page: ids are made the plot's own, and so are references to them.
    rest = re.sub(r'\bid="', f'id="{name}-', rest)
    rest = re.sub(r'href="#', f'href="#{name}-', rest).replace("url(#", f"url(#{name}-")
    return (opening + rest.replace(INK, "currentColor")).strip()
