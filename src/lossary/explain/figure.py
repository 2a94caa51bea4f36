"""An explanation as a picture: parts of the loss, reliability, losses, classes, gradient."""

from collections.abc import Callable
from typing import Any

from lossary.console.fonts import korean_font, label_words
from lossary.console.optional import need
from lossary.explain.explanation import Explanation
from lossary.explain.figures import number, percent
from lossary.explain.numbers import Classification, Regression
from lossary.explain.words import Words

PANEL = (4.2, 3.0)
# Okabe and Ito's colours: told apart by colour-blind eyes, and by hatching in grey.
BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#999999"
MOST_BARS = 12

Draw = Callable[[Any], None]


def figure(found: Explanation) -> Any:
    """A matplotlib figure that nobody has to close: it is in no list of pyplot's."""
    words, style = style_for(Words(found.language))
    with need("matplotlib").rc_context(style):
        drawn = list(_panels(found, words))
        across = min(3, len(drawn))
        down = -(-len(drawn) // across)
        size = (PANEL[0] * across, PANEL[1] * down)
        made = need("matplotlib.figure").Figure(figsize=size, layout="constrained")
        places = made.subplots(down, across, squeeze=False).flatten()
        for axes, draw in zip(places, drawn, strict=False):
            draw(axes)
        for axes in places[len(drawn) :]:
            axes.set_axis_off()
    return made


def style_for(words: Words) -> tuple[Words, dict[str, Any]]:
    """The labels' words, for want of a font English ones, and matplotlib's style."""
    words = label_words(words)
    font = korean_font() if words.language == "ko" else None
    return words, {
        "font.size": 8.5,
        "font.family": ["DejaVu Sans", *([font] if font else [])],
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 9,
        "axes.titlelocation": "left",
        "hatch.linewidth": 0.6,
    }


def _panels(found: Explanation, words: Words) -> list[Draw]:
    panels: list[Draw] = []
    it, quantities = found.classification, found.regression
    if it is not None:
        panels.append(lambda axes: parts(axes, it, words))
        if it.calibration is not None:
            panels.append(lambda axes: reliability(axes, it, words))
    if quantities is not None:
        panels.append(lambda axes: against(axes, found, quantities, words))
        panels.append(lambda axes: residuals(axes, quantities, words))
    if found.histogram:
        panels.append(lambda axes: losses(axes, found, words))
    if it is not None and it.per_class:
        panels.append(lambda axes: by_class(axes, it, words))
        panels.append(lambda axes: gradient(axes, it, words))
    return panels


def parts(axes: Any, it: Classification, words: Words) -> None:
    """Cross-entropy as entropy + KL, above what guesses have."""
    base = it.baselines
    names = [words(f"against.{key}") for key in ("chance", "frequency", "this")]
    axes.barh(names[:2], [base.chance_nats, base.frequency_nats], color=GREY, height=0.55)
    # An infinite bar cannot be drawn: its name says what it is.
    own = [x if 0 < x < float("inf") else 0.0 for x in (base.entropy_nats, base.kl_nats)]
    axes.barh(
        names[2:], own[:1], color=BLUE, hatch="///", edgecolor="white", height=0.55,
        label=words("part.entropy"),
    )  # fmt: skip
    axes.barh(names[2:], own[1:], left=own[:1], color=ORANGE, height=0.55, label=words("part.kl"))
    for place, x in enumerate((base.chance_nats, base.frequency_nats, base.cross_entropy_nats)):
        _name(axes, x, place)
    axes.margins(x=0.18)
    axes.set_xlabel(words("axis.nats"))
    axes.set_title(words("figure.decomposition"))
    axes.legend(
        frameon=False, fontsize=7.5, loc="upper center", bbox_to_anchor=(0.4, -0.2), ncols=2
    )


def reliability(axes: Any, it: Classification, words: Words) -> None:
    """How often predictions of like confidence are right."""
    assert it.calibration is not None
    bins = it.calibration.bins
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1)
    sure, right = [b.confidence for b in bins], [b.accuracy for b in bins]
    axes.plot(sure, right, color=BLUE, marker="o", markersize=4)
    for b in bins:
        axes.plot([b.confidence] * 2, [b.confidence, b.accuracy], color=ORANGE, linewidth=1)
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel(words("axis.confidence"))
    axes.set_ylabel(words("axis.accuracy"))
    error = percent(it.calibration.expected_error)
    axes.set_title(words("note.calibration", error=error, brier=number(it.brier)))


