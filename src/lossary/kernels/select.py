"""The door of the kernels: picks how a formula runs, and can say why."""

from typing import Any

from torch import Tensor

from lossary.core.reduction import divide
from lossary.core.transforms import reason_not_plain
from lossary.kernels.blocks import composed, in_blocks
from lossary.kernels.formula import Formula

# Up to here a whole composed graph is smaller and quicker than blocks and their loop.
SMALL_ENTRIES = 2**15


def choose(*tensors: Tensor) -> tuple[str, str]:
    """The way these tensors will run, ``"composed"`` or ``"blocks"``, and the reason.

    >>> import torch
    >>> choose(torch.zeros(2))
    ('composed', '2 entries are few enough to hold every intermediate')
    """
    reason = reason_not_plain(*tensors)
    if reason is not None:
        return "composed", reason
    entries = tensors[0].numel()
    if entries <= SMALL_ENTRIES:
        return "composed", f"{entries} entries are few enough to hold every intermediate"
    if tensors[0].device.type != "cpu":
        return "composed", "no kernel of our own for this device yet"
    return "blocks", f"{entries} entries: run in blocks that stay in cache"


def evaluate(
    formula: Formula,
    tensors: tuple[Tensor, ...],
    options: dict[str, Any],
    reduction: str,
    divisor: Tensor | float | None = None,
) -> Tensor:
    """Run a formula and reduce; the result is rounded once, to the first tensor's dtype.

    ``divisor`` is what a mean divides by; None means the number of items.
    """
    dtype = tensors[0].dtype
    how, _ = choose(*tensors)
    if how == "composed":
        losses = composed(formula, options, tensors)
        if reduction == "none":
            return losses.to(dtype)
        total, count = losses.sum(), losses.numel()
    else:
        result = in_blocks(formula, options, reduction != "none", tensors)
        if reduction == "none":
            return result
        total, count = result, _item_count(formula, tensors)
    if reduction == "mean":
        total = divide(total, count if divisor is None else divisor)
    return total.to(dtype)


def _item_count(formula: Formula, tensors: tuple[Tensor, ...]) -> int:
    first = tensors[0]
    return first.numel() if formula.elementwise else first.shape[0]
