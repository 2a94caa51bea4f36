"""Cross-entropy of classes, compiled: rows that are contiguous and not too short."""

from typing import Any

import numpy as np

from lossary.kernels.cpu._labels import counts
from lossary.kernels.cpu._numbers import (
    DROP,
    compiled,
    inlined,
    lifted_exponential,
    rounded,
    widened,
)
from lossary.kernels.cpu._row_sums import largest, room, sum_of_others

# Below this a float32 is not normal.
SMALLEST = 2.0**-126


@compiled
def summary(tail: float, top: float, truth: float, share: float) -> tuple[float, float, float]:
    """Loss, 1 / sum and the rest's part of the sum, from the sum without the truth's share."""
    if top == np.inf:  # the truth alone may be infinitely ahead; the tail is NaN otherwise
        return tail, tail, tail
    total = tail + share
    if total == 0:  # every class is masked
        return np.inf, 0.0, 1.0
    gap = top - truth
    loss = np.log1p(tail) if gap <= 0 else gap + np.log(total)
    return loss, 1 / total, tail / total


@compiled
def losses(
    x: Any, target: Any, ignored: int, wrong: Any, out: Any, notes: Any, start: int, stop: int
) -> None:
    """Losses of rows; and notes for their gradient: highest score, 1 / sum, the rest's part."""
    odds = room(x.shape[1], notes.dtype)
    for i in range(start, stop):
        y = target[i]
        row = x[i]
        if not counts(y, ignored, row.shape[0], wrong):
            out[i] = 0
            continue
        top = largest(row)
        if top == -np.inf:
            top = odds.dtype.type(0)
        truth = widened(row[y])
        # The truth is left out of the sum: a certain prediction would drown the tail in it.
        tail = sum_of_others(row, y, top, odds)
        found = summary(tail, top, truth, np.float64(lifted_exponential(truth - top)) * DROP)
        out[i] = found[0]
        notes[0, i] = top
        notes[1, i] = found[1]
        notes[2, i] = found[2]


@inlined
def _factor(notes: Any, scale: Any, i: int) -> Any:
    return notes[1, i] * notes.dtype.type(DROP) * scale[i]


@compiled
def _little_rows(
    x: Any, target: Any, ignored: int, wrong: Any, notes: Any, scale: Any, out: Any,
    start: int, stop: int,
) -> None:  # fmt: skip
    """Rows of so small a scale that the factor above would have lost its digits."""
    like = out[0, 0]
    for i in range(start, stop):
        row, slope, y = x[i], out[i], target[i]
        is_little = abs(_factor(notes, scale, i)) < SMALLEST
        if not (is_little and counts(y, ignored, row.shape[0], wrong)):
            continue
        top, unit, by = notes[0, i], notes[1, i] * notes.dtype.type(DROP), scale[i]
        for j in range(row.shape[0]):
            slope[j] = rounded(lifted_exponential(widened(row[j]) - top) * unit * by, like)
        slope[y] = rounded(-notes[2, i] * by, like)


@compiled
def gradient(
    x: Any, target: Any, ignored: int, wrong: Any, notes: Any, scale: Any, out: Any,
    start: int, stop: int,
) -> None:  # fmt: skip
    """Prediction minus truth, times each row's scale: one read, one write."""
    like, few = out[0, 0], 0
    for i in range(start, stop):
        row, slope, y = x[i], out[i], target[i]
        if not counts(y, ignored, row.shape[0], wrong):
            slope[:] = rounded(np.float32(0), like)
            continue
        top, factor = notes[0, i], _factor(notes, scale, i)
        if abs(factor) < SMALLEST:
            few += 1
            continue
        for j in range(row.shape[0]):
            slope[j] = rounded(lifted_exponential(widened(row[j]) - top) * factor, like)
        slope[y] = rounded(-notes[2, i] * scale[i], like)
    if few:
        _little_rows(x, target, ignored, wrong, notes, scale, out, start, stop)
