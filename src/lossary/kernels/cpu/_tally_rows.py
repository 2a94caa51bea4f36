"""What a monitor adds up over rows of classes, compiled: one reading of a few rows, in float64.

A thousand rows are not worth a second pass over all of them: a call looks at every ``step``-th.
"""

import math
from typing import Any

import numpy as np
from numba import carray

from lossary.kernels import tally
from lossary.kernels.cpu._address import at
from lossary.kernels.cpu._express import DECLINED
from lossary.kernels.cpu._numbers import compiled, exponential, inlined, reordered, widened
from lossary.kernels.cpu._row_sums import largest
from lossary.kernels.cpu._soft_rows import first_place

INDEX, WIDE = np.zeros(0, np.int64), np.zeros(0, np.float64)
PARTS, LOSS_BINS, SURE_BINS = tally.PARTS, tally.LOSS_BINS, tally.SURE_BINS
LOW_LOSS, LOW_SURE = tally.LOW_LOSS, tally.LOW_SURE
SURE_AT, LOSS_AT, COLUMNS_AT = tally.SURE_AT, tally.LOSS_AT, tally.COLUMNS_AT
COLUMNS, CONFUSED = tally.COLUMNS, tally.CONFUSED
(
    EXAMPLES, IGNORED, PASSED_OVER, NAN, WEIGHT, LOSS, LOSS_SQUARED, LOSS_WEIGHT, WEIGHT_SQUARED,
    ENTROPY, DIVERGENCE, PREDICTION_ENTROPY, SATURATED, INFINITE, RIGHT,
    BRIER,
) = range(len(tally.SCALARS))  # fmt: skip


@inlined
def _bin(value: float, lowest: int, bins: int) -> int:
    """Which part of which doubling a positive number lies in."""
    if value <= 0:
        return 0
    fraction, exponent = math.frexp(value)
    place = (exponent - lowest) * PARTS + int((fraction - 0.5) * 2 * PARTS)
    return min(max(place, 0), bins - 1)


@inlined
def _sure_bin(sure: float, tail: float) -> int:
    """The lower half by the confidence itself, the upper by what it lacks of 1."""
    half = SURE_BINS // 2
    if sure <= 0.5:
        return _bin(sure, LOW_SURE, half)
    return SURE_BINS - 1 - _bin(tail, LOW_SURE, half)


@reordered
def _odds(row: Any, top: float, leader: int, odds: Any) -> tuple[float, float, float, float]:
    """The odds of all against the leader; sums of them, their squares, and their falls.

    The falls are added up weighted with the odds, and plain.
    """
    for k in range(row.shape[0]):
        odds[k] = exponential(np.float64(widened(row[k])) - top)
    odds[leader] = 0
    total = squares = weighted = plain = 0.0
    for k in range(row.shape[0]):
        fall = top - np.float64(widened(row[k]))
        total += odds[k]
        squares += odds[k] * odds[k]
        weighted += 0.0 if odds[k] == 0 else odds[k] * fall
        plain += fall
    odds[leader] = 1
    return total, squares, weighted, plain


@compiled
def _add_slopes(odds: Any, unit: float, even: float, by: float, slopes: Any) -> None:
    for k in range(odds.shape[0]):
        slopes[k] += by * abs(odds[k] * unit - even)


