"""What every kernel is made of: formats widened on load, rounded on store, and exp.

numpy knows no bfloat16, so half precision reaches a kernel as the bits torch stores: int16
stands for bfloat16, uint16 for float16.
"""

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, overload

# Contraction is FMA; NaN and infinity keep their meaning. Division by zero is infinity here.
EXACT = {"contract", "nsz"}


# ln 2 in two parts, the first short enough that its multiples are exact.
LN2_HIGH_32, LN2_LOW_32 = np.float32(0.693359375), np.float32(math.log(2) - 0.693359375)
LN2_HIGH_64 = float.fromhex("0x1.62e42fee00000p-1")
LN2_LOW_64 = float.fromhex("0x1.a39ef35793c76p-33")
# Exponentials come 2**32 times too large: a sum of numbers below the normal ones may be normal.
LIFT, DROP = 32, 2.0**-32
# Below these even the lifted exponential is below the smallest normal number.
LOWEST_32, LOWEST_64 = np.float32(-109.517), -730.577
# exp r as its series, |r| <= ln 2 / 2: r^8 / 8! and r^14 / 14! are below half a last place.
SERIES_32 = tuple(np.float32(1 / math.factorial(k)) for k in range(8))
SERIES_64 = tuple(1 / math.factorial(k) for k in range(14))

_HALF_FORMATS = (types.int16, types.uint16)


Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile a kernel, without Python's lock; the result is kept on disk."""
    return _compiled(function, fastmath=EXACT)


def inlined(function: Function) -> Function:
    """The same for the mathematics of one entry: only inside a loop does it become vector code."""
    return _compiled(function, fastmath=EXACT, forceinline=True)


def reordered(function: Function) -> Function:
    """The same for sums whose terms may be added in any order."""
    return _compiled(function, fastmath=EXACT | {"reassoc"})


def _compiled(function: Function, **flags: Any) -> Function:
    made: Function
    try:
        made = njit(nogil=True, cache=True, error_model="numpy", **flags)(function)
    except RuntimeError:  # nowhere to keep it: no folder here, or for this user, can be written
        made = njit(nogil=True, error_model="numpy", **flags)(function)
    return made


@intrinsic
def widened(typing_context: Any, value: Any) -> Any:
    """A stored number as float32 or float64."""
    if value not in _HALF_FORMATS:
        return value(value), lambda context, builder, signature, args: args[0]

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if value == types.uint16:
            return builder.fpext(builder.bitcast(args[0], ir.HalfType()), ir.FloatType())
        bits = builder.shl(builder.zext(args[0], ir.IntType(32)), ir.IntType(32)(16))
        return builder.bitcast(bits, ir.FloatType())

    return types.float32(value), generate


@intrinsic
def rounded(typing_context: Any, value: Any, like: Any) -> Any:
    """A computed number in the format in which ``like`` is stored, rounded to nearest even."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if like not in _HALF_FORMATS:
            return context.cast(builder, args[0], value, like)
        number = context.cast(builder, args[0], value, types.float32)
        if like == types.uint16:
            return builder.bitcast(builder.fptrunc(number, ir.HalfType()), ir.IntType(16))
        whole = ir.IntType(32)
        bits = builder.bitcast(number, whole)
        odd = builder.and_(builder.lshr(bits, whole(16)), whole(1))
        nearest = builder.add(bits, builder.add(odd, whole(0x7FFF)))
        quiet = builder.or_(bits, whole(0x400000))
        is_nan = builder.fcmp_unordered("uno", number, number)
        kept = builder.select(is_nan, quiet, nearest)
        return builder.trunc(builder.lshr(kept, whole(16)), ir.IntType(16))

    return like(value, like), generate


@intrinsic
def _lifted_power_of_two(typing_context: Any, exponent: Any, like: Any) -> Any:
    """2 to a whole exponent plus 32; the result must be a normal number."""
    width, bias, shift = (32, 127 + LIFT, 23) if like == types.float32 else (64, 1023 + LIFT, 52)
    number = ir.FloatType() if like == types.float32 else ir.DoubleType()

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        whole = ir.IntType(width)
        bits = builder.shl(builder.add(args[0], whole(bias)), whole(shift))
        return builder.bitcast(bits, number)

    return like(exponent, like), generate


@intrinsic
def larger(typing_context: Any, a: Any, b: Any) -> Any:
    """The larger of two numbers; a NaN in ``a`` is passed over."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", args[0], args[1]), args[0], args[1])

    return (a if a == b else types.undefined)(a, b), generate


def lifted_exponential(x: float) -> float:
    """Exp of a number that is not positive, times 2**32; NaN of NaN."""
    return math.exp(x) / DROP


@overload(lifted_exponential, jit_options={"fastmath": EXACT, "forceinline": True})
def _lifted_exponential(x: Any) -> Any:
    return _exponential_32 if x == types.float32 else _exponential_64


def _exponential_32(x: Any) -> Any:
    n = np.rint(x * np.float32(1.4426950408889634))
    r = (x - n * LN2_HIGH_32) - n * LN2_LOW_32
    c = SERIES_32
    series = (((c[7] * r + c[6]) * r + c[5]) * r + c[4]) * r + c[3]
    series = ((series * r + c[2]) * r + c[1]) * r + c[0]
    small = x < LOWEST_32
    scale = _lifted_power_of_two(np.int32(0) if small else np.int32(n), np.float32(0))
    return np.float32(0) if small else series * scale


def _exponential_64(x: Any) -> Any:
    n = np.rint(x * 1.4426950408889634)
    r = (x - n * LN2_HIGH_64) - n * LN2_LOW_64
    c = SERIES_64
    series = (((c[13] * r + c[12]) * r + c[11]) * r + c[10]) * r + c[9]
    series = ((((series * r + c[8]) * r + c[7]) * r + c[6]) * r + c[5]) * r + c[4]
    series = (((series * r + c[3]) * r + c[2]) * r + c[1]) * r + c[0]
    small = x < LOWEST_64
    scale = _lifted_power_of_two(np.int64(0) if small else np.int64(n), 0.0)
    return 0.0 if small else series * scale


@inlined
def exponential(x: float) -> float:
    """Exp of a float64 that is not positive."""
    return lifted_exponential(x) * DROP
