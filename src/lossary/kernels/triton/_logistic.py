"""Binary cross-entropy of logits in Triton: entries in blocks.

With ``e = exp -|z|`` and the weighted target on, the loss is ``(on + off) log1p e`` plus ``z off``
where z is positive and ``-z on`` where it is not: terms of one sign, for which float32 will do.
The slope cancels near the optimum: of float32 it is made in float64.
"""

import triton
import triton.language as tl

from lossary.kernels.triton._numbers import exponential, log1p, rounded, widened


@triton.jit
def _weight(weight, at, inside, period, like):
    """An entry's weight: its own, or, with a period, that of its class; without any, 1."""
    if weight is None:
        return tl.zeros(at.shape, like.dtype) + 1
    else:
        place = at
        if period is not None:
            place = at % period
        return tl.load(weight + place, mask=inside, other=1.0).to(like.dtype)


@triton.jit
def losses(
    z, y, weight, weight_period, positive, positive_period,
    items, sums, entries, BLOCK: tl.constexpr,
):  # fmt: skip
    """Each entry's loss, or the sum of a block of them in float64."""
    block = tl.program_id(0).to(tl.int64)
    at = block * BLOCK + tl.arange(0, BLOCK)
    inside = at < entries
    score = tl.load(z + at, mask=inside, other=0.0).to(tl.float32)
    target = tl.load(y + at, mask=inside, other=0.0).to(tl.float32)
    on = target * _weight(positive, at, inside, positive_period, target)
    off = 1 - target
    distance = tl.abs(score)
    # A certain and right target has no loss at an infinite logit: 0 * inf is 0.
    side = tl.where(score > 0, off, on)
    lean = tl.where(side == 0, 0.0, side * distance)
    found = (on + off) * log1p(exponential(-distance)) + lean
    found *= _weight(weight, at, inside, weight_period, found)
    if sums is not None:
        tl.store(sums + block, tl.sum(tl.where(inside, found, 0.0).to(tl.float64), 0))
    else:
        tl.store(items + at, found, mask=inside)


@triton.jit
def gradient(
    z, y, weight, weight_period, positive, positive_period,
    by, by_stride, out, entries, WIDE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """The prediction minus the target, weighted, times each entry's scale."""
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < entries
    score = widened(tl.load(z + at, mask=inside, other=0.0), WIDE)
    target = widened(tl.load(y + at, mask=inside, other=0.0), WIDE)
    on = target * _weight(positive, at, inside, positive_period, target)
    off = 1 - target
    odds = exponential(-tl.abs(score))
    small = (on + off) * (odds / (1 + odds))
    found = tl.where(score > 0, off - small, small - on)
    found *= _weight(weight, at, inside, weight_period, found)
    scale = tl.load(by + at * by_stride, mask=inside, other=0.0).to(score.dtype)
    tl.store(out + at, rounded(found * scale, out), mask=inside)
