"""Binary cross-entropy of probabilities: nothing is kept but what came.

Floor: probabilities and targets are read once forward; backward reads them again and writes the
slope.
"""

from typing import Any

from torch import Tensor

from lossary.kernels.cpu import _bernoulli, _entries


def reason_against(tensors: tuple[Tensor, ...], options: dict[str, Any]) -> str | None:
    """Weights that follow neither the entries nor the last dimension."""
    return _entries.reason_against(tensors)


def losses(
    tensors: tuple[Tensor, ...], options: dict[str, Any], summed: bool
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The losses, or their sum; no notes."""
    return _entries.losses(_bernoulli, tensors[0], tensors[1], _weights(tensors), summed), ()


def gradient(
    tensors: tuple[Tensor, ...],
    options: dict[str, Any],
    notes: tuple[Tensor, ...],
    scale: Tensor,
) -> Tensor:
    """The slope of the probabilities times each entry's scale, in their dtype."""
    return _entries.gradient(_bernoulli, tensors[0], tensors[1], _weights(tensors), scale)


def _weights(tensors: tuple[Tensor, ...]) -> tuple[Tensor | None, Tensor | None]:
    return tensors[2] if len(tensors) > 2 else None, None
