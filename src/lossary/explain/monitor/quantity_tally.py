"""What is added up over examples of quantities: one vector, and what can be said from it."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from lossary.explain.asking import Asked
from lossary.explain.examples import ratio
from lossary.explain.explanation import Explanation
from lossary.explain.kinds.quantities import SHARES, WORST, item_losses, noise
from lossary.explain.monitor import bins
from lossary.explain.monitor.losses import concentration, histogram, interval
from lossary.explain.numbers import Count, Quantile, Regression
from lossary.explain.view import View
from lossary.kernels import tally

SCALARS = (
    "examples",
    "passed_over",
    "nan",
    "infinite",
    "weight",
    "loss",
    "loss_squared",
    "loss_weight",
    "weight_squared",
    "weighted_residual",
    "residual",
    "residual_squared",
    "target",
    "target_squared",
)
# Residuals and targets from 2**LOWEST up, of either sign.
LOWEST, BINS = -64, 128 * tally.PARTS
LOSSES_AT = len(SCALARS)
RESIDUALS_AT = LOSSES_AT + 2 * tally.LOSS_BINS
TARGETS_AT = RESIDUALS_AT + 2 * BINS
# A bin of targets: their weights, weighted targets, weighted squares.
SIZE = TARGETS_AT + 6 * BINS


class QuantityTally:
    """Running sums; ``values`` of two tallies add up."""

    def __init__(self) -> None:
        self.values = torch.zeros(SIZE, dtype=torch.float64)

    def meet(self, seen: dict[str, Tensor], passed_over: int) -> None:
        """Add examples that were measured; those whose loss is no number are only counted."""
        kept = ~seen["loss"].isnan()
        loss, by, t, x = (seen[k][kept] for k in ("loss", "divisor", "label", "predicted"))
        residual, finite = x - t, torch.where(loss.isfinite(), loss, 0)
        sums = {
            "examples": kept,
            "nan": ~kept,
            "infinite": loss.isinf(),
            "weight": by,
            "loss": loss,
            "loss_squared": finite.square(),
            "loss_weight": finite * by,
            "weight_squared": by.square(),
            "weighted_residual": residual * by,
            "residual": residual,
            "residual_squared": residual.square(),
            "target": t,
            "target_squared": t.square(),
        }
        for name, values in sums.items():
            self.values[SCALARS.index(name)] += float(values.sum())
        self.passed_over(passed_over)
        met = loss.isfinite()
        place = bins.place(loss[met], tally.LOW_LOSS, tally.LOSS_BINS)
        _count(self._losses(), place, torch.ones_like(loss[met]), loss[met])
        place = bins.signed_place(residual, LOWEST, BINS)
        _count(self._residuals(), place, torch.ones_like(residual))
        place = bins.signed_place(t, LOWEST, BINS)
        _count(self._targets(), place, by, by * t, by * t.square())

    def passed_over(self, count: int) -> None:
        """So many more examples were not looked at."""
        self.values[SCALARS.index("passed_over")] += count

    def explanation(self, asked: Asked, view: View) -> Explanation:
        """What all that was met says."""
        items, scalar = int(self.scalar("examples")), self.scalar
        total, weight = scalar("loss"), scalar("weight")
        return Explanation(
            loss=asked.name,
            reduction=asked.reduction,
            value=total if asked.reduction == "sum" else ratio(total, weight),
            mean=ratio(total, weight),
            interval=interval(scalar),
            count=Count(items, 0, weight, int(scalar("nan")), int(scalar("passed_over"))),
            concentration=concentration(self._losses(), items, int(scalar("infinite"))),
            hardest=(),
            histogram=histogram(self._losses()),
            classification=None,
            regression=self._regression(asked) if items else None,
            language=view.language,
        )

    def figures(self) -> Iterator[tuple[str, float]]:
        """A few numbers by name, for a curve over time."""
        yield "loss", ratio(self.scalar("loss"), self.scalar("weight"))
        yield "bias", ratio(self.scalar("weighted_residual"), self.scalar("weight"))
        variance = self._explained_variance()
        if variance is not None:
            yield "explained_variance", variance

    def scalar(self, name: str) -> float:
        """One of the sums over all examples."""
        return float(self.values[SCALARS.index(name)])

    def _losses(self) -> Tensor:
        return self.values[LOSSES_AT:RESIDUALS_AT].view(-1, 2)

    def _residuals(self) -> Tensor:
        return self.values[RESIDUALS_AT:TARGETS_AT].view(-1, 1)

    def _targets(self) -> Tensor:
        return self.values[TARGETS_AT:].view(-1, 3)

    def _explained_variance(self) -> float | None:
        items, scalar = self.scalar("examples"), self.scalar
        spread = scalar("target_squared") - ratio(scalar("target") ** 2, items)
        if not spread > 0:
            return None
        return 1 - (scalar("residual_squared") - scalar("residual") ** 2 / items) / spread

    def _regression(self, asked: Asked) -> Regression:
        residuals = bins.signed(self._residuals(), LOWEST)
        weight = self.scalar("weight")
        points, by = _points(self._targets())
        mean = ratio(float((points * by).sum()), weight)
        middle = _median(self._targets())

        def of_constant(guess: float) -> float:
            losses = item_losses(asked, torch.full_like(points, guess), points)
            return ratio(float((losses * by).sum()), weight)

        return Regression(
            mean_baseline=of_constant(mean),
            median_baseline=of_constant(middle),
            explained_variance=self._explained_variance(),
            bias=ratio(self.scalar("weighted_residual"), weight),
            worst_percent_share=_worst(self._losses(), self.scalar("examples")),
            quantiles=tuple(Quantile(share, residuals.quantile(share)) for share in SHARES),
            noise=noise(asked, ratio(self.scalar("loss"), weight)),
        )


def _count(table: Tensor, place: Tensor, *values: Tensor) -> None:
    for column, value in enumerate(values):
        table[:, column].index_add_(0, place, value)


def _points(targets: Tensor) -> tuple[Tensor, Tensor]:
    """Two targets for each bin, and their weights: they have its mean and its variance.

    So squares come out exactly, even where all targets lie in one bin, far from 0.
    """
    by, sums, squares = targets[targets[:, 0] > 0].unbind(1)
    mean = sums / by
    apart = (squares / by - mean.square()).clamp(min=0).sqrt()
    return torch.cat((mean - apart, mean + apart)), torch.cat((by, by)) / 2


def _median(targets: Tensor) -> float:
    """The mean of the bin in which half of the weight is reached; of two, where it is between."""
    by, sums, _ = targets[targets[:, 0] > 0].unbind(1)
    if not len(by):
        return 0.0
    means, order = (sums / by).sort()
    passed = by[order].cumsum(0)
    half = float(passed[-1]) / 2
    low = int((passed >= half * (1 - 1e-12)).nonzero()[0])
    high = int((passed > half * (1 + 1e-12)).nonzero()[0])
    return float(means[low] + means[high]) / 2


def _worst(losses: Tensor, items: float) -> float:
    """What the worst hundredth has of the loss; of the bin in which it ends, an even part."""
    counts, sums = losses.flip(0).unbind(1)
    wanted = max(1, math.ceil(WORST * items))
    before = counts.cumsum(0) - counts
    taken = torch.where(counts > 0, ((wanted - before).clamp(min=0) / counts).clamp(max=1), 0)
    return ratio(float((taken * sums).sum()), float(sums.sum()))
