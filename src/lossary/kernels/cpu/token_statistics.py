"""Log-probability of the target's token and entropy of the prediction: four numbers an item.

Floor: the scores are read once forward; backward reads them once more and writes the gradient.
"""

from typing import Any

import torch
from torch import Tensor

from lossary.kernels.cpu import _token_rows
from lossary.kernels.cpu._arrays import array
from lossary.kernels.cpu._labels import none_wrong, refuse
from lossary.kernels.cpu._threads import share


def reason_against(tensors: tuple[Tensor, ...], options: dict[str, Any]) -> str | None:
    """Rows whose scores do not lie side by side."""
    x = tensors[0]
    if x.shape[1] == 0:
        return "there are no classes"
    return None if x.shape[1] == 1 or x.stride(1) == 1 else "the rows are not contiguous"


def forward(
    x: Tensor, target: Tensor, ignore_index: int
) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
    """``log p_y`` and ``-sum p log p`` of every row in float64, and the gradient's notes.

    Both are 0 where the target is ignored.
    """
    rows = len(x)
    found = torch.empty((2, rows), dtype=torch.float64, device="cpu")
    notes = torch.empty((_token_rows.NOTES, rows), dtype=torch.float64, device="cpu")
    results = array(found[0]), array(found[1]), array(notes)
    _share(_token_rows.losses, x, target, ignore_index, results)
    return found[0], found[1], (notes,)


def gradient(
    x: Tensor,
    target: Tensor,
    ignore_index: int,
    notes: tuple[Tensor, ...],
    by_log_probability: Tensor,
    by_entropy: Tensor,
    out: Tensor | None = None,
) -> Tensor:
    """The slope of the scores for an upstream gradient an item towards each; may overwrite them."""
    out = torch.empty(x.shape, dtype=x.dtype, device="cpu") if out is None else out
    by = [t.double().expand(len(x)).contiguous() for t in (by_log_probability, by_entropy)]
    results = array(notes[0]), array(by[0]), array(by[1]), array(out)
    _share(_token_rows.gradient, x, target, ignore_index, results)
    return out


def _share(
    loop: Any, x: Tensor, target: Tensor, ignore_index: int, results: tuple[Any, ...]
) -> None:
    """Hand the rows to the threads; a target that named no class is refused then."""
    wrong = none_wrong()
    given = array(x), array(target), ignore_index, wrong
    share(loop, len(x), x.numel(), *given, *results)
    refuse(wrong, "token_statistics", target, x.shape[1], ignore_index)
