"""Binary cross-entropy of probabilities, compiled: both logarithms in float64, entry by entry.

Floor: probabilities and targets are read once forward; backward reads them again and writes the
slope, ``(p - y) / (p (1 - p))``. Near an end the slope is the only large number of the batch, and
near the target its numerator cancels: float64 holds both.
"""

import math
from typing import Any

import numpy as np

from lossary.kernels.cpu._logarithms import logarithm, minus_log1m
from lossary.kernels.cpu._numbers import compiled, inlined, reordered, rounded, widened

# Below this a float64 is not normal; a float32 is always far above it.
SMALLEST = float(np.finfo(np.float64).tiny)
LIFT, LOG_LIFT = 2.0**60, 60 * math.log(2)


@inlined
def _loss(stored_p: Any, stored_y: Any, weight: Any) -> float:
    """``-y log p - (1 - y) log(1 - p)``, where 0 log 0 is 0."""
    p, y = np.float64(widened(stored_p)), np.float64(widened(stored_y))
    # A float64 that is not normal is lifted first.
    is_tiny = p < SMALLEST
    log_p = logarithm(max(p * LIFT if is_tiny else p, SMALLEST)) - (LOG_LIFT if is_tiny else 0.0)
    log_p = -np.inf if p == 0 else log_p
    one = 0.0 if y == 0 or p == 1 else y * -log_p
    none = 0.0 if y == 1 else (1 - y) * minus_log1m(p)
    factor = np.float64(widened(weight))
    # A weight of 0 takes an entry out, even where its loss is infinite.
    return 0.0 if factor == 0 else (one + none) * factor


@inlined
def _slope(stored_p: Any, stored_y: Any) -> float:
    """``(p - y) / (p (1 - p))``; a target at an end leaves the other end's factor alone."""
    p, y = np.float64(widened(stored_p)), np.float64(widened(stored_y))
    inside = (p - y) / (p * (1 - p))
    if_none = 1 / (1 - p)
    if_one = -1 / p
    inside = if_none if y == 0 else inside
    return if_one if y == 1 else inside


@reordered
def _block_sum(p: Any, y: Any, weight: Any) -> float:
    total = 0.0
    for k in range(p.shape[0]):
        total += _loss(p[k], y[k], weight[k])
    return total


@compiled
def losses(
    p: Any, y: Any, weight: Any, positive: Any, period: int, items: Any, sums: Any,
    start: int, stop: int,
) -> None:  # fmt: skip
    """The sum of each block of entries, and each entry's loss where there is room for it."""
    for block in range(start, stop):
        first, last = block * period, min((block + 1) * period, p.shape[0])
        w = weight[first:last] if weight.shape[0] > period else weight[: last - first]
        ps, ys = p[first:last], y[first:last]
        if items.shape[0] == 0:
            sums[block] = _block_sum(ps, ys, w)
            continue
        out, like = items[first:last], items[0]
        for k in range(ps.shape[0]):
            out[k] = rounded(_loss(ps[k], ys[k], w[k]), like)


@compiled
def gradient(
    p: Any, y: Any, weight: Any, positive: Any, period: int, scale: Any, out: Any,
    start: int, stop: int,
) -> None:  # fmt: skip
    """The slope, weighted, times each entry's scale."""
    like = out[0]
    for block in range(start, stop):
        first, last = block * period, min((block + 1) * period, p.shape[0])
        w = weight[first:last] if weight.shape[0] > period else weight[: last - first]
        by = scale[first:last] if scale.shape[0] > period else scale[: last - first]
        ps, ys, slope = p[first:last], y[first:last], out[first:last]
        for k in range(ps.shape[0]):
            factor = np.float64(widened(w[k])) * np.float64(widened(by[k]))
            found = _slope(ps[k], ys[k]) * factor
            # An entry that was masked out sends 0, even where its slope is infinite.
            slope[k] = rounded(0.0 if factor == 0 else found, like)
