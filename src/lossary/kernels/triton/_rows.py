"""One pass over a row: its highest score, and what all the others add up to against it.

A thread reads several scores side by side and meets their highest first, so that a score costs one
exponential and all of them together one more. Half precision takes the hardware's exponential,
float32 one that is right to two last places.

Offsets within a row are as wide as the number of classes came; those between rows are 64 bits.
"""

import triton
import triton.language as tl

from lossary.kernels.triton._numbers import (
    DROP,
    INF,
    LIFT,
    LOG2E,
    LOWEST_FLOAT,
    exponential,
    lifted_exponential,
)

# What the level-2 cache is told of a block: to keep it for a second reading, or to let it go.
PLAINLY, TO_KEEP, TO_DROP = (
    tl.constexpr(""),
    tl.constexpr("evict_last"),
    tl.constexpr("evict_first"),
)
# A score that lies this far below the highest has the power 0.
NOWHERE = tl.constexpr(-1000.0)
# A scale below this is not made smaller still.
FAINT = tl.constexpr(2.0**-90)


@triton.jit
def step_down(score, top):
    """``score - top``, where a masked score is infinitely far down, also from another one."""
    return tl.where(score == -INF, -INF, score - top)


@triton.jit
def block(row, start, lanes, stop, kept: tl.constexpr, CACHED: tl.constexpr = PLAINLY):
    """One block of a row in the dtype to compute in, -inf beyond its end."""
    found = tl.load(
        row + start + lanes, mask=lanes < stop - start, other=-INF, eviction_policy=CACHED
    )
    return found.to(kept)


@triton.jit
def lanes_of(BLOCK: tl.constexpr, SIDE: tl.constexpr, ALIGNED: tl.constexpr):
    """Offsets of a block, a thread's along the second dimension.

    They lie side by side where rows begin on 16 bytes, so that a thread reads them at once; where
    they do not, neighbouring threads read neighbours.
    """
    threads, own = tl.arange(0, BLOCK // SIDE)[:, None], tl.arange(0, SIDE)[None, :]
    return threads * SIDE + own if ALIGNED else threads + own * (BLOCK // SIDE)


@triton.jit
def powers(gap, HALF: tl.constexpr):
    """Exp of numbers that are not positive, as exactly as the scores' dtype asks."""
    return tl.exp2(gap * LOG2E) if HALF else exponential(gap)


@triton.jit
def lifted_powers(gap, HALF: tl.constexpr):
    """The same 2**32 times too large, so that none is lost below the smallest normal number."""
    return tl.exp2(gap * LOG2E + LIFT) if HALF else lifted_exponential(gap)


@triton.jit
def scaled_powers(gap, scale, HALF: tl.constexpr):
    """The same times a scale for all."""
    if HALF:
        # A lift costs nothing, but for the digits of a scale that its fall would make too small.
        faint = tl.abs(scale) < FAINT
        lift = tl.where(faint, 0.0, LIFT)
        return tl.exp2(gap * LOG2E + lift) * tl.where(faint, scale, scale * DROP)
    else:
        return lifted_exponential(gap) * scale * DROP


@triton.jit
def none_met(THREADS: tl.constexpr, kept: tl.constexpr):
    """Highest score and sum before any was met; the lowest number stands below every score."""
    none = tl.zeros((THREADS,), kept)
    return none + LOWEST_FLOAT, none


@triton.jit
def meet(score, top, total, HALF: tl.constexpr):
    """Take some scores a thread into the highest and the sum."""
    risen = tl.maximum(top, tl.max(score, 1))
    small = powers(score - risen[:, None], HALF)
    return risen, total * powers(top - risen, HALF) + tl.sum(small, 1)


@triton.jit
def joined(top, total, HALF: tl.constexpr):
    """The highest score of all threads, and the sum against it."""
    highest = tl.max(top, 0)
    return highest, tl.sum(total * powers(top - highest, HALF), 0)


@triton.jit
def meet_falls(score, top, total, tail, falls, HALF: tl.constexpr):
    """Take some scores a thread into the highest, the sums and the mean fall, all lifted.

    The tail is the sum without the highest score, which beside it would drown; it is asked for
    where no two share that place. The falls are ``exp(-fall) * fall`` of what a score lies below.
    """
    risen = tl.maximum(top, tl.max(score, 1))
    gap = score - risen[:, None]
    small = lifted_powers(gap, HALF)
    total, tail, falls = _lowered(top - risen, total, tail, falls, HALF)
    total += tl.sum(small, 1)
    tail += tl.sum(tl.where(gap == 0, 0.0, small), 1)
    falls -= tl.sum(small * tl.maximum(gap, NOWHERE), 1)  # not -inf: 0 * inf is no number
    return risen, total, tail, falls


@triton.jit
def _lowered(step, total, tail, falls, HALF: tl.constexpr):
    """The sums against a score that stands higher by ``-step``; all of them are its tail then."""
    share = lifted_powers(step, HALF)
    moved = total * DROP * share
    falls = falls * DROP * share - moved * tl.maximum(step, NOWHERE)
    return moved, tl.where(step == 0, tail, moved), falls


@triton.jit
def joined_falls(top, total, tail, falls, HALF: tl.constexpr):
    """Highest score, the odds of all others against it, and the falls, of all threads."""
    highest = tl.max(top, 0)
    total, tail, falls = _lowered(top - highest, total, tail, falls, HALF)
    whole, rest = tl.sum(total, 0) * DROP, tl.sum(tail, 0) * DROP
    # Two that share the highest place add up to 2 at least, and then nothing drowns.
    odds = tl.where(whole < 1.5, rest, whole - 1)
    return tl.where(whole == 0, -INF, highest), odds, tl.sum(falls, 0) * DROP


@triton.jit
def truths_part(truth, top, odds):
    """How far the truth lies below the highest score, and ``1 - p`` of it, never cancelled."""
    leads = truth == top
    gap = tl.where(leads, 0.0, top - truth)
    # A truth that does not lead has at most one half, which 1 - p does not cancel.
    share = lifted_exponential(-gap) * DROP / (1 + odds)
    return gap, tl.where(leads, odds / (1 + odds), 1 - share)


@triton.jit
def has_no_softmax(truth, top, odds):
    """Whether a score is infinite; the truth alone may be infinitely ahead."""
    return (top == INF) & ((truth != INF) | (odds != 0))
