"""Kullback-Leibler terms of log-predictions in Triton: of float32 the difference is float64."""

import triton
import triton.language as tl

from lossary.kernels.triton._numbers import INF, rounded, widened


@triton.jit
def _mass(t, LOGS: tl.constexpr):
    """The target's mass and its logarithm, which is some finite number where the mass is 0."""
    if LOGS:
        mass = tl.exp(t)
        log = tl.where(t == -INF, 0.0, t)
    else:
        mass = t
        log = tl.log(tl.where(t == 0, 1.0, t))
    return mass, log


@triton.jit
def losses(
    x, y, items, sums, entries,
    LOGS: tl.constexpr, WIDE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Each entry's ``y (log y - x)``, or the sum of a block of them in float64."""
    block = tl.program_id(0).to(tl.int64)
    at = block * BLOCK + tl.arange(0, BLOCK)
    inside = at < entries
    score = widened(tl.load(x + at, mask=inside, other=0.0), WIDE)
    given = widened(tl.load(y + at, mask=inside, other=-INF if LOGS else 0.0), WIDE)
    mass, log = _mass(given, LOGS)
    # A target of 0 costs nothing, whatever was predicted.
    found = tl.where(mass == 0, 0.0, mass * (log - tl.where(mass == 0, 0.0, score)))
    if sums is not None:
        tl.store(sums + block, tl.sum(found.to(tl.float64), 0))
    else:
        tl.store(items + at, found.to(tl.float32), mask=inside)


@triton.jit
def gradient(
    y, by, by_stride, out, entries,
    LOGS: tl.constexpr, WIDE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Minus the mass, times each entry's scale."""
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < entries
    given = widened(tl.load(y + at, mask=inside, other=0.0), WIDE)
    mass, _ = _mass(given, LOGS)
    scale = tl.load(by + at * by_stride, mask=inside, other=0.0).to(given.dtype)
    tl.store(out + at, rounded(-mass * scale, out), mask=inside)
