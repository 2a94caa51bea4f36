"""One pass over a row: its highest score, and the odds of all others against it.

Each lane keeps the highest score it has met and the sum of ``exp(score - highest)`` over the
others, so that a score costs one exponential, whether it is higher than all before or not. The
highest of a row is left out of its sum: ``log1p`` of the rest keeps a certain prediction's loss.

Offsets within a row are as wide as the number of classes came; those between rows are 64 bits.
"""

import triton
import triton.language as tl

from lossary.kernels.triton._numbers import DROP, INF, lifted_exponential


@triton.jit
def step_down(score, top):
    """``score - top``, where a masked score is infinitely far down, also from another one."""
    return tl.where(score == -INF, -INF, score - top)


@triton.jit
def meet(score, top, others):
    """Take one score a lane into the highest and the others' odds, which are lifted by 2**32."""
    gap = step_down(score, top)
    small = lifted_exponential(-tl.abs(gap))
    others = tl.where(gap > 0, (others * DROP + 1) * small, others + small)
    return tl.maximum(top, score), others


@triton.jit
def meet_falls(score, top, others, falls):
    """The same, with the sum of ``exp(-fall) * fall``, what a score lies below the highest."""
    gap = step_down(score, top)
    small = lifted_exponential(-tl.abs(gap))
    fall = tl.where(small > 0, tl.abs(gap), 0.0)  # 0 * inf is 0
    risen = (falls * DROP + (others * DROP + 1) * fall) * small
    falls = tl.where(gap > 0, risen, falls + fall * small)
    others = tl.where(gap > 0, (others * DROP + 1) * small, others + small)
    return tl.maximum(top, score), others, falls


@triton.jit
def joined(top, others):
    """The highest score of all lanes, and the odds of all the others against it."""
    highest = tl.max(top, 0)
    small = lifted_exponential(step_down(top, highest))
    leads = (top == highest) & (top > -INF)
    # Of those that share the highest score one leads, and each of the others has the odds 1.
    more = tl.sum(leads.to(top.dtype), 0) - 1
    parts = tl.where(leads, others, (others * DROP + 1) * small)
    odds = tl.sum(parts, 0) * DROP + more
    return highest, tl.where(highest == -INF, 0.0, odds)


@triton.jit
def joined_falls(top, others, falls, highest):
    """The sum of ``exp(-fall) * fall`` over all lanes."""
    gap = step_down(top, highest)
    small = lifted_exponential(gap)
    fall = tl.where(small > 0, -gap, 0.0)
    same = top == highest
    moved = (falls * DROP + (others * DROP + 1) * tl.where(same, 0.0, fall)) * small
    return tl.sum(tl.where(same, falls, moved), 0) * DROP


@triton.jit
def block(row, start, lanes, stop, kept: tl.constexpr):
    """One block of a row in the dtype to compute in, -inf beyond its end."""
    return tl.load(row + start + lanes, mask=lanes < stop - start, other=-INF).to(kept)


@triton.jit
def read(row, stop, lanes, kept: tl.constexpr, WHOLE: tl.constexpr):
    """What each lane knows of a row read once; a ``WHOLE`` row's lanes are its scores."""
    others = tl.zeros(lanes.shape, kept)
    if WHOLE:
        top = block(row, 0, lanes, stop, kept)
    else:
        top = others - INF
        for start in range(0, stop, lanes.shape[0]):
            top, others = meet(block(row, start, lanes, stop, kept), top, others)
    return top, others


@triton.jit
def read_falls(row, stop, lanes, kept: tl.constexpr, WHOLE: tl.constexpr):
    """Highest score, odds, and the sum of ``exp(-fall) * fall``, of a row read once."""
    falls = tl.zeros(lanes.shape, kept)
    others = tl.zeros(lanes.shape, kept)
    if WHOLE:
        top = block(row, 0, lanes, stop, kept)
    else:
        top = others - INF
        for start in range(0, stop, lanes.shape[0]):
            score = block(row, start, lanes, stop, kept)
            top, others, falls = meet_falls(score, top, others, falls)
    highest, odds = joined(top, others)
    return highest, odds, joined_falls(top, others, falls, highest)


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
