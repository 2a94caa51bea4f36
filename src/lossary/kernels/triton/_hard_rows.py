"""Cross-entropy of classes in Triton: one program a row, float32 throughout.

The target's own score is left out of the sum: beside a certain prediction the rest would drown.
With the rest's highest score ``top`` and their sum ``rest`` against it, the loss is ``log1p(rest
exp(top - truth))`` where the truth leads; where it does not, every term is 1 or more.
"""

import triton
import triton.language as tl

from lossary.kernels.triton._numbers import DROP, INF, lifted_exponential, log1p, rounded
from lossary.kernels.triton._rows import (
    TO_DROP,
    TO_KEEP,
    block,
    joined,
    lanes_of,
    meet,
    none_met,
    scaled_powers,
)

# What the gradient needs of an item: highest score, 1 / sum, 1 - p of the truth.
NOTES = 3
COLUMNS = tl.constexpr(NOTES)


@triton.jit
def _loss(truth, top, rest, Z: tl.constexpr):
    """Loss, and the notes of its gradient, from the truth and the sum of all others."""
    leads = truth >= top
    ahead = tl.where(leads, top - truth, truth - top)
    small = lifted_exponential(ahead)
    odds = rest * small * DROP
    total = tl.where(leads, 1 + odds, rest + small * DROP)
    log_sum = tl.where(leads, log1p(tl.where(leads, odds, 0.0)), tl.log(total))
    loss = tl.where(leads, log_sum, log_sum - ahead)
    unit = 1 / total
    part = tl.where(leads, odds, rest) * unit
    top = tl.where(leads, truth, top)
    if Z != 0:  # the penalty z lse^2 has the slope 2 z lse p: a change of the notes
        lse = top + log_sum
        loss += Z * lse * lse
        more = 2 * Z * lse
        unit *= 1 + more
        part -= (1 - part) * more
    masked = (rest == 0) & (truth == -INF)
    loss = tl.where(masked, INF, loss)
    return loss, top, tl.where(masked, 0.0, unit), tl.where(masked, 1.0, part)


@triton.jit
def _store(slope, score, start, lanes, classes, top, scale, HALF: tl.constexpr):
    """The prediction times ``scale``, for one block."""
    found = scaled_powers(score - top, scale, HALF)
    inside = lanes < classes - start
    # Nobody reads it again here, and what is read again shall stay in the cache.
    tl.store(slope + start + lanes, rounded(found, slope), mask=inside, cache_modifier=".cs")


@triton.jit
def losses(
    x, x_stride, target, weight, by, ignored, out, notes,
    slope, slope_stride, classes,
    Z: tl.constexpr, WHOLE: tl.constexpr, HALF: tl.constexpr,
    BLOCK: tl.constexpr, SIDE: tl.constexpr, ALIGNED: tl.constexpr,
):  # fmt: skip
    """Loss and notes of one row; with somewhere to put it, the slope of ``by`` times the loss."""
    i = tl.program_id(0).to(tl.int64)
    lanes = lanes_of(BLOCK, SIDE, ALIGNED)
    row = x + i * x_stride
    y = tl.load(target + i).to(tl.int64)
    counted = y != ignored
    inside = counted & (y >= 0) & (y < classes)
    # An ignored row is not read: whatever it holds reaches neither value nor gradient.
    stop = classes * counted.to(tl.int32)
    # A class that is not there has no loss.
    truth = tl.load(row + y, mask=inside, other=float("nan")).to(tl.float32)
    own = tl.where(inside, y // BLOCK * BLOCK, -1)
    top, rest = none_met(BLOCK // SIDE, tl.float32)
    if not WHOLE:
        for start in range(0, stop, BLOCK):
            if start != own:
                score = block(row, start, lanes, stop, tl.float32, TO_KEEP)
                top, rest = meet(score, top, rest, HALF)
    first = tl.maximum(own, 0)
    score = block(row, first, lanes, stop * inside.to(tl.int32), tl.float32)
    top, rest = meet(tl.where(lanes == y - first, -INF, score), top, rest, HALF)
    top, rest = joined(top, rest, HALF)
    loss, top, unit, part = _loss(truth, top, rest, Z)
    share = 1.0
    if weight is not None:
        share = tl.load(weight + y, mask=inside, other=0.0).to(tl.float32)
    tl.store(out + i, tl.where(counted, loss * share, 0.0))
    tl.store(notes + i * COLUMNS, top)
    tl.store(notes + i * COLUMNS + 1, unit)
    tl.store(notes + i * COLUMNS + 2, part)
    if slope is not None:
        scale = tl.load(by).to(tl.float32) * share
        # An ignored row's scores are read as -inf, of which these make zeros.
        known, by_unit = tl.where(counted, top, 0.0), tl.where(counted, unit * scale, 0.0)
        slope += i * slope_stride
        if WHOLE:
            _store(slope, score, 0, lanes, classes, known, by_unit, HALF)
        else:
            blocks = tl.cdiv(classes, BLOCK)
            for step in range(0, blocks):
                # Backwards: what was read last is the likeliest to be near.
                start = (blocks - 1 - step) * BLOCK
                score = block(row, start, lanes, stop, tl.float32, TO_DROP)
                _store(slope, score, start, lanes, classes, known, by_unit, HALF)
        _store_truth(slope, y, inside, -part * scale)


@triton.jit
def _store_truth(slope, y, inside, found):
    """The truth's own slope, over what another thread has stored there."""
    tl.debug_barrier()
    tl.store(slope + y, rounded(found, slope), mask=inside)


@triton.jit
def gradient(
    x, x_stride, target, weight, by, by_stride, upstream,
    ignored, notes, slope, slope_stride, classes,
    HALF: tl.constexpr, BLOCK: tl.constexpr, SIDE: tl.constexpr, ALIGNED: tl.constexpr,
):  # fmt: skip
    """The slope of a row, a block at a time; nothing is done where ``upstream`` is 1."""
    asked = True
    if upstream is not None:
        asked = tl.load(upstream) != 1
    if asked:
        i = tl.program_id(0).to(tl.int64)
        lanes = lanes_of(BLOCK, SIDE, ALIGNED)
        y = tl.load(target + i).to(tl.int64)
        counted = y != ignored
        inside = counted & (y >= 0) & (y < classes)
        scale = tl.load(by + i * by_stride).to(tl.float32)
        if weight is not None:
            scale *= tl.load(weight + y, mask=inside, other=0.0).to(tl.float32)
        notes += i * COLUMNS
        top, unit, part = tl.load(notes), tl.load(notes + 1), tl.load(notes + 2)
        # An ignored row ends at once: its scores are read as -inf, of which these make zeros.
        stop = classes * counted.to(tl.int32)
        known, by_unit = tl.where(counted, top, 0.0), tl.where(counted, unit * scale, 0.0)
        row = x + i * x_stride
        slope += i * slope_stride
        step = tl.num_programs(1).to(tl.int64) * BLOCK
        for start in range(tl.program_id(1).to(tl.int64) * BLOCK, classes, step):
            score = block(row, start, lanes, stop, tl.float32)
            _store(slope, score, start, lanes, classes, known, by_unit, HALF)
            if (y >= start) & (y < start + BLOCK):
                _store_truth(slope, y, inside, -part * scale)
