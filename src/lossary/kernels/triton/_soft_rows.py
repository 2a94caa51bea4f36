"""Cross-entropy against mass spread over classes in Triton: given row by row, or as labels.

The slope is a difference that cancels near the optimum, so float32 scores are taken in float64.
The leader of a row, its highest score, is left out of every sum: next to it the rest would drown.
A label stands for the row of mass that has 1 there; smoothing spreads a part of either.
"""

import triton
import triton.language as tl

from lossary.kernels.triton._numbers import (
    DROP,
    INF,
    exponential,
    lifted_exponential,
    log1p,
    rounded,
)
from lossary.kernels.triton._rows import block, step_down

# What the gradient needs of an item: leader, highest score, mass / sum, the leader's own slope.
NOTES = 4
COLUMNS = tl.constexpr(NOTES)


@triton.jit
def _mass(
    mass, place, y, weight, lanes, start, classes, stop,
    kept: tl.constexpr, SMOOTHING: tl.constexpr,
):  # fmt: skip
    """The weighted and smoothed mass of one block of classes; 0 beyond the row's end."""
    inside = lanes < stop - start
    if mass is None:
        part = (lanes == y - start).to(kept)
    else:
        part = tl.load(mass + place + start + lanes, mask=inside, other=0.0).to(kept)
    if SMOOTHING != 0:
        part = part * (1 - SMOOTHING) + tl.full((), SMOOTHING, kept) / classes
    if weight is not None:
        part *= tl.load(weight + start + lanes, mask=inside, other=0.0).to(kept)
    return tl.where(inside, part, 0.0)


@triton.jit
def _meet(score, mass, at, state):
    """Take one score a lane, and its mass, into what the lane knows of its part of the row."""
    top, others, rest, own, falls, leader = state
    gap = step_down(score, top)
    small = lifted_exponential(-tl.abs(gap))
    rises = gap > 0
    # All the mass so far falls behind a higher score, a lower score's own mass behind the highest.
    behind = tl.where(rises, rest + own, mass)
    falls += tl.where(behind == 0, 0.0, behind * tl.abs(gap))  # 0 * inf is 0
    others = tl.where(rises, (others * DROP + 1) * small, others + small)
    rest += tl.where(rises, own, mass)
    own = tl.where(rises, mass, own)
    return tl.maximum(top, score), others, rest, own, falls, tl.where(rises, at, leader)


@triton.jit
def _joined(lanes, state):
    """Leader, highest score, the rest's odds, all mass, the rest's mass and the sum of falls."""
    top, others, rest, own, falls, at = state
    highest = tl.max(top, 0)
    leads = (top == highest) & (top > -INF)
    first = lanes == tl.min(tl.where(leads, lanes, lanes.shape[0]), 0)
    gap = tl.where(first, 0.0, step_down(top, highest))
    odds = tl.where(first, others, (others * DROP + 1) * lifted_exponential(gap))
    beside = tl.sum(tl.where(first, rest, rest + own), 0)
    behind = tl.where(first, 0.0, rest + own)
    falls += tl.where(behind == 0, 0.0, -behind * gap)
    total = beside + tl.sum(tl.where(first, own, 0.0), 0)
    leader = tl.sum(tl.where(first, at, 0), 0)
    return leader, highest, tl.sum(odds, 0) * DROP, total, beside, tl.sum(falls, 0)


