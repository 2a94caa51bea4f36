"""Kullback-Leibler divergence of two softmaxes in Triton: one program a row."""

import triton
import triton.language as tl

from lossary.kernels.triton._numbers import INF, NEAR, expm1, rounded
from lossary.kernels.triton._pair_rows import COLUMNS, compared, masses, noted
from lossary.kernels.triton._rows import block


@triton.jit
def losses(
    x, x_stride, y, y_stride, out, notes, classes,
    WIDE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """The divergence of one row, which is the shift; and the notes of its gradients."""
    i = tl.program_id(0).to(tl.int64)
    kept: tl.constexpr = tl.float64 if WIDE else tl.float32
    lanes = tl.arange(0, BLOCK)
    known = compared(x + i * x_stride, y + i * y_stride, lanes, classes, notes + i * COLUMNS, kept)
    shift, gone = known[6], known[7]
    tl.store(out + i, tl.where(gone >= 0, INF, shift).to(tl.float64))


@triton.jit
def gradients(
    x, x_stride, y, y_stride, by, by_stride, notes,
    x_slope, y_slope, slope_stride, classes,
    WIDE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """The slopes ``-p u`` and ``q - p`` of one block of one row, times the row's scale.

    An infinite term passes no slope; the finite ones of its row do.
    """
    i = tl.program_id(0).to(tl.int64)
    kept: tl.constexpr = tl.float64 if WIDE else tl.float32
    lanes = tl.arange(0, BLOCK)
    start = tl.program_id(1).to(tl.int64) * BLOCK
    a = block(x + i * x_stride, start, lanes, classes, kept)
    b = block(y + i * y_stride, start, lanes, classes, kept)
    known = noted(notes + i * COLUMNS)
    shift, gone = known[6], known[7]
    p, q, u, shared = masses(a, b, known)
    endless = gone >= 0
    stays = tl.where(endless, 1 - gone, 1.0)
    d = u - shift
    # What the finite terms' log-ratios sum to, which the finite row knows to be minus the shift.
    level = tl.where(endless, -stays * shift, -shift)
    scale = tl.load(by + i * by_stride).to(kept)
    at = slope_stride * i + start
    inside = lanes < classes - start
    if x_slope is not None:
        lean = tl.where(endless, tl.where(shared, d, 0.0) - level, u)
        found = -p * lean * scale
        tl.store(x_slope + at + lanes, rounded(found, x_slope), mask=inside)
    if y_slope is not None:
        # The rows of infinite terms are near nowhere.
        close = shared & (tl.abs(tl.where(endless, INF, d)) < NEAR)
        beyond = q * stays - tl.where(shared, p, 0.0)
        found = tl.where(close, p * expm1(tl.where(close, d, 0.0)), beyond) * scale
        tl.store(y_slope + at + lanes, rounded(found, y_slope), mask=inside)
