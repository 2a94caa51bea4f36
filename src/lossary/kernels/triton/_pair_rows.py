"""Two softmaxes side by side in Triton: their log-ratio, exact where they are nearly equal.

With ``u`` the difference of the scores less its mean under p, ``log(q / p) = u - shift`` where
``shift = log1p(sum p (exp u - 1 - u))``, terms of one sign: nothing of the size of the scores or
of their log-sum is ever subtracted. Far apart, the shift is the difference of the log-sums less
the mean. A row is read once for the sums and once more, out of a cache, for the shift.
"""

import triton
import triton.language as tl

from lossary.kernels.triton._numbers import (
    INF,
    NEAR,
    _bounded_exp,
    exp_gap,
    exponential,
    log1p,
)
from lossary.kernels.triton._rows import block, step_down

# What is known of a row: the highest score and 1 / sum of both, a difference of scores, the mean
# of all differences from that one, the shift, and the mass of what q alone rules out (-1 if there
# is no such outcome). The difference is that of p's leader, whose own ``u`` is then the mean of
# the others' alone: next to it they would drown.
NOTES = 8
COLUMNS = tl.constexpr(NOTES)


@triton.jit
def _meet(score, top, total):
    """The highest score of a lane, the sum against it, and what old and new terms are worth."""
    gap = step_down(score, top)
    small = exponential(-tl.abs(gap))
    rises = gap > 0
    old, new = tl.where(rises, small, 1.0), tl.where(rises, 1.0, small)
    return tl.maximum(top, score), total * old + new, old, new, rises


@triton.jit
def _sums(x, y, lanes, classes, kept: tl.constexpr):
    """First reading: both sums, the differences summed, what q alone rules out."""
    none = tl.zeros(lanes.shape, kept)
    top_x, top_y, sum_x, sum_y = none - INF, none - INF, none, none
    base, moved, held, lost = none, none, none, none
    endless = lanes * 0
    for start in range(0, classes, lanes.shape[0]):
        a, b = block(x, start, lanes, classes, kept), block(y, start, lanes, classes, kept)
        alone = (a > -INF) & (b == -INF)
        shared = (a > -INF) & (b > -INF)
        top_x, sum_x, old, new, rises = _meet(a, top_x, sum_x)
        step = tl.where(shared, b - a, 0.0)
        to = tl.where(shared & (rises | (held == 0)), step, base)
        moved = (moved + held * (base - to)) * old + tl.where(shared, (step - to) * new, 0.0)
        held = held * old + tl.where(shared, new, 0.0)
        lost = lost * old + tl.where(alone, new, 0.0)
        base = to
        endless |= alone.to(tl.int32)
        top_y, sum_y, _, _, _ = _meet(b, top_y, sum_y)
    high_x, high_y = tl.max(top_x, 0), tl.max(top_y, 0)
    share_x, share_y = exponential(step_down(top_x, high_x)), exponential(step_down(top_y, high_y))
    total_x, total_y = tl.sum(sum_x * share_x, 0), tl.sum(sum_y * share_y, 0)
    gone = tl.sum(lost * share_x, 0) / total_x
    lead = tl.where(held > 0, top_x, -INF)
    leads = (lead == tl.max(lead, 0)) & (held > 0)
    first = lanes == tl.min(tl.where(leads, lanes, lanes.shape[0]), 0)
    level = tl.sum(tl.where(first, base, 0.0), 0)
    moved = tl.sum((moved + held * tl.where(held > 0, base - level, 0.0)) * share_x, 0)
    held_by_all = tl.sum(held * share_x, 0)
    # With nothing in common there is nothing to compare.
    mean = tl.where(held_by_all > 0, moved / tl.where(held_by_all > 0, held_by_all, 1.0), 0.0)
    return high_x, 1 / total_x, high_y, 1 / total_y, level, mean, gone, tl.max(endless, 0)


@triton.jit
def _shift(
    x, y, lanes, classes, top, unit, level, mean, gone,
    apart, kept: tl.constexpr,
):  # fmt: skip
    """Second reading: the shift, which far apart is the difference of log-sums less the mean."""
    rise = tl.zeros(lanes.shape, kept)
    log_unit = tl.log(unit)
    for start in range(0, classes, lanes.shape[0]):
        a, b = block(x, start, lanes, classes, kept), block(y, start, lanes, classes, kept)
        shared = (a > -INF) & (b > -INF)
        p = exponential(step_down(a, top)) * unit
        u = tl.where(shared, (b - a - level) - mean, 0.0)
        close = tl.abs(u) < 1
        # From scores, since exp(u) may overflow where its product with p does not; beyond e the
        # two are not near anyway.
        moved = _bounded_exp(tl.minimum(step_down(b, top) - level - mean + log_unit, 1.0))
        far = moved - tl.where(shared, p + p * u, 0.0)
        # What q alone rules out is counted as gone.
        far = tl.where(shared | (a == -INF), far, 0.0)
        rise += tl.where(close & shared, p * exp_gap(tl.where(close, u, 0.0)), far)
    total = tl.sum(rise, 0) - gone
    near = tl.abs(total) < NEAR
    return tl.where(near, log1p(tl.where(near, total, 0.0)), apart)


@triton.jit
def compared(x, y, lanes, classes, notes, kept: tl.constexpr):
    """The notes of one row, stored: what its log-ratios are made of."""
    sums = _sums(x, y, lanes, classes, kept)
    top_x, unit_x, top_y, unit_y, level, mean, gone, endless = sums
    apart = ((top_y - top_x) - level) + (tl.log(unit_x) - tl.log(unit_y)) - mean
    shift = _shift(x, y, lanes, classes, top_x, unit_x, level, mean, gone, apart, kept)
    gone = tl.where(endless != 0, gone, -1.0)
    tl.store(notes, top_x)
    tl.store(notes + 1, unit_x)
    tl.store(notes + 2, top_y)
    tl.store(notes + 3, unit_y)
    tl.store(notes + 4, level)
    tl.store(notes + 5, mean)
    tl.store(notes + 6, shift)
    tl.store(notes + 7, gone)
    return top_x, unit_x, top_y, unit_y, level, mean, shift, gone


@triton.jit
def noted(notes):
    """The notes of one row, read again."""
    top_x, unit_x = tl.load(notes), tl.load(notes + 1)
    top_y, unit_y = tl.load(notes + 2), tl.load(notes + 3)
    level, mean = tl.load(notes + 4), tl.load(notes + 5)
    return top_x, unit_x, top_y, unit_y, level, mean, tl.load(notes + 6), tl.load(notes + 7)


@triton.jit
def masses(a, b, known):
    """Both probabilities, and ``u`` where both have the outcome (elsewhere 0)."""
    top_x, unit_x, top_y, unit_y, level, mean, _, _ = known
    p = exponential(step_down(a, top_x)) * unit_x
    q = exponential(step_down(b, top_y)) * unit_y
    shared = (a > -INF) & (b > -INF)
    return p, q, tl.where(shared, (b - a - level) - mean, 0.0), shared
