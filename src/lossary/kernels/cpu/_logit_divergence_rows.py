"""Kullback-Leibler divergence of two softmaxes, compiled: row by row, in float64.

With ``u`` the difference of the scores less its mean under p, ``log(q / p) = u - D``, where the
divergence D is the difference of the log-sums less that mean; and, where the two are nearly equal,
``log1p(sum p (exp u - 1 - u))``, whose terms have one sign. Differences are taken from that of p's
leader: scores of any size cancel exactly.
"""

from typing import Any

import numpy as np

from lossary.kernels.cpu._numbers import (
    compiled,
    exponential,
    inlined,
    reordered,
    rounded,
    widened,
)
from lossary.kernels.cpu._row_sums import largest
from lossary.kernels.cpu._soft_rows import first_place

# What the gradients need of a row: highest score and 1 / sum of both, the leader's difference,
# the mean difference from it, the divergence, and the mass that q rules out (-1 if none).
NOTES = 8
# Below this divergence, and this log-ratio, differences lose digits that their series keep.
NEAR = 1e-2


@reordered
def _sum(row: Any, top: float) -> float:
    total = 0.0
    for k in range(row.shape[0]):
        total += exponential(np.float64(widened(row[k])) - top)
    return total


@reordered
def _means(x: Any, y: Any, top: float, level: float) -> tuple[float, float, float]:
    """Differences from the leader's under exp(x - top), that mass, and what y rules out."""
    moved = held = lost = 0.0
    for k in range(x.shape[0]):
        a, b = np.float64(widened(x[k])), np.float64(widened(y[k]))
        share = exponential(a - top)
        shared = (share > 0) & (b > -np.inf)
        moved += share * ((b - a) - level) if shared else 0.0
        held += share if shared else 0.0
        lost += share if b == -np.inf else 0.0
    return moved, held, lost


@compiled
def _is_ruled_out(x: Any, y: Any) -> bool:
    """Whether q rules out what p does not, be it ever so unlikely."""
    found = 0
    for k in range(x.shape[0]):
        found += 1 if (widened(y[k]) == -np.inf) & (widened(x[k]) > -np.inf) else 0
    return found > 0


@compiled
def _rise(x: Any, y: Any, top: float, unit: float, level: float, mean: float) -> float:
    """``sum p (exp u - 1 - u)``, and all of q where p has nothing: for rows nearly equal."""
    total, log_unit = 0.0, np.log(unit)
    for k in range(x.shape[0]):
        a, b = np.float64(widened(x[k])), np.float64(widened(y[k]))
        if a == -np.inf:
            total += np.exp(b - top - level - mean + log_unit)
            continue
        p, u = np.exp(a - top) * unit, ((b - a) - level) - mean
        if abs(u) < NEAR:
            # u^2 / 2 + ... + u^8 / 8!: the next term is below the last digit.
            term = 1 + u / 3 * (1 + u / 4 * (1 + u / 5 * (1 + u / 6 * (1 + u / 7 * (1 + u / 8)))))
            total += p * (u * u / 2 * term)
        else:
            total += np.exp(b - top - level - mean + log_unit) - p - p * u
    return total


@compiled
def losses(x: Any, y: Any, out: Any, notes: Any, start: int, stop: int) -> None:
    """The divergence of rows, and the notes of their gradients."""
    for i in range(start, stop):
        p, q = x[i], y[i]
        top_p, top_q = np.float64(largest(p)), np.float64(largest(q))
        leader = max(0, first_place(p, top_p))
        level = np.float64(widened(q[leader])) - top_p
        level = np.float64(0) if level == -np.inf else level
        sum_p, sum_q = _sum(p, top_p), _sum(q, top_q)
        moved, held, lost = _means(p, q, top_p, level)
        mean = moved / held if held > 0 else 0.0
        found = ((top_q - top_p) - level) + np.log(sum_q / sum_p) - mean
        gone = lost / sum_p if lost > 0 or _is_ruled_out(p, q) else -1.0
        if gone < 0 and found < NEAR:
            found = np.log1p(_rise(p, q, top_p, 1 / sum_p, level, mean))
        out[i] = np.inf if gone >= 0 else found
        notes[0, i], notes[1, i], notes[2, i], notes[3, i] = top_p, 1 / sum_p, top_q, 1 / sum_q
        notes[4, i], notes[5, i], notes[6, i], notes[7, i] = level, mean, found, gone


@inlined
def _apart(p: float, q: float, d: float) -> float:
    """``q - p = p (exp d - 1)`` for d = log(q / p): by its series where it is small."""
    series = d * (1 + d / 2 * (1 + d / 3 * (1 + d / 4 * (1 + d / 5 * (1 + d / 6)))))
    return p * series if abs(d) < NEAR else q - p


@compiled
def truth_slope(x: Any, y: Any, notes: Any, scale: Any, out: Any, start: int, stop: int) -> None:
    """``-p u``, times each row's scale; an infinite term passes none."""
    like = out[0, 0]
    for i in range(start, stop):
        p, q, slope, by = x[i], y[i], out[i], scale[i]
        top, unit, level = notes[0, i], notes[1, i], notes[4, i]
        # An infinite row keeps the slope of its finite terms alone.
        gone = notes[7, i]
        below = notes[5, i] if gone < 0 else notes[5, i] + gone * notes[6, i]
        for k in range(p.shape[0]):
            a, b = np.float64(widened(p[k])), np.float64(widened(q[k]))
            mass = exponential(a - top) * unit
            u = ((b - a) - level) - below
            u = u if b > -np.inf else (1 - gone) * notes[6, i]
            slope[k] = rounded(0.0 if mass == 0 else -mass * u * by, like)


@compiled
def belief_slope(x: Any, y: Any, notes: Any, scale: Any, out: Any, start: int, stop: int) -> None:
    """``q - p``, times each row's scale; an infinite term passes none."""
    like = out[0, 0]
    for i in range(start, stop):
        p, q, slope, by = x[i], y[i], out[i], scale[i]
        top_p, unit_p, top_q, unit_q = notes[0, i], notes[1, i], notes[2, i], notes[3, i]
        level, below, gone = notes[4, i], notes[5, i] + notes[6, i], notes[7, i]
        for k in range(p.shape[0]):
            a, b = np.float64(widened(p[k])), np.float64(widened(q[k]))
            mass, belief = exponential(a - top_p) * unit_p, exponential(b - top_q) * unit_q
            d = ((b - a) - level) - below
            found = _apart(mass, belief, d)
            found = belief * (1 - gone) - mass if gone >= 0 else found
            found = belief * (1 - max(gone, 0.0)) if mass == 0 else found
            slope[k] = rounded(0.0 if b == -np.inf else found * by, like)
