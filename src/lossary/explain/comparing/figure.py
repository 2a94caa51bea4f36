"""A comparison as a picture: cosines of the gradients, and how each is shared out."""

from typing import Any

from lossary.console.optional import need
from lossary.explain.comparing.comparison import Comparison
from lossary.explain.figure import PANEL, style_for
from lossary.explain.words import Words

# Lines that are told apart without colour.
DASHES = ("-", "--", ":", "-.")


def figure(found: Comparison) -> Any:
    """A matplotlib figure that nobody has to close."""
    words, style = style_for(Words(found.language))
    with need("matplotlib").rc_context(style):
        size = (2.4 * PANEL[0], PANEL[1] + 0.4)
        made = need("matplotlib.figure").Figure(figsize=size, layout="constrained")
        left, right = made.subplots(1, 2)
        _cosines(left, found, words)
        _shares(right, found, words)
    return made


def _cosines(axes: Any, found: Comparison, words: Words) -> None:
    names = [one.name for one in found.losses]
    nothing = float("nan")
    values = [[1.0 if a == b else nothing for b in names] for a in names]
    for pair in found.pairs:
        i, j = names.index(pair.first), names.index(pair.second)
        values[i][j] = values[j][i] = nothing if pair.cosine is None else pair.cosine
    axes.imshow(values, cmap="PuOr", vmin=-2, vmax=2)
    for i, row in enumerate(values):
        for j, value in enumerate(row):
            axes.text(j, i, "–" if value != value else f"{value:.2f}", ha="center", va="center")
    axes.set_xticks(range(len(names)), names, rotation=20, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set_title(words("compare.cosines"))


def _shares(axes: Any, found: Comparison, words: Words) -> None:
    for k, one in enumerate(found.losses):
        tenths = [i / (len(one.cumulative) - 1) for i in range(len(one.cumulative))]
        axes.plot(tenths, one.cumulative, DASHES[k % len(DASHES)], label=one.name)
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=0.6)
    axes.set_xlabel(words("axis.most_minded"))
    axes.set_ylabel(words("axis.gradient_share"))
    axes.set_title(words("compare.shares"))
    axes.legend(frameon=False)
