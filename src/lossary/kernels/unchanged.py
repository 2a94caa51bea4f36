"""Targets and weights that a backward reads again: they must be what forward was given.

Autograd looks after the tensors that are saved for it. What travels in a loss's options, as the
weights of the classes do, is looked after here.
"""

from collections.abc import Iterable
from typing import Any

from torch import Tensor

from lossary.core.errors import teach

Versions = list[tuple[Tensor, int]]


def versions(values: Iterable[Any]) -> Versions:
    """The tensors among some values, each with the count of its changes so far."""
    tensors = (t for t in values if isinstance(t, Tensor) and not t.is_inference())
    return [(t, t._version) for t in tensors]


def check_unchanged(noted: Versions) -> None:
    """Refuse a gradient of what has been written to since."""
    for t, version in noted:
        if t._version != version:
            came = (
                f"a target or weight of shape {list(t.shape)} has been modified by an inplace"
                f" operation: it is at version {t._version}, expected version {version}"
            )
            expected = "the tensor that the loss was computed with"
            fix = "write to a copy: target.clone(), or call backward() first"
            cause = "labels or weights that are updated between loss and backward"
            raise RuntimeError(teach("backward of a loss", came, expected, cause, fix))
