"""Time and memory on logarithmic axes: told apart by dashes and marks, named at their ends."""

import io
from collections.abc import Sequence
from typing import Any

from lossary.bench import bars
from lossary.bench.curves import MEMORY, Curve
from lossary.bench.numbers import count
from lossary.bench.words import Words
from lossary.console.fonts import korean_font, label_words
from lossary.console.optional import need

# Okabe and Ito's colours, told apart by colour-blind eyes; in grey, dashes and marks do it.
STYLES: dict[str, dict[str, Any]] = {
    "lossary": {"color": "#000000", "linewidth": 2.4, "marker": "o"},
    "torch": {"color": "#d55e00", "linestyle": "-", "marker": "s"},
    "compile": {"color": "#0072b2", "linestyle": "-.", "marker": "^"},
    "chunked": {"color": "#009e73", "linestyle": (0, (4, 1, 1, 1, 1, 1)), "marker": "D"},
    "chunked_auto": {"color": "#56b4e9", "linestyle": (0, (5, 2, 1, 2)), "marker": "x"},
    "liger": {"color": "#cc79a7", "linestyle": ":", "marker": "v"},
    "floor": {"color": "#777777", "linestyle": "--", "linewidth": 1.2, "marker": ""},
}
PANEL = (4.6, 3.2)
LINE_HEIGHT = 10.5  # points that a name needs for itself


def draw(chosen: Sequence[Curve], words: Words, ending: str, name: str = "bench") -> bytes:
    """A picture of some curves, two in a row, as the bytes of a file."""
    matplotlib = need("matplotlib")
    words, font = label_words(words), korean_font()
    style = {
        "svg.hashsalt": name,
        "font.size": 8.5,
        "font.family": ["DejaVu Sans", *([font] if font else [])],
        "axes.spines.top": False,
        "axes.spines.right": False,
        "lines.markersize": 4,
        "lines.linewidth": 1.4,
    }
    across = min(2, len(chosen))
    down = -(-len(chosen) // 2)
    with matplotlib.rc_context(style):
        figure = need("matplotlib.figure").Figure(
            figsize=(PANEL[0] * across, PANEL[1] * down), layout="constrained"
        )
        grid = figure.subplots(down, across, squeeze=False).flatten()
        names = [panel(axes, curve, words) for axes, curve in zip(grid, chosen, strict=False)]
        for spare in grid[len(chosen) :]:
            spare.set_axis_off()
        figure.draw_without_rendering()  # only now is it known where the lines end
        figure.set_layout_engine("none")
        for labels in names:
            _part(labels)
        file = io.BytesIO()
        metadata = {"Date": None} if ending == "svg" else {}
        figure.savefig(file, format=ending, metadata=metadata, dpi=160)
    return file.getvalue()


def panel(axes: Any, curve: Curve, words: Words) -> list[Any]:
    """Draw a curve on axes and return the names at its lines' ends."""
    if bars.is_one_size(curve):
        bars.panel(axes, curve, words, STYLES)
        return []
    axes.set_xscale("log")
    axes.set_yscale("log")
    unit = 1e-6 if curve.what == MEMORY else 1.0
    lines = {**curve.lines, **({"floor": curve.floor} if curve.floor else {})}
    names = []
    for who, places in lines.items():
        x, y = zip(*((x, y * unit) for x, y in places), strict=True)
        axes.plot(x, y, **STYLES[who])
        key = "figure.gradients" if (who, curve.what) == ("floor", MEMORY) else f"contender.{who}"
        names.append(
            axes.annotate(
                words(key),
                (x[-1], y[-1]),
                (7, 0),
                textcoords="offset points",
                va="center",
                color=STYLES[who]["color"],
                annotation_clip=False,
            )
        )
    _scales(axes, sorted({x for places in lines.values() for x, _ in places}))
    point = curve.point
    axes.set_title(
        words(
            f"figure.{curve.what}.{curve.grows}",
            loss=words(f"loss.{point.loss}"),
            rows=count(point.rows),
            vocabulary=count(point.vocabulary),
            dtype=point.dtype,
        ),
        loc="left",
        fontsize=9,
    )
    axes.set_xlabel(words(f"axis.{curve.grows}"))
    axes.set_ylabel(words("axis.memory" if curve.what == MEMORY else "axis.time"))
    return names


def _scales(axes: Any, places: list[float]) -> None:
    ticker = need("matplotlib.ticker")
    axes.set_xticks(places, [count(int(x)) for x in places])
    axes.xaxis.set_minor_locator(ticker.NullLocator())
    axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axes.margins(y=0.12)
    axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda y, _: f"{y:,.6g}"))
    axes.yaxis.set_minor_formatter(ticker.NullFormatter())
    axes.grid(alpha=0.2)


def _part(names: list[Any]) -> None:
    """Move the names at one end apart, up from the lowest, so that none covers another."""
    if not names:
        return
    dots = names[0].figure.dpi / 72
    lowest: dict[float, float] = {}
    for label in sorted(names, key=lambda one: one.xy[1]):
        x, y = label.axes.transData.transform(label.xy)
        at = max(y / dots, lowest.get(round(x), float("-inf")) + LINE_HEIGHT)
        lowest[round(x)] = at
        label.set_position((7, at - y / dots))
