"""Cross-entropy against mass spread over classes, compiled: given row by row, or as labels.

The slope is a difference that cancels near the optimum, so scores are taken in float64. The
leader of a row, its highest score, is left out of every sum: next to it the rest would drown.
A label stands for the row of mass that has 1 there; ``kept`` and ``spread`` smooth either.
"""

from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

from lossary.kernels.cpu._labels import counts
from lossary.kernels.cpu._numbers import (
    compiled,
    exponential,
    reordered,
    rounded,
    widened,
)
from lossary.kernels.cpu._row_sums import largest

# Entries compared at a time; of fewer, a row is gone through one by one.
LANES = 64
# What the gradient needs of an item: leader, highest score, the rest's odds, all mass, the rest's.
NOTES = 5


def _part(own: Any, first: int, last: int) -> Any:
    """Part of a row's mass."""


@overload(_part, strict=False)
def _part_of(own: Any, first: Any, last: Any) -> Any:
    if isinstance(own, types.Array):
        return lambda own, first, last: own[first:last]
    return lambda own, first, last: own - first


def _at(own: Any, k: int) -> Any:
    """The mass of one class."""


@overload(_at, strict=False)
def _at_of(own: Any, k: Any) -> Any:
    if isinstance(own, types.Array):
        return lambda own, k: np.float64(widened(own[k]))
    return lambda own, k: 1.0 if own == k else 0.0


def _counts(own: Any, ignored: int, classes: int, wrong: Any) -> Any:
    """Whether the item counts."""


@overload(_counts, strict=False)
def _counts_of(own: Any, ignored: Any, classes: Any, wrong: Any) -> Any:
    if isinstance(own, types.Array):
        return lambda own, ignored, classes, wrong: True
    return lambda own, ignored, classes, wrong: counts(own, ignored, classes, wrong)


@compiled
def first_place(row: Any, top: float) -> int:
    """Where a number stands first; -1 if nowhere."""
    for start in range(0, row.shape[0], LANES):
        part = row[start : start + LANES]
        hits = 0
        for k in range(part.shape[0]):
            hits += 1 if widened(part[k]) == top else 0
        if hits:
            for k in range(part.shape[0]):
                if widened(part[k]) == top:
                    return start + k
    return -1


@reordered
def _sums(row: Any, own: Any, weight: Any, kept: float, spread: float, top: float) -> Any:
    """Sums of exponentials, of mass times fall, and of mass, over part of a row."""
    odds = falls = total = 0.0
    for k in range(row.shape[0]):
        fall = top - np.float64(widened(row[k]))
        mass = weight[k] * (kept * _at(own, k) + spread)
        odds += exponential(-fall)
        falls += 0.0 if mass == 0 else mass * fall
        total += mass
    return odds, falls, total


@compiled
def _short_sums(row: Any, own: Any, weight: Any, kept: float, spread: float) -> Any:
    """Leader, highest score and the three sums of a row that is over before lanes are filled."""
    leader, top = 0, -np.inf
    for k in range(row.shape[0]):
        score = np.float64(widened(row[k]))
        if score > top:
            leader, top = k, score
    odds = falls = rest = 0.0
    for k in range(row.shape[0]):
        fall = top - np.float64(widened(row[k]))
        mass = weight[k] * (kept * _at(own, k) + spread)
        # Where the leader is infinite its own fall is no number.
        is_leader = k == leader
        odds += 0.0 if is_leader else exponential(-fall)
        falls += 0.0 if is_leader or mass == 0 else mass * fall
        rest += 0.0 if is_leader else mass
    return leader, top, odds, falls, rest


@compiled
def _long_sums(row: Any, own: Any, weight: Any, kept: float, spread: float) -> Any:
    """The same of a row of any length."""
    top = np.float64(largest(row))
    leader = max(0, first_place(row, top))
    after, classes = leader + 1, row.shape[0]
    low = _sums(row[:leader], _part(own, 0, leader), weight[:leader], kept, spread, top)
    high = _sums(row[after:], _part(own, after, classes), weight[after:], kept, spread, top)
    return leader, top, low[0] + high[0], low[1] + high[1], low[2] + high[2]


@compiled
def losses(
    x: Any, mass: Any, ignored: int, wrong: Any, weight: Any, kept: float, spread: float,
    out: Any, notes: Any, start: int, stop: int,
) -> None:  # fmt: skip
    """Losses of rows, and the notes of their gradient."""
    for i in range(start, stop):
        row, own = x[i], mass[i]
        if not _counts(own, ignored, row.shape[0], wrong):
            out[i] = 0
            notes[:, i] = 0
            continue
        if row.shape[0] < LANES:
            found = _short_sums(row, own, weight, kept, spread)
        else:
            found = _long_sums(row, own, weight, kept, spread)
        leader, top, odds, falls, rest = found
        total = rest + weight[leader] * (kept * _at(own, leader) + spread)
        out[i] = total * np.log1p(odds) + falls
        notes[0, i], notes[1, i], notes[2, i] = leader, top, odds
        notes[3, i], notes[4, i] = total, rest


@compiled
def gradient(
    x: Any, mass: Any, ignored: int, wrong: Any, weight: Any, kept: float, spread: float,
    notes: Any, scale: Any, out: Any, start: int, stop: int,
) -> None:  # fmt: skip
    """All mass times the prediction, minus the mass, times each row's scale."""
    like = out[0, 0]
    for i in range(start, stop):
        row, own, slope, by = x[i], mass[i], out[i], scale[i]
        if not _counts(own, ignored, row.shape[0], wrong):
            for k in range(row.shape[0]):
                slope[k] = rounded(0.0, like)
            continue
        leader, top, odds = int(notes[0, i]), notes[1, i], notes[2, i]
        unit = notes[3, i] / (1 + odds)
        for k in range(row.shape[0]):
            p = exponential(np.float64(widened(row[k])) - top) * unit
            slope[k] = rounded((p - weight[k] * (kept * _at(own, k) + spread)) * by, like)
        slope[leader] = rounded((notes[4, i] - unit * odds) * by, like)
