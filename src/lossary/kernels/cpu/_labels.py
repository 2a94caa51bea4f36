"""Labels in compiled loops: one that names no class touches nothing, and is refused afterwards.

Value checks may be off, and a label may be written to between forward and backward; compiled code
has no bounds of its own.
"""

from typing import Any

import numpy as np
from torch import Tensor

from lossary.core.class_indices import refuse_wrong_indices
from lossary.kernels.cpu._numbers import inlined


@inlined
def counts(label: int, ignored: int, classes: int, wrong: Any) -> bool:
    """Whether an item counts; a label that names no class is noted, and does not."""
    if label == ignored:
        return False
    if 0 <= label < classes:
        return True
    wrong[0] = 1
    return False


def none_wrong() -> "np.ndarray[Any, Any]":
    """Where loops note that they met a label that names no class."""
    return np.zeros(1, np.int64)


def refuse(wrong: "np.ndarray[Any, Any]", where: str, target: Tensor, *limits: int) -> None:
    """Raise if the loops noted one; the limits are the number of classes and what is ignored."""
    if wrong[0]:
        refuse_wrong_indices(where, target, *limits)
