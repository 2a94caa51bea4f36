"""Small tensors of entries that stand alone, compiled: checks, loss and slope in one call."""

from typing import Any

import numpy as np
from numba import carray

from lossary.kernels.cpu import _bernoulli, _divergence, _logistic
from lossary.kernels.cpu._address import at
from lossary.kernels.cpu._express import DECLINED, MEAN, NONE, has_nan, wide_copy
from lossary.kernels.cpu._numbers import compiled, reordered, rounded

BLOCK = 4096


@compiled
def _all_of(sums: Any) -> float:
    total = 0.0
    for k in range(sums.shape[0]):
        total += sums[k]
    return total


@compiled
def _write(like: Any, items: Any, sums: Any, divisor: float, out_at: int) -> None:
    """The one number of a reduced loss; the losses one by one are where they belong already."""
    if items.shape[0] == 0:
        carray(at(out_at, like), (1,))[0] = rounded(_all_of(sums) / divisor, like[0])


@compiled
def logistic(
    like: Any, wide: Any, z_at: int, y_at: int, count: int, mode: int, out_at: int, slope_at: int
) -> int:
    """Binary cross-entropy of logits."""
    z, y = wide_copy(z_at, like, count), wide_copy(y_at, like, count)
    if mode != NONE and has_nan(y):
        return DECLINED
    items = carray(at(out_at, like), (count if mode == NONE else 0,))
    one, sums = np.ones(min(count, BLOCK)), np.zeros((count + BLOCK - 1) // BLOCK)
    _logistic.losses(z, y, one, one, one.shape[0], items, sums, 0, sums.shape[0])
    divisor = float(count) if mode == MEAN else 1.0
    _write(like, items, sums, divisor, out_at)
    if slope_at:
        slope = carray(at(slope_at, wide), (count,))
        _logistic.gradient(z, y, one, one, one.shape[0], one / divisor, slope, 0, sums.shape[0])
    return 0


@compiled
def bernoulli(
    like: Any, wide: Any, p_at: int, y_at: int, count: int, mode: int, out_at: int, slope_at: int
) -> int:
    """Binary cross-entropy of probabilities; what is none is for the slower way to tell."""
    p, y = wide_copy(p_at, like, count), wide_copy(y_at, like, count)
    if not _all_unit(p) or not _all_unit(y):
        return DECLINED
    items = carray(at(out_at, like), (count if mode == NONE else 0,))
    one, sums = np.ones(min(count, BLOCK)), np.zeros((count + BLOCK - 1) // BLOCK)
    _bernoulli.losses(p, y, one, one, one.shape[0], items, sums, 0, sums.shape[0])
    divisor = float(count) if mode == MEAN else 1.0
    _write(like, items, sums, divisor, out_at)
    if slope_at:
        slope = carray(at(slope_at, wide), (count,))
        _bernoulli.gradient(p, y, one, one, one.shape[0], one / divisor, slope, 0, sums.shape[0])
    return 0


@compiled
def divergence(
    like: Any, wide: Any, x_at: int, y_at: int, count: int, logs: bool, divisor: float,
    mode: int, out_at: int, slope_at: int,
) -> int:  # fmt: skip
    """Kullback-Leibler terms; a target that is no mass is for the slower way to tell."""
    x, y = wide_copy(x_at, like, count), wide_copy(y_at, like, count)
    lowest, highest = _ends(y)
    if (not logs and not lowest >= 0) or (logs and not highest <= _divergence.LARGEST_LOG):
        return DECLINED
    items = carray(at(out_at, like), (count if mode == NONE else 0,))
    sums = np.zeros((count + _divergence.BLOCK - 1) // _divergence.BLOCK)
    _divergence.losses(x, y, logs, items, sums, 0, sums.shape[0])
    _write(like, items, sums, divisor, out_at)
    if slope_at:
        slope, scale = carray(at(slope_at, wide), (count,)), -1 / divisor
        for k in range(count):
            slope[k] = (np.exp(y[k]) if logs else y[k]) * scale
    return 0


@compiled
def _ends(values: Any) -> tuple[float, float]:
    """The lowest and highest number; both NaN if there is one."""
    lowest, highest = np.inf, -np.inf
    for k in range(values.shape[0]):
        value = values[k]
        if value != value:
            return value, value
        lowest, highest = min(lowest, value), max(highest, value)
    return lowest, highest


@reordered
def _all_unit(values: Any) -> bool:
    """Whether all are from 0 to 1."""
    outside = 0
    for k in range(values.shape[0]):
        value = values[k]
        outside += 0 if (value >= 0) & (value <= 1) else 1
    return outside == 0
