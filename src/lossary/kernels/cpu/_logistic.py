"""Binary cross-entropy of logits, compiled: entries in blocks, weights in step with them.

With ``e = exp -|z|`` and the weighted target on, the loss is ``(on + off) log1p e`` plus ``z off``
where z is positive and ``-z on`` where it is not: terms of one sign, for which float32 will do.
The slope cancels near the optimum and is made in float64.
"""

from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

from lossary.kernels.cpu._logarithms import log1p_of_unit, log1p_of_unit_32
from lossary.kernels.cpu._numbers import (
    DROP,
    EXACT,
    compiled,
    exponential,
    inlined,
    lifted_exponential,
    reordered,
    rounded,
    widened,
)


@inlined
def _loss_64(z: float, y: float, weight: float, positive: float) -> float:
    on, off, distance = y * positive, 1 - y, abs(z)
    # A certain and right target has no loss at an infinite logit: 0 * inf is 0.
    side = off if z > 0 else on
    lean = 0.0 if side == 0 else side * distance
    return ((on + off) * log1p_of_unit(exponential(-distance)) + lean) * weight


@inlined
def _loss_32(z: Any, y: Any, weight: Any, positive: Any) -> float:
    on, off, distance = y * positive, np.float32(1) - y, abs(z)
    side = off if z > 0 else on
    lean = np.float32(0) if side == 0 else side * distance
    small = lifted_exponential(-distance) * np.float32(DROP)
    return np.float64((on + off) * log1p_of_unit_32(small) + lean) * np.float64(weight)


def _loss(z: Any, y: Any, weight: Any, positive: Any) -> Any:
    """One entry's loss."""


@overload(_loss, strict=False, jit_options={"fastmath": EXACT, "forceinline": True})
def _loss_of(z: Any, y: Any, weight: Any, positive: Any) -> Any:
    if z == types.float64:
        return lambda z, y, weight, positive: _loss_64(
            z, np.float64(widened(y)), np.float64(widened(weight)), np.float64(widened(positive))
        )
    return lambda z, y, weight, positive: _loss_32(
        widened(z), widened(y), np.float64(widened(weight)), np.float32(widened(positive))
    )


@reordered
def _block_sum(z: Any, y: Any, weight: Any, positive: Any) -> float:
    total = 0.0
    for k in range(z.shape[0]):
        total += _loss(z[k], y[k], weight[k], positive[k])
    return total


@compiled
def losses(
    z: Any, y: Any, weight: Any, positive: Any, period: int, items: Any, sums: Any,
    start: int, stop: int,
) -> None:  # fmt: skip
    """The sum of each block of entries, and each entry's loss where there is room for it."""
    for block in range(start, stop):
        first, last = block * period, min((block + 1) * period, z.shape[0])
        w = weight[first:last] if weight.shape[0] > period else weight[: last - first]
        c = positive[first:last] if positive.shape[0] > period else positive[: last - first]
        zs, ys = z[first:last], y[first:last]
        if items.shape[0] == 0:
            sums[block] = _block_sum(zs, ys, w, c)
            continue
        out, like = items[first:last], items[0]
        for k in range(zs.shape[0]):
            out[k] = rounded(_loss(zs[k], ys[k], w[k], c[k]), like)


@compiled
def gradient(
    z: Any, y: Any, weight: Any, positive: Any, period: int, scale: Any, out: Any,
    start: int, stop: int,
) -> None:  # fmt: skip
    """The prediction minus the target, weighted, times each entry's scale."""
    like = out[0]
    for block in range(start, stop):
        first, last = block * period, min((block + 1) * period, z.shape[0])
        w = weight[first:last] if weight.shape[0] > period else weight[: last - first]
        c = positive[first:last] if positive.shape[0] > period else positive[: last - first]
        by = scale[first:last] if scale.shape[0] > period else scale[: last - first]
        zs, ys, slope = z[first:last], y[first:last], out[first:last]
        for k in range(zs.shape[0]):
            at, target = np.float64(widened(zs[k])), np.float64(widened(ys[k]))
            on, off = target * np.float64(widened(c[k])), 1 - target
            odds = exponential(-abs(at))
            small = (on + off) * (odds / (1 + odds))
            found = off - small if at > 0 else small - on
            factor = np.float64(widened(w[k])) * np.float64(widened(by[k]))
            slope[k] = rounded(found * factor, like)
