"""The sum of a row's exponentials without one of them, in plain loops over few entries at a time.

The compiler makes vector code of exponentials that are stored, and of a sum over whole vectors with
its parts in registers; of a maximum it does not, for NaN's sake, but of whole numbers in the same
order it does.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from lossary.kernels.cpu._numbers import (
    DROP,
    compiled,
    inlined,
    lifted_exponential,
    reordered,
    widened,
)

# A sum is taken over a multiple of this, filled up with zeros: no entry is left for scalars.
WHOLE = 64
# As many exponentials as stay in the nearest cache.
TOGETHER = 4096


def _bits(like: Any) -> tuple[Any, Any, Any]:
    """The formats of a float's bits: numba's, LLVM's, and the float's own in LLVM."""
    if like in (types.float32, types.int32):
        return types.int32, ir.IntType(32), ir.FloatType()
    return types.int64, ir.IntType(64), ir.DoubleType()


def _turned(builder: Any, bits: Any, whole: Any) -> Any:
    """Bits of a float in the order of whole numbers, or back: below zero all but the sign turn."""
    sign = builder.ashr(bits, whole(whole.width - 1))
    return builder.xor(bits, builder.and_(sign, whole(2 ** (whole.width - 1) - 1)))


@intrinsic
def _in_order(typing_context: Any, value: Any) -> Any:
    """A whole number that is larger where the float is; NaN without a sign is the largest."""
    kind, whole, _ = _bits(value)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _turned(builder, builder.bitcast(args[0], whole), whole)

    return kind(value), generate


@intrinsic
def _as_float(typing_context: Any, value: Any) -> Any:
    """The float that such a whole number stands for."""
    _, whole, number = _bits(value)
    kind = types.float32 if value == types.int32 else types.float64

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(_turned(builder, args[0], whole), number)

    return kind(value), generate


@inlined
def filled(count: int) -> int:
    """How many entries are added where there are ``count``."""
    return (count + WHOLE - 1) // WHOLE * WHOLE


@inlined
def room(classes: int, like: Any) -> Any:
    """Where the exponentials of a row's parts are put."""
    return np.zeros(filled(min(classes, TOGETHER)), like)


@compiled
def largest(row: Any) -> Any:
    """The highest score of a row: NaN of NaN."""
    like = widened(row[0])
    best = _in_order(like)
    for j in range(row.shape[0]):
        here = _in_order(widened(row[j]))
        best = here if here > best else best
    return _as_float(best)


@compiled
def sum_of_others(row: Any, left_out: int, top: Any, odds: Any) -> float:
    """The sum of ``exp(x - top)`` over a row but for one entry, added in float64."""
    found = 0.0
    for start in range(0, row.shape[0], TOGETHER):
        part = row[start : start + TOGETHER]
        count = part.shape[0]
        for j in range(count):
            odds[j] = lifted_exponential(widened(part[j]) - top)
        if start and count < TOGETHER:  # zeros are there from the start; now they were written to
            odds[count:] = 0
        if start <= left_out < start + count:
            odds[left_out - start] = 0
        found += total(odds)
    return found * DROP


@reordered
def total(odds: Any) -> float:
    """The sum of stored exponentials, in float64."""
    found = 0.0
    for j in range(odds.shape[0]):
        found += odds[j]
    return found
