"""Log-probability of one class and entropy of all, compiled: row by row, in float64.

With ``fall`` the distance below the highest score and Z the sum of ``exp -fall``, the entropy is
``log Z + sum p fall``: terms of one sign, so that a nearly certain row keeps its digits. The
leader, whose fall is 0, is left out of every sum.
"""

from typing import Any

import numpy as np

from lossary.kernels.cpu._labels import counts
from lossary.kernels.cpu._numbers import (
    compiled,
    exponential,
    reordered,
    rounded,
    widened,
)
from lossary.kernels.cpu._row_sums import largest
from lossary.kernels.cpu._soft_rows import first_place

# What the gradient needs of a row: leader, highest score, the rest's odds, the mean fall.
NOTES = 4


@reordered
def _sums(row: Any, top: float) -> tuple[float, float]:
    """The odds of part of a row, and their falls weighted with them."""
    odds = falls = 0.0
    for k in range(row.shape[0]):
        fall = top - np.float64(widened(row[k]))
        share = exponential(-fall)
        odds += share
        # Below the smallest float64, and for a masked class, 0 * inf is 0.
        falls += 0.0 if share == 0 else share * fall
    return odds, falls


@compiled
def losses(
    x: Any, target: Any, ignored: int, wrong: Any, log_p: Any, entropy: Any,
    notes: Any, start: int, stop: int,
) -> None:  # fmt: skip
    """Both numbers of rows, 0 where the target is ignored, and the notes of their gradient."""
    for i in range(start, stop):
        row, y = x[i], target[i]
        log_p[i] = entropy[i] = 0
        if not counts(y, ignored, row.shape[0], wrong):
            notes[:, i] = 0
            continue
        top = np.float64(largest(row))
        leader = max(0, first_place(row, top))
        if top == -np.inf:  # every class is masked: no class is possible, and none uncertain
            log_p[i] = -np.inf
            notes[:, i] = -np.inf
            continue
        low, high = _sums(row[:leader], top), _sums(row[leader + 1 :], top)
        odds, falls = low[0] + high[0], low[1] + high[1]
        mean = falls / (1 + odds)
        log_sum = np.log1p(odds)
        fall = 0.0 if y == leader else top - np.float64(widened(row[y]))
        log_p[i] = -(fall + log_sum)
        entropy[i] = log_sum + mean
        notes[0, i], notes[1, i], notes[2, i], notes[3, i] = leader, top, odds, mean


@compiled
def gradient(
    x: Any, target: Any, ignored: int, wrong: Any, notes: Any, by_log: Any, by_entropy: Any,
    out: Any, start: int, stop: int,
) -> None:  # fmt: skip
    """``a (1_y - p) + b p (fall - mean fall)``, for upstream gradients a and b of each row."""
    like = out[0, 0]
    for i in range(start, stop):
        row, slope, y = x[i], out[i], target[i]
        a, b = np.float64(by_log[i]), np.float64(by_entropy[i])
        if not counts(y, ignored, row.shape[0], wrong) or notes[1, i] == -np.inf:
            for k in range(row.shape[0]):
                slope[k] = rounded(0.0, like)
            continue
        leader, top, odds, mean = int(notes[0, i]), notes[1, i], notes[2, i], notes[3, i]
        unit = 1 / (1 + odds)
        own = np.float64(widened(row[y]))
        for k in range(row.shape[0]):
            fall = top - np.float64(widened(row[k]))
            p = exponential(-fall) * unit
            bent = 0.0 if p == 0 else p * (b * (fall - mean) - a)
            slope[k] = rounded(bent, like)
        slope[leader] = rounded(-unit * (b * mean + a), like)
        if y == leader:
            slope[y] = rounded(a * odds * unit - unit * b * mean, like)
        else:
            fall = top - own
            p = exponential(-fall) * unit
            bent = 0.0 if p == 0 else p * b * (fall - mean)
            slope[y] = rounded(a * (1 - p) + bent, like)