@compiled
def _meet(row: Any, y: int, by: float, smoothing: float, level: float, odds: Any, s: Any) -> None:
    """Add one row, whose target is ``y``; ``level`` is the entropy of a smoothed target."""
    classes = row.shape[0]
    top = np.float64(largest(row))
    leader = max(0, first_place(row, top))
    if top == -np.inf:
        odds[:] = 0
        total = fall = np.inf
        unit = doubt = plain = squares = 0.0
    else:
        total, squares, weighted, plain = _odds(row, top, leader, odds)
        unit = 1 / (1 + total)
        doubt = np.log1p(total) + weighted * unit
        fall = 0.0 if y == leader else top - np.float64(widened(row[y]))
    log_sum, even = np.log1p(total), smoothing / classes
    nats = 0.0 if by == 0 else by * (fall + log_sum)
    if smoothing > 0:
        nats = (1 - smoothing) * (fall + log_sum) + smoothing * (plain / classes + log_sum)
    if nats != nats:
        s[NAN] += 1
        return
    hit = 1.0 if y == leader else 0.0
    truth = odds[y] * unit
    lacks = total * unit if y == leader else 1 - truth
    # With all squares but that of the truth, which is near 1 where the rest is small.
    others = unit * unit * (squares + 1) - truth * truth if y != leader else unit * unit * squares
    brier = max(0.0, others) + lacks * lacks
    sure, tail = (unit, total * unit) if top > -np.inf else (0.0, 1.0)
    s[EXAMPLES] += 1
    s[WEIGHT] += by
    s[WEIGHT_SQUARED] += by * by
    s[LOSS] += nats
    s[ENTROPY] += level
    s[DIVERGENCE] += max(0.0, nats - level)
    s[PREDICTION_ENTROPY] += doubt
    s[RIGHT] += hit
    s[BRIER] += brier
    if y == leader and np.float32(1) + np.float32(total) == np.float32(1):
        s[SATURATED] += 1
    place = SURE_AT + 3 * _sure_bin(sure, tail)
    s[place] += 1
    s[place + 1] += sure
    s[place + 2] += hit
    finite = nats if nats < np.inf else 0.0
    if nats < np.inf:
        s[LOSS_SQUARED] += nats * nats
        s[LOSS_WEIGHT] += nats * by
        place = LOSS_AT + 2 * _bin(nats, LOW_LOSS, LOSS_BINS)
        s[place] += 1
        s[place + 1] += nats
    else:
        s[INFINITE] += 1
    columns = s[COLUMNS_AT : COLUMNS_AT + COLUMNS * classes].reshape((COLUMNS, classes))
    columns[0, y] += 1
    columns[1, y] += finite
    columns[2, y] += truth
    columns[3, y] += hit
    columns[4, y] += 1
    if top > -np.inf:
        slopes = columns[5]
        _add_slopes(odds[:y], unit, even, by, slopes[:y])
        _add_slopes(odds[y + 1 :], unit, even, by, slopes[y + 1 :])
        slopes[y] += by * (lacks if smoothing == 0 else abs(truth - (1 - smoothing) - even))
    masses = s[COLUMNS_AT + COLUMNS * classes :]
    masses[y] += by * (1 - smoothing)
    if smoothing > 0:
        for k in range(classes):
            masses[k] += even
    if classes <= CONFUSED:
        pairs = masses[classes:]
        pairs[y * classes + leader] += 1
        pairs[classes * classes + y * classes + leader] += nats


@compiled
def add(
    like: Any, wide: Any, x_at: int, y_at: int, weight_at: int, sums_at: int, size: int,
    rows: int, classes: int, first: int, step: int, ignored: int, smoothing: float,
) -> int:  # fmt: skip
    """Add every ``step``-th row from ``first`` on; nothing is added if a target is no class."""
    x, y = carray(at(x_at, like), (rows, classes)), carray(at(y_at, INDEX), (rows,))
    weight = carray(at(weight_at, WIDE), (classes if weight_at else 0,))
    sums = carray(at(sums_at, WIDE), (size,))
    for i in range(first, rows, step):
        if y[i] != ignored and (y[i] < 0 or y[i] >= classes):
            return DECLINED
    level = 0.0
    if smoothing > 0:
        even = smoothing / classes
        kept = 1 - smoothing + even
        level = -(classes - 1) * even * np.log(even) - (kept * np.log(kept) if kept > 0 else 0.0)
    odds, met = np.empty(classes), 0
    for i in range(first, rows, step):
        met += 1
        if y[i] == ignored:
            sums[IGNORED] += 1
            continue
        by = weight[y[i]] if weight_at else 1.0
        _meet(x[i], y[i], by, smoothing, level, odds, sums)
    sums[PASSED_OVER] += rows - met
    return 0
