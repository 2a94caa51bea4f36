"""Plots of the trainings and of torch's error."""

from typing import Any

import torch

import lossary.functional
from lossary.tour.plots import BLUE, GREEN, GREY, ORANGE, name_axes
from lossary.tour.results import TrainingResult
from lossary.tour.words import Words

# An error of 0 has no place on a logarithmic axis: it is drawn at the bottom.
FLOOR = 1e-9


def training(axes: Any, found: TrainingResult, words: Words) -> None:
    """The loss by epoch, below the best blind guess, and the held-out loss at the end."""
    axes.plot(range(1, found.epochs + 1), found.curve, color=BLUE, label=words("axis.train"))
    blind = min(baseline.loss for baseline in found.baselines)
    axes.axhline(blind, color=GREY, linestyle=":", label=words("axis.blind"))
    end = ([found.epochs], [found.held_out_loss])
    axes.plot(*end, "o", color=ORANGE, label=words("axis.held_out"))
    axes.set_ylim(bottom=0)
    axes.set_title(words(f"axis.{found.data}"))
    axes.legend(frameon=False, fontsize="small")
    name_axes(axes, words("axis.epoch"), words("axis.loss"))


def errors(axes: Any, words: Words) -> None:
    """Relative error of both libraries' binary cross-entropy for a negative score."""
    z = torch.linspace(0, -25, 101)
    zeros = torch.zeros_like(z)
    # softplus(z) in float64 is exact to 15 digits for these scores: log1p loses nothing.
    exact = z.double().exp().log1p()
    for library, color, style, name in (
        (torch.nn.functional, ORANGE, "-", "torch"),
        (lossary.functional, GREEN, "--", "Lossary"),
    ):
        loss = library.binary_cross_entropy_with_logits(z, zeros, reduction="none").double()
        error = ((loss - exact).abs() / exact).clamp_min(FLOOR)
        axes.semilogy(z.tolist(), error.tolist(), style, color=color, label=name)
    axes.legend(frameon=False)
    name_axes(axes, words("axis.score"), words("axis.error"))
