"""Logarithms that become vector code: every digit, near 1 and near 0 too."""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from lossary.kernels.cpu._numbers import LN2_HIGH_64, LN2_LOW_64, inlined

# atanh s = s (1 + s^2 / 3 + s^4 / 5 + ...).
ODD = tuple(1 / (2 * k + 1) for k in range(16))
ODD_32 = tuple(np.float32(1 / (2 * k + 1)) for k in range(8))


@intrinsic
def _exponent_and_fraction(typing_context: Any, x: Any) -> Any:
    """A positive normal float64 as ``2**k * m`` with m from sqrt(1/2) to sqrt(2)."""
    pair = types.UniTuple(types.float64, 2)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        whole = ir.IntType(64)
        bits = builder.bitcast(args[0], whole)
        # The bits of sqrt(1/2): what lies above them is 2**k times a fraction from there on.
        above = builder.sub(bits, whole(0x3FE6A09E667F3BCD))
        k = builder.ashr(above, whole(52))
        fraction = builder.sub(bits, builder.shl(k, whole(52)))
        parts = [builder.sitofp(k, ir.DoubleType()), builder.bitcast(fraction, ir.DoubleType())]
        return context.make_tuple(builder, pair, parts)

    return pair(x), generate


@inlined
def logarithm(x: float) -> Any:
    """Log of a positive normal float64, to its last digits."""
    k, m = _exponent_and_fraction(x)
    s = (m - 1) / (m + 1)
    return k * LN2_HIGH_64 + (k * LN2_LOW_64 + 2 * s * _odd_series(s * s))


@inlined
def log1p_of_unit_32(u: Any) -> Any:
    """The same to float32's last digit."""
    s = u / (np.float32(2) + u)
    q = s * s
    series = ((ODD_32[7] * q + ODD_32[6]) * q + ODD_32[5]) * q + ODD_32[4]
    series = (((series * q + ODD_32[3]) * q + ODD_32[2]) * q + ODD_32[1]) * q + ODD_32[0]
    return np.float32(2) * s * series


@inlined
def log1p_of_unit(u: float) -> float:
    """``log(1 + u)`` for u from 0 to 1: small u keeps its digits."""
    return _twice_atanh(u / (2 + u))


@inlined
def minus_log1m(p: float) -> float:
    """``-log(1 - p)`` for p from 0 to 1: small p keeps its digits."""
    # From 1/2 on 1 - p is exact, and the series would want more terms.
    small, large = _twice_atanh(p / (2 - p)), -logarithm(max(1 - p, 2.0**-60))
    found = small if p < 0.5 else large
    return np.inf if p == 1 else found


@inlined
def _twice_atanh(s: float) -> float:
    """``2 atanh s`` for s from 0 to 1/3."""
    q = s * s
    high = q * q
    high = high * high * q
    high = high * high * q
    tail = (((ODD[15] * q + ODD[14]) * q + ODD[13]) * q + ODD[12]) * q + ODD[11]
    return 2 * s * (_odd_series(q) + high * tail)


@inlined
def _odd_series(q: float) -> float:
    """``1 + q/3 + q^2/5 + ... + q^10/21``: atanh(s) / s at q = s^2."""
    series = ((ODD[10] * q + ODD[9]) * q + ODD[8]) * q + ODD[7]
    series = ((series * q + ODD[6]) * q + ODD[5]) * q + ODD[4]
    return (((series * q + ODD[3]) * q + ODD[2]) * q + ODD[1]) * q + ODD[0]