@triton.jit
def losses(
    x, x_stride, mass, mass_stride, label, weight, ignored, out, notes, by, slope, slope_stride,
    classes, SMOOTHING: tl.constexpr, Z: tl.constexpr, WIDE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Loss and notes of one row; with somewhere to put it, the slope of ``by`` times the loss."""
    i = tl.program_id(0).to(tl.int64)
    lanes = tl.arange(0, BLOCK)
    kept: tl.constexpr = tl.float64 if WIDE else tl.float32
    row = x + i * x_stride
    y, stop = _label(label, ignored, i, classes)
    nothing = tl.zeros((BLOCK,), kept)
    # A leader's place is as wide as the number of classes came.
    state = (nothing - INF, nothing, nothing, nothing, nothing, lanes + stop * 0)
    for start in range(0, stop, BLOCK):
        score = block(row, start, lanes, stop, kept)
        part = _mass(mass, i * mass_stride, y, weight, lanes, start, classes, stop, kept, SMOOTHING)
        state = _meet(score, part, lanes + start, state)
    leader, highest, odds, total, beside, falls = _joined(lanes, state)
    log_sum = log1p(odds)
    loss, more = total * log_sum + falls, total * 0
    if Z != 0:  # the penalty z m lse^2 has the slope 2 z m lse p: as if there were more mass
        lse = highest + log_sum
        loss += Z * total * lse * lse
        more = 2 * Z * lse * total
    wrong = highest == -INF
    if label is not None:
        wrong |= (y < 0) | (y >= classes)  # a class that is not there has no loss
    loss = tl.where(wrong, float("nan"), loss)
    unit = tl.where(wrong, float("nan"), (total + more) / (1 + odds))
    led = beside + more - unit * odds
    tl.store(out + i, tl.where(stop > 0, loss, 0.0).to(tl.float32))
    notes += i * COLUMNS
    tl.store(notes, leader)
    tl.store(notes + 1, highest)
    tl.store(notes + 2, unit)
    tl.store(notes + 3, led)
    if slope is not None:
        scale = tl.load(by).to(kept)
        slope += i * slope_stride
        blocks = tl.cdiv(classes, BLOCK)
        for step in range(0, blocks):
            # Backwards: what was read last is the likeliest to be near.
            start = (blocks - 1 - step) * BLOCK
            score = block(row, start, lanes, stop, kept)
            part = _mass(
                mass, i * mass_stride, y, weight, lanes, start, classes, stop, kept, SMOOTHING
            )
            p = exponential(step_down(score, highest)) * unit
            _store(slope, p - part, led, leader, start, lanes, classes, stop, scale)


@triton.jit
def _store(slope, found, led, leader, start, lanes, classes, stop, scale):
    """One block of a slope; the leader's own is summed, not subtracted; beyond ``stop`` it is 0."""
    found = tl.where(lanes == leader - start, led, found)
    found = rounded(tl.where(lanes < stop - start, found * scale, 0.0), slope)
    tl.store(slope + start + lanes, found, mask=lanes < classes - start)


@triton.jit
def _label(label, ignored, i, classes):
    """A row's label, if labels are given, and where the row ends: at once, if it is ignored."""
    if label is None:
        return i, classes + i.to(tl.int32) * 0
    else:
        y = tl.load(label + i).to(tl.int64)
        return y, classes * (y != ignored).to(tl.int32)


@triton.jit
def gradient(
    x, x_stride, mass, mass_stride, label, weight, ignored, by, by_stride, upstream, notes, slope,
    slope_stride, classes, SMOOTHING: tl.constexpr, WIDE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """All mass times the prediction, minus the mass, times the row's scale, a block at a time.

    Nothing is done where ``upstream`` is there and is 1.
    """
    asked = True
    if upstream is not None:
        asked = tl.load(upstream) != 1
    if asked:
        i = tl.program_id(0).to(tl.int64)
        lanes = tl.arange(0, BLOCK)
        kept: tl.constexpr = tl.float64 if WIDE else tl.float32
        y, stop = _label(label, ignored, i, classes)
        notes += i * COLUMNS
        leader = tl.load(notes).to(tl.int64)
        top, unit = tl.load(notes + 1).to(kept), tl.load(notes + 2).to(kept)
        led = tl.load(notes + 3).to(kept)
        scale = tl.load(by + i * by_stride).to(kept)
        row = x + i * x_stride
        slope += i * slope_stride
        step = tl.num_programs(1).to(tl.int64) * BLOCK
        for start in range(tl.program_id(1).to(tl.int64) * BLOCK, classes, step):
            score = block(row, start, lanes, stop, kept)
            part = _mass(
                mass, i * mass_stride, y, weight, lanes, start, classes, stop, kept, SMOOTHING
            )
            p = exponential(step_down(score, top)) * unit
            _store(slope, p - part, led, leader, start, lanes, classes, stop, scale)
