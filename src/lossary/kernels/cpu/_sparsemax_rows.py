"""Sparsemax, compiled: the threshold of each row without sorting it.

From a threshold that is too low, the mean of what lies above it, less 1 / count, is a better one
and never too high; what it leaves out is out for good, so that few entries are left after the
first reading (Michelot, 1986). It ends when nothing more is left out: exact, in few rounds.
"""

from typing import Any

import numpy as np

from lossary.kernels.cpu._numbers import compiled, reordered, rounded, widened
from lossary.kernels.cpu._row_sums import largest


@compiled
def _gather_above(row: Any, top: float, falls: Any) -> int:
    """The entries less than 1 below the top, as they lie below it; -1 if one is no number.

    Below an infinite top there are none.
    """
    count = 0
    for k in range(row.shape[0]):
        value = np.float64(widened(row[k]))
        if value != value:
            return -1
        fall = value - top
        if fall > -1:
            falls[count] = fall
            count += 1
    return count


@reordered
def _sum(values: Any) -> float:
    total = 0.0
    for k in range(values.shape[0]):
        total += values[k]
    return total


@compiled
def _threshold(falls: Any, count: int) -> float:
    """How far below the top an entry comes to 0."""
    while True:
        tau = (_sum(falls[:count]) - 1) / count
        kept = 0
        for k in range(count):
            if falls[k] > tau:
                falls[kept] = falls[k]
                kept += 1
        if kept == count:
            return tau
        count = kept


@compiled
def project(x: Any, out: Any, start: int, stop: int) -> None:
    """The distribution nearest to each row."""
    falls, like = np.empty(x.shape[1]), out[0, 0]
    for i in range(start, stop):
        row, p = x[i], out[i]
        top = np.float64(largest(row))
        count = _gather_above(row, top, falls)
        # An infinite entry is no number of the answer; the others are infinitely far below it.
        rest = 0.0 if count == 0 and top == np.inf else np.nan
        tau = _threshold(falls, count) if count > 0 else rest
        for k in range(row.shape[0]):
            part = np.float64(widened(row[k])) - top - tau
            p[k] = rounded(0.0 if part <= 0 else part, like)


@compiled
def gradient(p: Any, upstream: Any, out: Any, start: int, stop: int) -> None:
    """What comes from above, less its mean over the support; 0 outside."""
    like = out[0, 0]
    for i in range(start, stop):
        row, up, slope = p[i], upstream[i], out[i]
        total, count = 0.0, 0.0
        for k in range(row.shape[0]):
            inside = widened(row[k]) > 0
            total += np.float64(widened(up[k])) if inside else 0.0
            count += 1.0 if inside else 0.0
        mean = total / count
        for k in range(row.shape[0]):
            inside = widened(row[k]) > 0
            slope[k] = rounded(np.float64(widened(up[k])) - mean if inside else 0.0, like)
