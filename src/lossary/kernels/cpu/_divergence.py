"""Kullback-Leibler terms of log-predictions, compiled: the difference of logarithms is float64."""

from typing import Any

import numpy as np

from lossary.kernels.cpu._logarithms import logarithm
from lossary.kernels.cpu._numbers import compiled, exponential, inlined, reordered, rounded, widened

BLOCK = 4096
# Beyond this exp leaves float64 where the compiled one does not say so.
LARGEST_LOG = 600.0
SMALLEST = float(np.finfo(np.float64).tiny)


@inlined
def _of_mass(stored_x: Any, stored_y: Any) -> float:
    """``y (log y - x)``; a target of 0 costs nothing, and hides no NaN."""
    x, y = np.float64(widened(stored_x)), np.float64(widened(stored_y))
    log_y = y if y == np.inf else logarithm(max(y, SMALLEST))
    loss = y * (log_y - x)
    return 0.0 if (y == 0) & (x < np.inf) else loss


@inlined
def _of_log_mass(stored_x: Any, stored_t: Any) -> float:
    """``exp t (t - x)``; a target of 0 has the logarithm -inf, costs nothing and hides no NaN."""
    x, t = np.float64(widened(stored_x)), np.float64(widened(stored_t))
    loss = exponential(t) * (t - x)
    return 0.0 if (t == -np.inf) & (x < np.inf) else loss


@reordered
def _sum(x: Any, y: Any) -> float:
    total = 0.0
    for k in range(x.shape[0]):
        total += _of_mass(x[k], y[k])
    return total


@reordered
def _log_sum(x: Any, t: Any) -> float:
    total = 0.0
    for k in range(x.shape[0]):
        total += _of_log_mass(x[k], t[k])
    return total


@compiled
def losses(x: Any, y: Any, logs: bool, items: Any, sums: Any, start: int, stop: int) -> None:
    """The sum of each block of entries, or each entry's loss where there is room for it."""
    for block in range(start, stop):
        first, last = block * BLOCK, min((block + 1) * BLOCK, x.shape[0])
        xs, ys = x[first:last], y[first:last]
        if items.shape[0] == 0:
            sums[block] = _log_sum(xs, ys) if logs else _sum(xs, ys)
            continue
        out, like = items[first:last], items[0]
        if logs:
            for k in range(xs.shape[0]):
                out[k] = rounded(_of_log_mass(xs[k], ys[k]), like)
        else:
            for k in range(xs.shape[0]):
                out[k] = rounded(_of_mass(xs[k], ys[k]), like)
