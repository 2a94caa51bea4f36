"""Small rows of classes, compiled: checks, loss and slope in one call, over the large loops."""

from typing import Any

import numpy as np
from numba import carray

from lossary.kernels.cpu import _hard_groups, _hard_rows, _hard_tiles, _soft_rows
from lossary.kernels.cpu._address import at
from lossary.kernels.cpu._express import DECLINED, MEAN, NONE, has_nan, wide_copy
from lossary.kernels.cpu._numbers import compiled, rounded

# From here on rows need not lie side by side.
LONG = 48
# Up to here they are made a few together.
GROUPED = 448

INDEX = np.zeros(0, np.int64)
WIDE = np.zeros(0, np.float64)


@compiled
def _labels(
    y_at: int, weight_at: int, rows: int, classes: int, ignored: int, by: Any
) -> tuple[Any, float]:
    """The targets, each row's weight (0 where it is ignored) and their sum; -1 for a wrong one."""
    y = carray(at(y_at, INDEX), (rows,))
    weight = carray(at(weight_at, WIDE), (classes if weight_at else 0,))
    total = 0.0
    for i in range(rows):
        by[i] = 0
        if y[i] == ignored:
            continue
        if y[i] < 0 or y[i] >= classes:
            return y, -1.0
        by[i] = weight[y[i]] if weight_at else 1.0
        total += by[i]
    return y, total


@compiled
def _reduce(items: Any, by: Any, mode: int, divisor: float, like: Any, out_at: int) -> None:
    """Write the losses times their scale, or their sum; make the scale what the slope's is."""
    rows = items.shape[0]
    if mode == NONE:
        out = carray(at(out_at, like), (rows,))
        for i in range(rows):
            out[i] = rounded(items[i] * by[i], like[0])
        return
    total = 0.0
    for i in range(rows):
        total += items[i] * by[i]
    if mode == MEAN:
        for i in range(rows):
            by[i] = by[i] / divisor if divisor != 0 else 0.0
        total = total / divisor if divisor != 0 else 0.0
    carray(at(out_at, like), (1,))[0] = rounded(total, like[0])


@compiled
def _of_labels(
    like: Any, wide: Any, x: Any, y: Any, notes: Any, by: Any, divisor: float,
    ignored: int, mode: int, out_at: int, slope_at: int,
) -> None:  # fmt: skip
    """Cross-entropy with class targets, and its slope, in the arithmetic of the notes."""
    rows, classes = x.shape
    items, wrong = np.zeros(rows), np.zeros(1, np.int64)
    if classes > GROUPED:
        _hard_rows.losses(x, y, ignored, wrong, items, notes, 0, rows)
    elif classes >= LONG:
        _hard_groups.losses(x, y, ignored, wrong, items, notes, 0, rows)
    else:
        tiles = (rows + _hard_tiles.WIDTH - 1) // _hard_tiles.WIDTH
        columns, labels = np.expand_dims(x.T, 0), np.expand_dims(y, 0)
        lines = np.expand_dims(items, 0), np.expand_dims(notes, 1)
        _hard_tiles.losses(columns, labels, ignored, wrong, lines[0], lines[1], 0, tiles)
    _reduce(items, by, mode, divisor, like, out_at)
    if slope_at == 0:
        return
    slope, scale = carray(at(slope_at, wide), (rows, classes)), by.astype(notes.dtype)
    if classes >= LONG:
        _hard_rows.gradient(x, y, ignored, wrong, notes, scale, slope, 0, rows)
    else:
        made, scales = np.expand_dims(slope.T, 0), np.expand_dims(scale, 0)
        _hard_tiles.gradient(columns, labels, ignored, wrong, lines[1], scales, made, 0, tiles)


@compiled
def hard(
    like: Any, wide: Any, x_at: int, y_at: int, weight_at: int, rows: int, classes: int,
    ignored: int, mode: int, out_at: int, slope_at: int,
) -> int:  # fmt: skip
    """Cross-entropy with class targets, weighted by class."""
    by = np.empty(rows)
    y, divisor = _labels(y_at, weight_at, rows, classes, ignored, by)
    if divisor == -1.0:
        return DECLINED
    x = wide_copy(x_at, like, rows * classes).reshape((rows, classes))
    notes = np.empty((3, rows))
    _of_labels(like, wide, x, y, notes, by, divisor, ignored, mode, out_at, slope_at)
    return 0


@compiled
def hard_medium(
    like: Any, wide: Any, x_at: int, y_at: int, weight_at: int, rows: int, classes: int,
    ignored: int, mode: int, out_at: int, slope_at: int,
) -> int:  # fmt: skip
    """The same as the loops of large tensors compute it: exponentials of float32 in float32."""
    by = np.empty(rows)
    y, divisor = _labels(y_at, weight_at, rows, classes, ignored, by)
    if divisor == -1.0:
        return DECLINED
    x, notes = carray(at(x_at, like), (rows, classes)), np.empty((3, rows), wide.dtype)
    _of_labels(like, wide, x, y, notes, by, divisor, ignored, mode, out_at, slope_at)
    return 0


@compiled
def _spread(
    like: Any, wide: Any, x: Any, mass: Any, by: Any, divisor: float, weight_at: int,
    smoothing: float, ignored: int, mode: int, out_at: int, slope_at: int,
) -> None:  # fmt: skip
    """Cross-entropy against mass, or labels, spread evenly by so much and weighted by class."""
    rows, classes = x.shape
    weight = np.ones(classes)
    if weight_at:
        weight[:] = carray(at(weight_at, WIDE), (classes,))
    kept, even = 1 - smoothing, smoothing / classes
    items, notes = np.zeros(rows), np.empty((_soft_rows.NOTES, rows))
    limits = ignored, np.zeros(1, np.int64)
    _soft_rows.losses(x, mass, *limits, weight, kept, even, items, notes, 0, rows)
    _reduce(items, by, mode, divisor, like, out_at)
    if slope_at:
        slope = carray(at(slope_at, wide), (rows, classes))
        _soft_rows.gradient(x, mass, *limits, weight, kept, even, notes, by, slope, 0, rows)


@compiled
def smoothed(
    like: Any, wide: Any, x_at: int, y_at: int, weight_at: int, rows: int, classes: int,
    ignored: int, smoothing: float, mode: int, out_at: int, slope_at: int,
) -> int:  # fmt: skip
    """Cross-entropy with smoothed class targets: a mean divides by the labels' weights."""
    by = np.empty(rows)
    y, divisor = _labels(y_at, weight_at, rows, classes, ignored, by)
    if divisor == -1.0:
        return DECLINED
    by[:] = 1
    x = wide_copy(x_at, like, rows * classes).reshape((rows, classes))
    _spread(
        like, wide, x, y, by, divisor, weight_at, smoothing, ignored, mode, out_at, slope_at
    )  # fmt: skip
    return 0


@compiled
def soft(
    like: Any, wide: Any, x_at: int, q_at: int, weight_at: int, rows: int, classes: int,
    smoothing: float, mode: int, out_at: int, slope_at: int,
) -> int:  # fmt: skip
    """Cross-entropy with given probabilities; a NaN among them is for the slower way to tell."""
    x = wide_copy(x_at, like, rows * classes).reshape((rows, classes))
    mass = wide_copy(q_at, like, rows * classes)
    if mode != NONE and has_nan(mass):
        return DECLINED
    q = mass.reshape((rows, classes))
    by = np.ones(rows)
    _spread(
        like, wide, x, q, by, float(rows), weight_at, smoothing, 0, mode, out_at, slope_at
    )  # fmt: skip
    return 0
