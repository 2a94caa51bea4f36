"""What sums of losses and their bins say: interval, concentration, histogram."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from lossary.explain.examples import BINS, FEW, ratio
from lossary.explain.monitor import bins
from lossary.explain.numbers import Concentration, Interval, LossBin
from lossary.kernels import tally


def interval(scalar: Callable[[str], float]) -> Interval | None:
    """Where the mean lies in 95 of 100 samples, by its standard error."""
    total, weight = scalar("loss"), scalar("weight")
    if scalar("examples") < 2 or not weight or not math.isfinite(total):
        return None
    mean = total / weight
    squares = scalar("loss_squared") - 2 * mean * scalar("loss_weight")
    spread = math.sqrt(max(0.0, squares + mean**2 * scalar("weight_squared"))) / weight
    return Interval(mean - 1.96 * spread, mean + 1.96 * spread)


def concentration(losses: Tensor, examples: int, infinite: int) -> Concentration | None:
    """The bins whose mean is above that of all; of infinite losses, these are all of it."""
    if examples < FEW:
        return None
    if infinite:
        return Concentration(infinite / examples, 1.0)
    counts, sums = losses.unbind(1)
    total = float(sums.sum())
    if not total > 0:
        return None
    above = sums * examples > counts * total
    return Concentration(float(counts[above].sum()) / examples, float(sums[above].sum()) / total)


def histogram(losses: Tensor) -> tuple[LossBin, ...]:
    """Bins each twice as high as the one below, from the highest that holds a loss."""
    doublings = losses.view(-1, tally.PARTS, 2).sum(1)
    met = (doublings[:, 1] > 0).nonzero()
    if not len(met):
        return ()
    top, total = int(met[-1]), float(doublings[:, 1].sum())
    first = max(0, top - BINS + 1)
    ends = bins.edges(tally.LOW_LOSS, tally.LOSS_BINS)[:: tally.PARTS].tolist()
    kept = torch.cat((doublings[: first + 1].sum(0, keepdim=True), doublings[first + 1 : top + 1]))
    return tuple(
        LossBin(
            low=0.0 if k == first else ends[k],
            high=ends[k + 1],
            examples=int(kept[k - first, 0]),
            loss_share=ratio(float(kept[k - first, 1]), total),
        )
        for k in range(first, top + 1)
    )
