"""Jensen-Shannon divergence of two softmaxes in Triton: one program a row."""

import triton
import triton.language as tl

from lossary.kernels.triton import _pair_rows
from lossary.kernels.triton._numbers import INF, NEAR, expm1, exponential, log1p, near_gap, rounded
from lossary.kernels.triton._pair_rows import compared, masses, noted
from lossary.kernels.triton._rows import block

# The notes of both rows, each one's divergence from the mixture, and the slope of each one's
# leader, which is minus the sum of all others: next to a certain outcome they would drown.
NOTES = _pair_rows.NOTES + 4
COLUMNS = tl.constexpr(NOTES)
PAIR = tl.constexpr(_pair_rows.NOTES)


@triton.jit
def _mixture_logs(a, b, d, shared, W: tl.constexpr):
    """``log(m / p)`` and ``log(m / q)`` of ``m = W p + (1 - W) q``, each exact on its own."""
    # Outcomes of one alone are infinitely far apart; with those of none the mass is 0.
    d = tl.where(shared, d, tl.where(a > -INF, -INF, INF))
    down = d <= 0
    # On either side the one that is larger in the mixture's place is taken directly: bounded.
    far = exponential(-tl.abs(d))
    close = tl.abs(d) < 1
    step = expm1(-tl.abs(tl.where(close, d, 0.0)))
    rise = expm1(tl.abs(tl.where(close, d, 0.0)))
    share = W + (1 - 2 * W) * down.to(d.dtype)
    direct = log1p(share * tl.where(close, step, far - 1))
    other = tl.where(close, log1p((1 - share) * tl.where(close, rise, 0.0)), direct + tl.abs(d))
    return tl.where(down, direct, other), tl.where(down, other, direct)


@triton.jit
def _terms(p, m, to_p):
    """``p log(p / m) - p + m``: never negative; where p is 0 it is m."""
    near = tl.abs(to_p) < NEAR
    far = (m - p) - tl.where(p == 0, 0.0, p * to_p)
    return tl.where(near, p * near_gap(tl.where(near, to_p, 0.0)), far)


@triton.jit
def losses(
    x, x_stride, y, y_stride, out, notes, classes,
    W: tl.constexpr, WIDE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """The divergence of one row, and the notes of its gradients."""
    i = tl.program_id(0).to(tl.int64)
    kept: tl.constexpr = tl.float64 if WIDE else tl.float32
    lanes = tl.arange(0, BLOCK)
    x += i * x_stride
    y += i * y_stride
    notes += i * COLUMNS
    known = compared(x, y, lanes, classes, notes, kept)
    none = tl.zeros((BLOCK,), kept)
    of_p, of_q, tail_p, tail_q, rest_p, rest_q = none, none, none, none, none, none
    for start in range(0, classes, BLOCK):
        a, b = block(x, start, lanes, classes, kept), block(y, start, lanes, classes, kept)
        p, q, u, shared = masses(a, b, known)
        to_p, to_q = _mixture_logs(a, b, u - known[6], shared, W)
        m = W * p + (1 - W) * q
        of_p += _terms(p, m, to_p)
        of_q += _terms(q, m, to_q)
        p = tl.where(a == known[0], 0.0, p)
        q = tl.where(b == known[2], 0.0, q)
        tail_p += p
        tail_q += q
        rest_p += tl.where(p == 0, 0.0, p * to_p)
        rest_q += tl.where(q == 0, 0.0, q * to_q)
    from_p, from_q = tl.sum(of_p, 0), tl.sum(of_q, 0)
    notes += PAIR
    tl.store(notes, from_p)
    tl.store(notes + 1, from_q)
    tl.store(notes + 2, W * (tl.sum(rest_p, 0) + tl.sum(tail_p, 0) * from_p))
    tl.store(notes + 3, (1 - W) * (tl.sum(rest_q, 0) + tl.sum(tail_q, 0) * from_q))
    tl.store(out + i, (W * from_p + (1 - W) * from_q).to(tl.float64))


@triton.jit
def _slope(p, to_p, score, top, unit, share: tl.constexpr, notes):
    """``-share p (log(m / p) + D(p || m))``; a leader of more than one half has its own note."""
    found = -share * p * tl.where(p == 0, 0.0, to_p + tl.load(notes))
    alone = tl.where(unit > 0.5, top, INF)
    return tl.where(score == alone, tl.load(notes + 2), found)


@triton.jit
def gradients(
    x, x_stride, y, y_stride, by, by_stride, notes,
    x_slope, y_slope, slope_stride, classes,
    W: tl.constexpr, WIDE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """``-W p (log(m / p) + D(p || m))`` and the same of q, for one block, times the scale."""
    i = tl.program_id(0).to(tl.int64)
    kept: tl.constexpr = tl.float64 if WIDE else tl.float32
    lanes = tl.arange(0, BLOCK)
    start = tl.program_id(1).to(tl.int64) * BLOCK
    a = block(x + i * x_stride, start, lanes, classes, kept)
    b = block(y + i * y_stride, start, lanes, classes, kept)
    notes += i * COLUMNS
    known = noted(notes)
    p, q, u, shared = masses(a, b, known)
    to_p, to_q = _mixture_logs(a, b, u - known[6], shared, W)
    scale = tl.load(by + i * by_stride).to(kept)
    at = slope_stride * i + start
    inside = lanes < classes - start
    if x_slope is not None:
        found = _slope(p, to_p, a, known[0], known[1], W, notes + PAIR) * scale
        tl.store(x_slope + at + lanes, rounded(found, x_slope), mask=inside)
    if y_slope is not None:
        found = _slope(q, to_q, b, known[2], known[3], 1 - W, notes + PAIR + 1) * scale
        tl.store(y_slope + at + lanes, rounded(found, y_slope), mask=inside)
