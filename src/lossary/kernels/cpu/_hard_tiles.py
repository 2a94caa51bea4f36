"""Cross-entropy of classes, compiled: items side by side in lanes, where rows are short.

An item's scores may lie anywhere (classes second of four dimensions, or rows of ten): a tile of
them is gathered so that every lane holds one item, and the classes are walked in step.
"""

from typing import Any

import numpy as np

from lossary.kernels.cpu._hard_rows import SMALLEST, summary
from lossary.kernels.cpu._numbers import (
    DROP,
    compiled,
    larger,
    lifted_exponential,
    rounded,
    widened,
)

WIDTH = 64
# Partial sums move to float64 after this many additions, so that no length costs digits.
RUN = 64


@compiled
def gather(x: Any, n: int, first: int, width: int, tile: Any) -> None:
    """Copy the scores of ``width`` items into lanes; the lanes beyond them stay as they are."""
    part = x[n, :, first : first + width]
    for c in range(part.shape[0]):
        scores, line = tile[c], part[c]
        for k in range(width):
            scores[k] = widened(line[k])


@compiled
def _read_labels(target: Any, ignored: int, classes: int, wrong: Any, label: Any) -> None:
    """The labels of lanes, -1 for one that does not count; as :func:`_labels.counts`, in step."""
    strays = 0
    label[target.shape[0] :] = -1
    for k in range(target.shape[0]):
        y = target[k]
        is_class, is_ignored = (y >= 0) & (y < classes), y == ignored
        label[k] = y if is_class & (not is_ignored) else -1
        strays += 0 if is_class | is_ignored else 1
    if strays:
        wrong[0] = 1


@compiled
def _tops(tile: Any, tops: Any) -> None:
    tops[:] = -np.inf
    for c in range(tile.shape[0]):
        scores = tile[c]
        for k in range(WIDTH):
            tops[k] = larger(scores[k], tops[k])
    for k in range(WIDTH):
        if tops[k] == -np.inf:
            tops[k] = 0


@compiled
def _sums(tile: Any, tops: Any, label: Any, part: Any, tails: Any, shares: Any) -> None:
    """Per lane: the sum of exponentials without the truth's, and the truth's."""
    tails[:] = 0
    shares[:] = 0
    part[:] = 0
    run = 0
    for c in range(tile.shape[0]):
        scores = tile[c]
        for k in range(WIDTH):
            share = lifted_exponential(scores[k] - tops[k])
            is_truth = label[k] == c
            part[k] += 0 if is_truth else share
            shares[k] = share if is_truth else shares[k]
        run += 1
        if run == RUN:
            run = 0
            for k in range(WIDTH):
                tails[k] += part[k]
                part[k] = 0
    for k in range(WIDTH):
        tails[k] += part[k]


@compiled
def losses(
    x: Any, target: Any, ignored: int, wrong: Any, out: Any, notes: Any, start: int, stop: int
) -> None:
    """Losses of tiles number ``start`` to ``stop``, and the notes of :mod:`_hard_rows`."""
    items, classes = x.shape[2], x.shape[1]
    across = (items + WIDTH - 1) // WIDTH
    tile = np.zeros((classes, WIDTH), notes.dtype)
    lanes = np.zeros((3, WIDTH), notes.dtype)
    tops, part, shares = lanes[0], lanes[1], lanes[2]
    tails, label = np.zeros(WIDTH), np.zeros(WIDTH, np.int32)
    for number in range(start, stop):
        n, first = number // across, number % across * WIDTH
        width = min(WIDTH, items - first)
        gather(x, n, first, width, tile)
        _read_labels(target[n, first : first + width], ignored, classes, wrong, label)
        _tops(tile, tops)
        _sums(tile, tops, label, part, tails, shares)
        for k in range(width):
            if label[k] < 0:
                out[n, first + k] = 0
                continue
            share = np.float64(shares[k]) * DROP
            found = summary(tails[k] * DROP, tops[k], tile[label[k], k], share)
            out[n, first + k] = found[0]
            notes[0, n, first + k] = tops[k]
            notes[1, n, first + k] = found[1]
            notes[2, n, first + k] = found[2]


@compiled
def _has_little(factors: Any, by: Any, label: Any) -> bool:
    """Whether a factor times its scale is below the normal numbers, and would lose its digits."""
    few = 0
    for k in range(WIDTH):
        few += 1 if (label[k] >= 0) & (abs(factors[k] * by[k]) < SMALLEST) else 0
    return few > 0


@compiled
def gradient(
    x: Any, target: Any, ignored: int, wrong: Any, notes: Any, scale: Any, out: Any,
    start: int, stop: int,
) -> None:  # fmt: skip
    """Prediction minus truth, times each item's scale, tile by tile."""
    items, classes = x.shape[2], x.shape[1]
    across = (items + WIDTH - 1) // WIDTH
    tile = np.zeros((classes, WIDTH), notes.dtype)
    lanes = np.zeros((4, WIDTH), notes.dtype)
    tops, factors, truths, by = lanes[0], lanes[1], lanes[2], lanes[3]
    label, like = np.zeros(WIDTH, np.int32), out[0, 0, 0]
    for number in range(start, stop):
        n, first = number // across, number % across * WIDTH
        width = min(WIDTH, items - first)
        gather(x, n, first, width, tile)
        _read_labels(target[n, first : first + width], ignored, classes, wrong, label)
        for k in range(width):
            tops[k] = notes[0, n, first + k]
            factors[k] = notes[1, n, first + k] * notes.dtype.type(DROP)
            truths[k] = -notes[2, n, first + k]
            by[k] = scale[n, first + k]
        is_little = _has_little(factors, by, label)
        if not is_little:
            for k in range(WIDTH):
                factors[k], truths[k] = factors[k] * by[k], truths[k] * by[k]
        for c in range(classes):
            scores = tile[c]
            for k in range(WIDTH):
                slope = lifted_exponential(scores[k] - tops[k]) * factors[k]
                slope = truths[k] if label[k] == c else slope
                scores[k] = slope if label[k] >= 0 else 0
            if is_little:
                for k in range(WIDTH):
                    scores[k] *= by[k]
        part = out[n, :, first : first + width]
        for c in range(classes):
            scores, line = tile[c], part[c]
            for k in range(width):
                line[k] = rounded(scores[k], like)
