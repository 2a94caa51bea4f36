"""Jensen-Shannon divergence of two softmaxes, in Triton: from the logits, not their logs.

Floor, for N rows of V logits of b bytes: 2 N V b for the divergences; 3 N V b for the gradient
towards one of the two, 4 N V b towards both. Twelve numbers a row are kept.
"""

from typing import Any

from torch import Tensor

from lossary.kernels.triton import _jensen_rows
from lossary.kernels.triton._pair_launch import run_gradients, run_losses, why_no_pair


def reason_against(tensors: tuple[Tensor, ...], options: dict[str, Any]) -> str | None:
    """Dtypes and layouts that the formula takes."""
    return why_no_pair(tensors)


def losses(
    tensors: tuple[Tensor, ...], options: dict[str, Any], summed: bool
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The divergence of each row, or their sum, and the notes of the gradients."""
    items, notes = run_losses(_jensen_rows.losses, tensors, _jensen_rows.NOTES, W=options["weight"])
    items /= options["nats"]
    return (items.sum() if summed else items), (notes,)


def gradients(
    tensors: tuple[Tensor, ...],
    options: dict[str, Any],
    notes: tuple[Tensor, ...],
    scale: Tensor,
    wanted: list[int],
) -> list[Tensor]:
    """The slopes of the wanted tensors times each row's scale."""
    by = scale / options["nats"]
    return run_gradients(_jensen_rows.gradients, tensors, notes[0], by, wanted, W=options["weight"])


def gradient(
    tensors: tuple[Tensor, ...],
    options: dict[str, Any],
    notes: tuple[Tensor, ...],
    scale: Tensor,
) -> Tensor:
    """The first tensor's slope times each row's scale."""
    return gradients(tensors, options, notes, scale, [0])[0]
