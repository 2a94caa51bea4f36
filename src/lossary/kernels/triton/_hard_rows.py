"""Cross-entropy of classes in Triton: one program a row, float32 throughout."""

import triton
import triton.language as tl

from lossary.kernels.triton._numbers import DROP, INF, lifted_exponential, log1p, rounded
from lossary.kernels.triton._rows import (
    block,
    has_no_softmax,
    joined,
    read,
    step_down,
    truths_part,
)

# What the gradient needs of an item: highest score, 1 / sum, 1 - p of the truth.
NOTES = 3
COLUMNS = tl.constexpr(NOTES)


@triton.jit
def _loss(truth, top, odds, Z: tl.constexpr):
    """Loss, 1 / sum and the rest's part of a row, from its highest score and the others' odds."""
    gap, part = truths_part(truth, top, odds)
    log_sum = log1p(odds)
    loss, unit = gap + log_sum, 1 / (1 + odds)
    if Z != 0:  # the penalty z lse^2 has the slope 2 z lse p: a change of the notes
        lse = top + log_sum
        loss += Z * lse * lse
        more = 2 * Z * lse
        unit *= 1 + more
        part -= (1 - part) * more
    wrong = has_no_softmax(truth, top, odds)
    masked = top == -INF
    loss = tl.where(wrong, float("nan"), tl.where(masked, INF, loss))
    unit = tl.where(wrong, float("nan"), tl.where(masked, 0.0, unit))
    part = tl.where(wrong, float("nan"), tl.where(masked, 1.0, part))
    return loss, unit, part


@triton.jit
def _store(slope, score, start, lanes, classes, y, known, by, counted):
    """Prediction minus truth, times the row's scale, for one block; an ignored row gets zeros."""
    top, unit, part = known
    p = lifted_exponential(step_down(score, top)) * (unit * by) * DROP
    found = tl.where(lanes == y - start, -part * by, p)
    found = rounded(tl.where(counted, found, 0.0), slope)
    tl.store(slope + start + lanes, found, mask=lanes < classes - start)


@triton.jit
def losses(
    x, x_stride, target, weight, by, ignored, out, notes,
    slope, slope_stride, classes,
    Z: tl.constexpr, WHOLE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Loss and notes of one row; with somewhere to put it, the slope of ``by`` times the loss."""
    i = tl.program_id(0).to(tl.int64)
    lanes = tl.arange(0, BLOCK)
    row = x + i * x_stride
    y = tl.load(target + i).to(tl.int64)
    counted = y != ignored
    # An ignored row is not read: whatever it holds reaches neither value nor gradient.
    stop = classes * counted.to(tl.int32)
    truth = tl.load(row + y, mask=counted, other=0.0).to(tl.float32)
    heights, others = read(row, stop, lanes, tl.float32, WHOLE)
    top, odds = joined(heights, others)
    loss, unit, part = _loss(truth, top, odds, Z)
    share = 1.0
    if weight is not None:
        share = tl.load(weight + y, mask=counted, other=0.0).to(tl.float32)
    tl.store(out + i, tl.where(counted, loss * share, 0.0))
    tl.store(notes + i * COLUMNS, top)
    tl.store(notes + i * COLUMNS + 1, unit)
    tl.store(notes + i * COLUMNS + 2, part)
    if slope is not None:
        scale = tl.load(by).to(tl.float32) * share
        known = (top, unit, part)
        slope += i * slope_stride
        if WHOLE:
            _store(slope, heights, 0, lanes, classes, y, known, scale, counted)
        else:
            blocks = tl.cdiv(classes, BLOCK)
            for step in range(0, blocks):
                # Backwards: what was read last is the likeliest to be near.
                start = (blocks - 1 - step) * BLOCK
                score = block(row, start, lanes, stop, tl.float32)
                _store(slope, score, start, lanes, classes, y, known, scale, counted)


@triton.jit
def gradient(
    x, x_stride, target, weight, by, by_stride, upstream,
    ignored, notes, slope, slope_stride, classes,
    BLOCK: tl.constexpr,
):  # fmt: skip
    """The slope of one block of one row; nothing is done where ``upstream`` is there and is 1."""
    asked = True
    if upstream is not None:
        asked = tl.load(upstream) != 1
    if asked:
        i = tl.program_id(0).to(tl.int64)
        lanes = tl.arange(0, BLOCK)
        start = tl.program_id(1).to(tl.int64) * BLOCK
        y = tl.load(target + i).to(tl.int64)
        counted = y != ignored
        scale = tl.load(by + i * by_stride).to(tl.float32)
        if weight is not None:
            scale *= tl.load(weight + y, mask=counted, other=0.0).to(tl.float32)
        notes += i * COLUMNS
        known = (tl.load(notes), tl.load(notes + 1), tl.load(notes + 2))
        # The row ends at once where it is ignored, which reads nothing and makes zeros.
        stop = classes * counted.to(tl.int32)
        score = block(x + i * x_stride, start, lanes, stop, tl.float32)
        slope += i * slope_stride
        _store(slope, score, start, lanes, classes, y, known, scale, counted)
