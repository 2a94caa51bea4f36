"""Binary cross-entropy of logits: nothing is kept but what came.

Floor: scores and targets are read once forward; backward reads them again and writes the slope.
"""

from typing import Any

from torch import Tensor

from lossary.kernels.cpu import _entries, _logistic


def reason_against(tensors: tuple[Tensor, ...], options: dict[str, Any]) -> str | None:
    """Weights that follow neither the entries nor the last dimension."""
    return _entries.reason_against(tensors)


def losses(
    tensors: tuple[Tensor, ...], options: dict[str, Any], summed: bool
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The losses, or their sum; no notes."""
    return _entries.losses(
        _logistic, tensors[0], tensors[1], _weights(tensors, options), summed
    ), ()


def gradient(
    tensors: tuple[Tensor, ...],
    options: dict[str, Any],
    notes: tuple[Tensor, ...],
    scale: Tensor,
) -> Tensor:
    """The slope of the scores times each entry's scale, in the scores' dtype."""
    return _entries.gradient(_logistic, tensors[0], tensors[1], _weights(tensors, options), scale)


def _weights(
    tensors: tuple[Tensor, ...], options: dict[str, Any]
) -> tuple[Tensor | None, Tensor | None]:
    extras = list(tensors[2:])
    weight = extras.pop(0) if options["weighted"] else None
    return weight, extras.pop(0) if extras else None