def losses(axes: Any, found: Explanation, words: Words) -> None:
    """Shares of the examples and of the loss, by the size of the loss."""
    bins = [b for b in found.histogram if b.examples]
    every = sum(b.examples for b in found.histogram)
    places = range(len(bins))
    axes.bar(
        [p - 0.2 for p in places], [b.examples / every for b in bins], 0.4, color=BLUE,
        hatch="///", edgecolor="white", label=words("axis.examples"),
    )  # fmt: skip
    axes.bar(
        [p + 0.2 for p in places], [b.loss_share for b in bins], 0.4, color=ORANGE,
        label=words("axis.loss"),
    )  # fmt: skip
    # The largest loss is named, and every few below it.
    step = -(-len(bins) // 5)
    named = list(places)[::-1][::step]
    axes.set_xticks(named, [f"≤ {bins[place].high:.2g}" for place in named])
    axes.set_ylabel(words("axis.share"))
    axes.set_title(words("figure.losses"))
    axes.legend(frameon=False, fontsize=7.5)


def by_class(axes: Any, it: Classification, words: Words) -> None:
    """Shares of the loss, those with most first."""
    rows = sorted(it.per_class, key=lambda row: -row.loss_share)[:MOST_BARS]
    axes.bar([row.label for row in rows], [row.loss_share for row in rows], color=ORANGE)
    axes.set_ylabel(words("axis.share"))
    axes.set_title(words("figure.classes"))
    _turn(axes, rows)


def gradient(axes: Any, it: Classification, words: Words) -> None:
    """Shares of the gradient."""
    rows = sorted(it.per_class, key=lambda row: -row.gradient_share)[:MOST_BARS]
    axes.bar([row.label for row in rows], [row.gradient_share for row in rows], color=BLUE)
    axes.set_ylabel(words("axis.share"))
    axes.set_title(words("figure.gradient"))
    _turn(axes, rows)


def _name(axes: Any, x: float, place: int) -> None:
    at = (x if x < float("inf") else 0.0, place)
    axes.annotate(number(x), at, (3, 0), textcoords="offset points", va="center")


def _turn(axes: Any, rows: Any) -> None:
    if max((len(row.label) for row in rows), default=0) * len(rows) > 36:
        axes.tick_params(axis="x", labelrotation=60)


def against(axes: Any, found: Explanation, it: Regression, words: Words) -> None:
    """The mean loss beside what constant guesses have."""
    names = [words(f"against.{key}") for key in ("median", "mean", "this")]
    values = (it.median_baseline, it.mean_baseline, found.mean)
    axes.barh(names, values, color=[GREY, GREY, ORANGE], height=0.55)
    for place, x in enumerate(values):
        _name(axes, x, place)
    axes.margins(x=0.18)
    axes.set_xlabel(words("axis.loss"))
    axes.set_title(words("figure.against"))


def residuals(axes: Any, it: Regression, words: Words) -> None:
    """How large a share of the residuals lies below each."""
    axes.plot(
        [q.residual for q in it.quantiles],
        [q.share for q in it.quantiles],
        color=BLUE,
        marker="o",
        markersize=4,
    )
    axes.axvline(0, color=GREY, linestyle="--", linewidth=1)
    axes.set_xlabel(words("axis.residual"))
    axes.set_ylabel(words("axis.share"))
    axes.set_title(words("figure.residuals"))
