"""What every kernel is made of: exponentials, logarithms and series, right to a few last places.

Triton's own ``exp`` of float32 multiplies by log2(e) first and so loses a digit for every factor
of ten of its argument; its float64 functions are the vendor's exact ones. Constants are written
as Python numbers, which Triton takes in the dtype of the tensor beside them.
"""

import math
import os

import triton
import triton.language as tl

# Exponentials come 2**32 times too large: a sum of numbers below the normal ones may be normal.
LIFTED, DROP = tl.constexpr(2.0**32), tl.constexpr(2.0**-32)
LIFT = tl.constexpr(32)
# Below this even the lifted exponential is below the smallest normal float32.
LOWEST = tl.constexpr(-109.517)
# Added to a small number, 1.5 * 2**23 leaves the nearest whole number in the sum's last bits.
ROUNDER = tl.constexpr(12582912.0)
LOG2E = tl.constexpr(1.4426950408889634)
# ln 2 in two parts, the first short enough that its multiples are exact.
LN2_HIGH, LN2_LOW = tl.constexpr(0.693359375), tl.constexpr(math.log(2) - 0.693359375)
# Below this, exp(x) - 1 - x is summed as its series; above it the difference keeps its digits.
NEAR = tl.constexpr(0.3)
INF = tl.constexpr(math.inf)
LOWEST_FLOAT = tl.constexpr(-3.4028234663852886e38)
# Triton's interpreter cuts bfloat16 off where a GPU rounds to the nearest.
CUTS_OFF = tl.constexpr(os.environ.get("TRITON_INTERPRET") == "1")


@triton.jit
def widened(x, WIDE: tl.constexpr):
    """A stored number as float64 where slopes cancel, else as float32."""
    return x.to(tl.float64) if WIDE else x.to(tl.float32)


@triton.jit
def rounded(x, slope):
    """A computed number in the format that a pointer stores, rounded to the nearest even."""
    kind: tl.constexpr = slope.dtype.element_ty
    if CUTS_OFF and kind == tl.bfloat16:
        bits = x.to(tl.float32).to(tl.int32, bitcast=True)
        nearest = bits + 0x7FFF + ((bits >> 16) & 1)
        x = tl.where(x == x, nearest.to(tl.float32, bitcast=True), x)
    return x.to(kind)


@triton.jit
def lifted_exponential(x):
    """Exp of a number that is not positive, times 2**32; 0 of -inf, NaN of NaN."""
    if x.dtype == tl.float64:
        return tl.exp(x) * LIFTED
    else:
        shifted = x * LOG2E + ROUNDER
        n = shifted - ROUNDER
        r = (x - n * LN2_HIGH) - n * LN2_LOW
        bits = (shifted.to(tl.int32, bitcast=True) << 23) + ((127 + LIFT) << 23)
        # For |r| <= ln 2 / 2 the hardware's exp2 is right to two last places.
        found = tl.exp2(r * LOG2E) * bits.to(tl.float32, bitcast=True)
        return tl.where(x < LOWEST, 0.0, found)


@triton.jit
def exponential(x):
    """Exp of a number that is not positive."""
    return tl.exp(x) if x.dtype == tl.float64 else lifted_exponential(x) * DROP


@triton.jit
def log1p(u):
    """``log(1 + u)`` for u above -1: what rounding 1 + u loses is added back."""
    total = 1 + u
    lost = u - (total - 1)
    return tl.log(total) + tl.where(total == INF, 0.0, lost / total)


@triton.jit
def near_gap(x):
    """``exp(x) - 1 - x`` for ``|x| < NEAR``, from its series: no digit is cancelled."""
    total = x * 0 + 1
    if x.dtype == tl.float64:
        for k in tl.static_range(14, 2, -1):
            total = 1 + x * total * (1.0 / k)
    else:
        for k in tl.static_range(8, 2, -1):
            total = 1 + x * total * (1.0 / k)
    return x * x * total * 0.5


@triton.jit
def exp_gap(x):
    """``exp(x) - 1 - x`` of a number that is at most 1."""
    near = tl.abs(x) < NEAR
    return tl.where(near, near_gap(tl.where(near, x, 0.0)), _bounded_exp(x) - 1 - x)


@triton.jit
def expm1(x):
    """``exp(x) - 1`` of a number that is at most 1; -1 of -inf."""
    near = tl.abs(x) < NEAR
    small = tl.where(near, x, 0.0)
    return tl.where(near, small + near_gap(small), _bounded_exp(x) - 1)


@triton.jit
def _bounded_exp(x):
    # One below the argument, so that the exponential of a number up to 1 is that of no positive.
    return exponential(x - 1) * 2.718281828459045
