"""What the compiled kernels of small tensors share.

Each answers 0, or ``DECLINED`` where a target is wrong or the loops are not made for it: then
nothing that was written counts, and the slower way, which can explain itself, takes over. A
``slope_at`` of 0 asks for no slope. All is computed in float64 and rounded once, as the slower way
does for float32: the two differ in the last digit at most. The slower way of float64 and of half
precision computes in float64 and in float32, and agrees as far as that reaches.
"""

from typing import Any

import numpy as np
from numba import carray

from lossary.kernels.cpu._address import at
from lossary.kernels.cpu._numbers import compiled, reordered, widened

NONE, MEAN, SUM = 0, 1, 2
DECLINED = 1


@reordered
def has_nan(values: Any) -> bool:
    """Whether one of them is no number."""
    wrong = 0
    for k in range(values.shape[0]):
        value = widened(values[k])
        wrong += 1 if value != value else 0
    return wrong > 0


@compiled
def wide_copy(address: int, like: Any, count: int) -> Any:
    """So many numbers of memory, as float64."""
    given, wide = carray(at(address, like), (count,)), np.empty(count)
    for k in range(count):
        wide[k] = widened(given[k])
    return wide
