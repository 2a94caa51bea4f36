"""Entropy of the softmax of scores: four numbers a row are kept.

Floor: the scores are read once forward; backward reads them once more and writes the gradient.
"""

from typing import Any

import torch
from torch import Tensor

from lossary.kernels.cpu import token_statistics


def reason_against(tensors: tuple[Tensor, ...], options: dict[str, Any]) -> str | None:
    """Rows whose scores do not lie side by side."""
    return token_statistics.reason_against(tensors, options)


def losses(
    tensors: tuple[Tensor, ...], options: dict[str, Any], summed: bool
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The entropies, or their sum, and what the gradient needs of each row."""
    x = tensors[0]
    _, entropy, notes = token_statistics.forward(x, _any_class(x), NO_CLASS)
    entropy /= options["nats"]
    return entropy.sum() if summed else entropy, notes


def gradient(
    tensors: tuple[Tensor, ...],
    options: dict[str, Any],
    notes: tuple[Tensor, ...],
    scale: Tensor,
) -> Tensor:
    """The slope of the scores times each row's scale."""
    x = tensors[0]
    nothing = torch.zeros((), dtype=torch.float64, device="cpu")
    by = scale.double() / options["nats"]
    return token_statistics.gradient(x, _any_class(x), NO_CLASS, notes, nothing, by)


NO_CLASS = -1


def _any_class(x: Tensor) -> Tensor:
    return torch.zeros(len(x), dtype=torch.int64, device="cpu")
