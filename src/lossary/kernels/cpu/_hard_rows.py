"""Cross-entropy of classes, compiled: rows that are contiguous and long enough for lanes."""

from typing import Any

import numpy as np

from lossary.kernels.cpu._labels import counts
from lossary.kernels.cpu._lanes import (
    DROP,
    LANES,
    compiled,
    exponential_sum,
    highest,
    lifted_exponential,
    rounded,
    widened,
)


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
    lanes, spare = np.empty(LANES, notes.dtype), np.empty(LANES, notes.dtype)
    for i in range(start, stop):
        y = target[i]
        row = x[i]
        if not counts(y, ignored, row.shape[0], wrong):
            out[i] = 0
            continue
        top = highest(row, lanes)
        if top == -np.inf:
            top = lanes.dtype.type(0)
        truth = widened(row[y])
        # The truth is left out of the sum: a certain prediction would drown the tail in it.
        tail = exponential_sum(row, y, top, lanes, spare)
        found = summary(tail, top, truth, np.float64(lifted_exponential(truth - top)) * DROP)
        out[i] = found[0]
        notes[0, i] = top
        notes[1, i] = found[1]
        notes[2, i] = found[2]


@compiled
def gradient(
    x: Any, target: Any, ignored: int, wrong: Any, notes: Any, scale: Any, out: Any,
    start: int, stop: int,
) -> None:  # fmt: skip
    """Prediction minus truth, times each row's scale: one read, one write."""
    like = out[0, 0]
    for i in range(start, stop):
        row, slope, y = x[i], out[i], target[i]
        if not counts(y, ignored, row.shape[0], wrong):
            slope[:] = rounded(np.float32(0), like)
            continue
        top = notes[0, i]
        factor = notes[1, i] * scale[i] * notes.dtype.type(DROP)
        for j in range(row.shape[0]):
            slope[j] = rounded(lifted_exponential(widened(row[j]) - top) * factor, like)
        slope[y] = rounded(-notes[2, i] * scale[i], like)
