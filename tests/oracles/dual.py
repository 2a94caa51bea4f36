"""Numbers of arbitrary precision that carry their own derivatives.

A ``Dual`` is a value and its slope with respect to every input entry it depends on. An
oracle is then the textbook formula of a loss and nothing else: no rearranging against
cancellation, because the working precision is far beyond any cancellation, and no gradient
written by hand, because the chain rule is applied entry by entry.
"""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
from mpmath import mp, mpf
from torch import Tensor

# The smallest normal float64, 2e-308, must keep 50 digits as a tail beside 1.
DIGITS = 360
mp.dps = max(mp.dps, DIGITS)

# (position of the tensor in the call, flat index of the entry in it)
Entry = tuple[int, int]
Slopes = dict[Entry, Any]

ZERO, ONE = mpf(0), mpf(1)
INF = mpf("inf")


class Dual:
    """A value with its slopes; arithmetic follows the chain rule."""

    __slots__ = ("slopes", "value")

    def __init__(self, value: Any, slopes: Slopes | None = None) -> None:
        self.value = value if isinstance(value, mpf) else mpf(value)
        self.slopes = slopes or {}

    def chain(self, value: Any, slope: Any) -> Dual:
        """``f(self)``, from ``f``'s value and derivative here; a zero derivative cuts the chain."""
        if slope == 0:
            return Dual(value)
        return Dual(value, {e: s * slope for e, s in self.slopes.items()})

    def __add__(self, other: Any) -> Dual:
        o = as_dual(other)
        slopes = dict(self.slopes)
        for e, s in o.slopes.items():
            slopes[e] = slopes[e] + s if e in slopes else s
        return Dual(self.value + o.value, slopes)

    def __mul__(self, other: Any) -> Dual:
        o = as_dual(other)
        left = self.chain(ZERO, o.value)
        return left + o.chain(times(self.value, o.value), self.value)

    def __neg__(self) -> Dual:
        return Dual(-self.value, {e: -s for e, s in self.slopes.items()})

    def __sub__(self, other: Any) -> Dual:
        return self + (-as_dual(other))

    def __rsub__(self, other: Any) -> Dual:
        return as_dual(other) - self

    def __truediv__(self, other: Any) -> Dual:
        o = as_dual(other)
        return self * o.chain(ONE / o.value, -ONE / o.value**2)

    __radd__ = __add__
    __rmul__ = __mul__


def times(a: Any, b: Any) -> Any:
    """The product in which 0 times anything is 0, as for a term that is not there."""
    return ZERO if a == 0 or b == 0 else a * b


def as_dual(x: Any) -> Dual:
    """A constant is a dual without slopes."""
    return x if isinstance(x, Dual) else Dual(mpf(x))


def exp(x: Any) -> Dual:
    """Exponential; of -inf it is 0."""
    d = as_dual(x)
    e = mpmath.exp(d.value)
    return d.chain(e, e)


def log(x: Any) -> Dual:
    """Logarithm; of 0 it is -inf, with an infinite slope."""
    d = as_dual(x)
    if d.value == 0:
        return d.chain(-INF, INF)
    return d.chain(mpmath.log(d.value), ONE / d.value)


def absolute(x: Any) -> Dual:
    """Absolute value; its slope at 0 is 0, as in torch."""
    d = as_dual(x)
    return d.chain(abs(d.value), mpmath.sign(d.value))


def positive_part(x: Any) -> Dual:
    """max(x, 0); its slope at 0 is 0."""
    d = as_dual(x)
    return d if d.value > 0 else Dual(ZERO)


def hinge(x: Any) -> Dual:
    """max(x, 0) as torch's ``clamp_min`` has it: its slope at 0 is 1."""
    d = as_dual(x)
    return d if d.value >= 0 else Dual(ZERO)


def power(x: Any, p: Any) -> Dual:
    """x to a constant power, for x >= 0; its slope at 0 is 0 (the subgradient torch takes)."""
    d, p = as_dual(x), mpf(p)
    if d.value == 0:
        return Dual(ZERO)
    v = d.value**p
    return d.chain(v, p * v / d.value)


def log_gamma(x: Any) -> Dual:
    """log Gamma(x) for x > 0. Digits beyond 60 are not needed here and are slow."""
    d = as_dual(x)
    with mpmath.workdps(60):
        return d.chain(mpmath.loggamma(d.value), mpmath.digamma(d.value))


def total(terms: Any) -> Dual:
    """Sum of any number of duals, in one pass."""
    value: Any = ZERO
    slopes: Slopes = {}
    for t in terms:
        d = as_dual(t)
        value = value + d.value
        for e, s in d.slopes.items():
            slopes[e] = slopes[e] + s if e in slopes else s
    return Dual(value, slopes)


def log_sum_exp(xs: Any) -> Dual:
    """log of the summed exponentials; -inf entries add nothing."""
    top = max(as_dual(x).value for x in xs)
    if mpmath.isinf(top):
        raise ValueError("no finite score: softmax is undefined here")
    summed: Dual = log(total(exp(x - top) for x in xs)) + top
    return summed


def leaves(t: Tensor, which: int) -> Any:
    """The exact entries of a tensor, as an object array whose slopes name tensor and entry."""
    flat = [mpf(v) for v in t.detach().double().reshape(-1).tolist()]
    array = np.empty(len(flat), dtype=object)
    for i, v in enumerate(flat):
        array[i] = Dual(v, {(which, i): ONE})
    return array.reshape(tuple(t.shape))


def constants(t: Tensor) -> Any:
    """The exact entries of a tensor that is not differentiated."""
    array = np.empty(t.numel(), dtype=object)
    for i, v in enumerate(t.detach().double().reshape(-1).tolist()):
        array[i] = mpf(v)
    return array.reshape(tuple(t.shape))
