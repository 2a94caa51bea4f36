"""The temperature that makes the loss smallest: Newton's way, kept inside a bracket.

The loss of scores times ``b`` is convex in ``b``, the inverse of the temperature, so that a slope
of 0 is the minimum. Reference: Guo et al. (2017), On calibration of modern neural networks.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from lossary.explain.class_rows import ClassRows
from lossary.explain.class_sums import ClassSums
from lossary.explain.examples import ratio

# Beyond these, scores are all but equal, or all but certain: no temperature is meant.
COLDEST, HOTTEST = 2.0**-10, 2.0**10
STEPS = 30
# A step so small changes no digit that is shown.
CLOSE = 1e-9


@dataclass(frozen=True)
class Temperature:
    """The best temperature, and the mean loss in nats that it gives."""

    value: float | None
    nats: float | None


def best_temperature(
    all_rows: Callable[[], Iterator[ClassRows]],
    divisor: float,
    sums: ClassSums,
    is_divergence: bool,
) -> Temperature | None:
    """None where the loss is infinite, or falls for ever as scores grow or shrink."""
    if sums.infinite or not divisor or not sums.items:
        return None
    low, high, here = 1 / HOTTEST, 1 / COLDEST, 1.0
    for _ in range(STEPS):
        total, slope, bend, missed = _measured(all_rows(), here)
        if not missed:  # all mass is at the highest scores: the colder, the better, for ever
            return None
        if slope == 0 or bend == 0:
            break
        low, high = (here, high) if slope < 0 else (low, here)
        step = here - slope / bend
        if not low < step < high:
            step = math.sqrt(low * high)
        if abs(step - here) <= CLOSE * here:
            break
        here = step
    if not 1 / HOTTEST * 1.01 < here < 1 / COLDEST / 1.01 or bend == 0:
        return None
    nats = ratio(total - (sums.entropy if is_divergence else 0.0), divisor)
    return Temperature(1 / here, nats)


def _measured(all_rows: Iterator[ClassRows], here: float) -> tuple[float, float, float, float]:
    """The summed loss of the scores times ``here``, its slope and bend, and the slope at last."""
    total = slope = bend = missed = 0.0
    for rows in all_rows:
        x = _finite(rows)
        log_p = torch.log_softmax(torch.where(rows.scores == -torch.inf, -torch.inf, x * here), 1)
        p, whole = log_p.exp(), rows.mass.sum(1)
        mean = (p * x).sum(1)
        total -= float(torch.where(rows.mass == 0, 0, rows.mass * log_p).sum())
        slope += float((whole * mean - (rows.mass * x).sum(1)).sum())
        missed -= float((rows.mass * x).sum())
        bend += float((whole * (p * (x - mean.unsqueeze(1)).square()).sum(1)).sum())
    return total, slope, bend, missed


def _finite(rows: ClassRows) -> Tensor:
    """Scores below the highest; a masked class, which carries no mass, counts as none."""
    x = rows.scores - rows.scores.amax(1, keepdim=True)
    return x.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
