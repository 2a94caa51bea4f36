"""The temperature that makes the loss smallest: Newton's way, kept inside a bracket.

The loss of scores times ``b`` is convex in ``b``, the inverse of the temperature, so that a slope
of 0 is the minimum. Reference: Guo et al. (2017), On calibration of modern neural networks.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from lossary.explain.class_rows import ClassRows
from lossary.explain.class_sums import ClassSums
from lossary.explain.examples import ratio

# Beyond these, scores are all but equal, or all but certain: no temperature is meant.
COLDEST, HOTTEST = 2.0**-10, 2.0**10
STEPS = 40
# After a step so small the next would be its square, and change no digit that is shown.
CLOSE = 1e-5
# As many scores are kept to begin the search with.
KEPT = 2**20

Scored = tuple[Tensor, Tensor]  # scores, and the mass of each class


@dataclass(frozen=True)
class Temperature:
    """The best temperature, and the mean loss in nats that it gives."""

    value: float | None
    nats: float | None


class Sample:
    """Every row, or of many each so many-th: the search begins there, and reads no file for it."""

    def __init__(self) -> None:
        self.every = 1
        self._met = 0
        self._kept: list[Scored] = []

    def add(self, rows: ClassRows) -> None:
        """Meet some more rows."""
        first = -self._met % self.every
        self._met += len(rows.scores)
        # Copies: a view would keep the block that it is of.
        self._kept.append(
            (rows.scores[first :: self.every].clone(), rows.mass[first :: self.every].clone())
        )
        while sum(x.numel() for x, _ in self._kept) > KEPT and len(self) > 1:
            self.every *= 2
            x, mass = (torch.cat(columns)[::2].clone() for columns in zip(*self._kept, strict=True))
            self._kept = [(x, mass)]

    def __len__(self) -> int:
        return sum(len(x) for x, _ in self._kept)

    def rows(self) -> list[Scored]:
        """What was kept."""
        return self._kept


def best_temperature(
    all_rows: Callable[[], Iterable[ClassRows]],
    sample: Sample,
    sums: ClassSums,
    is_divergence: bool,
) -> Temperature | None:
    """None where the loss is infinite, or falls for ever as scores grow or shrink."""
    if sums.infinite or not sums.divisor or not sums.items:
        return None

    def everything() -> Iterable[Scored]:
        return ((rows.scores, rows.mass) for rows in all_rows())

    here, total = _search(sample.rows, 1.0)
    if sample.every > 1:
        here, total = _search(everything, here)
    if total is None:
        return None
    return Temperature(
        1 / here, ratio(total - (sums.entropy if is_divergence else 0), sums.divisor)
    )


def _search(rows: Callable[[], Iterable[Scored]], here: float) -> tuple[float, float | None]:
    """Where the summed loss is smallest, and what it is there; None if beyond all bounds."""
    low, high = first, last = 1 / HOTTEST, 1 / COLDEST
    met = set()
    for _ in range(STEPS):
        total, slope, bend, missed = _measured(rows(), here)
        if not missed:  # all mass is at the highest scores: the colder, the better, for ever
            return 1.0, None
        if slope == 0:
            return here, total
        met.add(here)
        low, high = (here, high) if slope < 0 else (low, here)
        if low == high:
            return here, None
        step = here - slope / bend if bend else math.inf
        if abs(step - here) <= CLOSE * here:
            return step, total - slope**2 / (2 * bend)
        if not low < step < high:
            end = first if slope > 0 else last
            step = math.sqrt(low * high) if end in met else end
        here = step
    return here, None


def _measured(rows: Iterable[Scored], here: float) -> tuple[float, float, float, float]:
    """The summed loss of the scores times ``here``, its slope and bend, and the slope at last."""
    total = slope = bend = missed = 0.0
    for scores, mass in rows:
        x, whole = _finite(scores), mass.sum(1)
        e = (x * here).exp_()
        if bool(scores.isneginf().any()):
            e = e.masked_fill(scores == -torch.inf, 0)
        each = e.sum(1)
        e *= x
        mean = e.sum(1) / each
        # The highest score is 0 and has its share of p, so that little is cancelled here.
        spread = e.mul_(x).sum(1) / each - mean.square()
        asked = (mass * x).sum(1)
        total += float((whole * each.log() - here * asked).sum())
        slope += float((whole * mean - asked).sum())
        missed -= float(asked.sum())
        bend += float((whole * spread).sum())
    return total, slope, bend, missed


def _finite(scores: Tensor) -> Tensor:
    """Scores below the highest; a masked class, which carries no mass, counts as none."""
    x = scores - scores.amax(1, keepdim=True)
    return x.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
