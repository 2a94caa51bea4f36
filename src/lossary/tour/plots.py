"""One small plot per step, on real numbers of the tour; each draws on given axes."""

import math
from typing import Any

import torch

from lossary.tour.given import Given
from lossary.tour.results import Tour
from lossary.tour.words import Words

# Okabe and Ito's palette: told apart by colour-blind eyes, legible on white and on black.
BLUE, ORANGE, GREEN, GREY = "#0a84c6", "#d55e00", "#009e73", "#888888"
DASHED = {"color": GREEN, "linestyle": "--"}


def value(tour: Tour, topic: str) -> float:
    """Lossary's number for a figure."""
    found = next(figure for figure in tour.figures if figure.topic == topic)
    return found.answers["lossary"].values[-1]


def name_axes(axes: Any, x: str, y: str) -> None:
    """Name both axes."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def point(axes: Any, x: float, y: float, label_at: tuple[int, int] = (8, 4)) -> None:
    """Mark a number of the tour and write it."""
    axes.plot([x], [y], "o", color=ORANGE)
    axes.annotate(f"{y:.4f}", (x, y), xytext=label_at, textcoords="offset points")


def sigmoid(axes: Any, tour: Tour, given: Given, words: Words) -> None:
    """The S-shaped curve, with the network's answer on it."""
    z = torch.linspace(-6, 6, 121)
    axes.plot(z.tolist(), torch.sigmoid(z).tolist(), color=BLUE)
    y = value(tour, "network_output")
    point(axes, math.log(y / (1 - y)), y)
    name_axes(axes, words("axis.score"), words("axis.probability"))


def self_information(axes: Any, tour: Tour, given: Given, words: Words) -> None:
    """Surprise against probability."""
    p = torch.linspace(0.01, 1, 100)
    axes.plot(p.tolist(), (-p.log()).tolist(), color=BLUE)
    point(axes, 0.3, -value(tour, "log"))
    name_axes(axes, words("axis.probability"), words("axis.nats"))


def entropy(axes: Any, tour: Tour, given: Given, words: Words) -> None:
    """The arch of a coin's entropy."""
    p = torch.linspace(0, 1, 201)
    arch = torch.special.entr(p) + torch.special.entr(1 - p)
    axes.plot(p.tolist(), arch.tolist(), color=BLUE)
    axes.axhline(math.log(2), color=GREY, linestyle=":")
    point(axes, 0.4, value(tour, "coin_entropy"), label_at=(4, -14))
    axes.annotate("ln 2", (0, math.log(2)), xytext=(2, -11), textcoords="offset points")
    name_axes(axes, words("axis.heads"), words("axis.nats"))


def kl_divergence(axes: Any, tour: Tour, given: Given, words: Words) -> None:
    """The price of believing in another coin than the fair one."""
    p = torch.linspace(0.001, 0.999, 400)
    axes.plot(p.tolist(), (-0.5 * (4 * p * (1 - p)).log()).tolist(), color=BLUE)
    point(axes, 0.4, value(tour, "kl_coin"))
    name_axes(axes, words("axis.belief"), words("axis.nats"))


def bce(axes: Any, tour: Tour, given: Given, words: Words) -> None:
    """The loss of either target against the probability."""
    p = torch.linspace(0.01, 0.99, 99)
    for loss, t, style in ((-p.log(), 1, {"color": BLUE}), (-(1 - p).log(), 0, DASHED)):
        axes.plot(p.tolist(), loss.tolist(), label=words("axis.target", t=t), **style)
    point(axes, value(tour, "network_output"), value(tour, "bce_network"))
    axes.legend(frameon=False)
    name_axes(axes, words("axis.probability"), words("axis.loss"))


def softmax(axes: Any, tour: Tour, given: Given, words: Words) -> None:
    """The ten probabilities."""
    p = next(f for f in tour.figures if f.topic == "softmax").answers["lossary"].values
    axes.bar(range(len(p)), p, color=BLUE)
    axes.axhline(0.1, color=GREY, linestyle=":")
    axes.set_xticks(range(len(p)))
    name_axes(axes, words("axis.class"), words("axis.probability"))


def cross_entropy(axes: Any, tour: Tour, given: Given, words: Words) -> None:
    """Three losses, their mean, and what a blind guess costs."""
    losses = (-given.outputs.log_softmax(1)[[0, 1, 2], [1, 0, 3]]).tolist()
    axes.bar(range(3), losses, color=BLUE, width=0.5)
    mean = value(tour, "cross_entropy_classes")
    axes.axhline(mean, color=ORANGE, label=f"{words('axis.mean')} {mean:.4f}")
    blind = f"{words('axis.blind')}, ln 5 = {math.log(5):.4f}"
    axes.axhline(math.log(5), color=GREY, linestyle=":", label=blind)
    axes.set_xticks(range(3))
    axes.set_ylim(0, 1.45 * max(losses))
    axes.legend(frameon=False, loc="upper left")
    name_axes(axes, words("axis.example"), words("axis.loss"))


def mse(axes: Any, tour: Tour, given: Given, words: Words) -> None:
    """The fifteen pairs on the parabola."""
    differences = (given.a - given.b).flatten().tolist()
    reach = 1.1 * max(map(abs, differences))
    line = torch.linspace(-reach, reach, 101).tolist()
    axes.plot(line, [d**2 for d in line], color=BLUE)
    axes.plot(differences, [d**2 for d in differences], "o", color=ORANGE, markersize=4)
    mean = value(tour, "mse")
    axes.axhline(mean, color=ORANGE, label=f"{words('axis.mean')} {mean:.4f}")
    axes.legend(frameon=False, loc="upper center")
    name_axes(axes, words("axis.difference"), words("axis.squared"))


STEP_PLOTS = {
    plot.__name__: plot
    for plot in (
        sigmoid,
        self_information,
        entropy,
        kl_divergence,
        bce,
        softmax,
        cross_entropy,
        mse,
    )
}
