"""Log-probability of the target's token and entropy of all in Triton: one program a row."""

import triton
import triton.language as tl

from lossary.kernels.triton._numbers import INF, exponential, log1p, rounded
from lossary.kernels.triton._rows import (
    block,
    has_no_softmax,
    joined,
    joined_falls,
    lanes_of,
    meet,
    meet_falls,
    none_met,
    step_down,
    truths_part,
)

# What the gradient needs of an item: highest score, 1 / sum, 1 - p of the truth, mean fall.
NOTES = 4
COLUMNS = tl.constexpr(NOTES)


@triton.jit
def _read(
    row,
    stop,
    kept: tl.constexpr,
    HALF: tl.constexpr,
    BLOCK: tl.constexpr,
    SIDE: tl.constexpr,
    ALIGNED: tl.constexpr,
):
    """Highest score, odds of the others and sum of falls of a row read once."""
    lanes = lanes_of(BLOCK, SIDE, ALIGNED)
    top, total = none_met(BLOCK // SIDE, kept)
    tail, falls = total, total
    for start in range(0, stop, BLOCK):
        score = block(row, start, lanes, stop, kept)
        top, total, tail, falls = meet_falls(score, top, total, tail, falls, HALF)
    return joined_falls(top, total, tail, falls, HALF)


@triton.jit
def _beside(
    row,
    y,
    stop,
    kept: tl.constexpr,
    HALF: tl.constexpr,
    BLOCK: tl.constexpr,
    SIDE: tl.constexpr,
    ALIGNED: tl.constexpr,
):
    """The same where the truth is infinite: certain, if all others are finite."""
    lanes = lanes_of(BLOCK, SIDE, ALIGNED)
    top, total = none_met(BLOCK // SIDE, kept)
    for start in range(0, stop, BLOCK):
        score = block(row, start, lanes, stop, kept)
        top, total = meet(tl.where(lanes == y - start, -INF, score), top, total, HALF)
    _, total = joined(top, total, HALF)
    return total * 0 + INF, total * 0, total * 0


@triton.jit
def forward(
    x, x_stride, target, ignored, log_probability, entropy,
    notes, classes, WIDE: tl.constexpr,
    BLOCK: tl.constexpr, SIDE: tl.constexpr, ALIGNED: tl.constexpr,
):  # fmt: skip
    """Both numbers of one row, and the notes of their gradient."""
    i = tl.program_id(0).to(tl.int64)
    row = x + i * x_stride
    y = tl.load(target + i).to(tl.int64)
    counted = y != ignored
    # An ignored row is not read: whatever it holds reaches neither value nor gradient.
    stop = classes * counted.to(tl.int32)
    kept: tl.constexpr = tl.float64 if WIDE else tl.float32
    inside = (y >= 0) & (y < classes)
    # A class that is not there has no log-probability.
    truth = tl.load(row + y, mask=counted & inside, other=float("nan")).to(kept)
    top, odds, falls = _read(row, stop, kept, not WIDE, BLOCK, SIDE, ALIGNED)
    if truth == INF:
        top, odds, falls = _beside(row, y, stop, kept, not WIDE, BLOCK, SIDE, ALIGNED)
    gap, part = truths_part(truth, top, odds)
    mean_fall = falls / (1 + odds)
    log_sum = log1p(odds)
    wrong = has_no_softmax(truth, top, odds)
    masked = top == -INF
    found = tl.where(wrong, float("nan"), tl.where(masked, -INF, -(gap + log_sum)))
    # A row that is masked whole has no prediction to be unsure of.
    spread = tl.where(wrong, float("nan"), tl.where(masked, 0.0, log_sum + mean_fall))
    tl.store(log_probability + i, tl.where(counted, found, 0.0).to(tl.float32))
    tl.store(entropy + i, tl.where(counted, spread, 0.0).to(tl.float32))
    tl.store(notes + i * COLUMNS, top)
    tl.store(notes + i * COLUMNS + 1, tl.where(wrong, float("nan"), 1 / (1 + odds)))
    tl.store(notes + i * COLUMNS + 2, tl.where(masked, 1.0, part))
    tl.store(notes + i * COLUMNS + 3, mean_fall)


@triton.jit
def gradient(
    x, x_stride, target, ignored, notes, by_log, log_stride,
    by_entropy, entropy_stride, slope, slope_stride, classes,
    BLOCK: tl.constexpr,
):  # fmt: skip
    """The slope of one block of one row: ``by_log (1_y - p) - by_entropy p (log p + H)``."""
    i = tl.program_id(0).to(tl.int64)
    lanes = tl.arange(0, BLOCK)
    start = tl.program_id(1).to(tl.int64) * BLOCK
    y = tl.load(target + i).to(tl.int64)
    counted = y != ignored
    top = tl.load(notes + i * COLUMNS)
    unit = tl.load(notes + i * COLUMNS + 1)
    part = tl.load(notes + i * COLUMNS + 2)
    mean_fall = tl.load(notes + i * COLUMNS + 3)
    to_log = tl.load(by_log + i * log_stride).to(top.dtype)
    to_entropy = tl.load(by_entropy + i * entropy_stride).to(top.dtype)
    stop = classes * counted.to(tl.int32)
    score = block(x + i * x_stride, start, lanes, stop, top.dtype)
    gap = step_down(score, top)
    p = exponential(gap) * unit
    # log p + H is the mean fall less the own one: the log-sum is in both and is never made.
    own = tl.where(p == 0, 0.0, gap)  # 0 log 0 is 0, in the slope too
    found = tl.where(lanes == y - start, part, -p) * to_log - p * (own + mean_fall) * to_entropy
    found = tl.where(counted, found, 0.0)
    out = slope + i * slope_stride + start
    tl.store(out + lanes, rounded(found, slope), mask=lanes < classes - start)
