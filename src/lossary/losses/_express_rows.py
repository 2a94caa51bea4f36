"""Cross-entropy of a few rows: the whole loss in one compiled call."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from lossary.core import checks
from lossary.kernels import express


def express_rows(
    problem: Callable[..., Any],
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    reduction: str,
    smoothing: float,
) -> Tensor | None:
    """The whole loss in one compiled call, for small rows of classes; None if it is not for it."""
    if not isinstance(input, Tensor) or not isinstance(target, Tensor):
        return None
    if input.dim() != 2 or reduction not in express.MODES:
        return None
    is_soft = target.dtype == input.dtype
    if not is_soft and target.dtype not in checks.CLASS_DTYPES:
        return None
    if not 0 <= smoothing <= 1 or (is_soft and (ignore_index >= 0 or checks.is_strict())):
        return None
    rows, classes = input.shape
    if target.shape != (input.shape if is_soft else (rows,)):
        return None
    name = "soft" if is_soft else "smoothed" if smoothing else "hard"
    if name == "hard" and input.numel() > express.FEW_ENTRIES:
        name = "hard_medium"
    kernel = express.serves(name, input, target, most=express.MOST_ENTRIES[name])
    if kernel is None:
        return None
    target = target if is_soft else target.long()
    address = 0
    if weight is not None:
        if not express.is_plain(weight) or weight.shape != (classes,) or weight.requires_grad:
            return None
        weight = weight.double()
        address = weight.data_ptr()
    settings: tuple[Any, ...] = (
        (smoothing,) if is_soft else (ignore_index, smoothing) if smoothing else (ignore_index,)
    )
    at = (input.data_ptr(), target.data_ptr(), address)
    arguments = (*at, rows, classes, *settings, express.MODES[reduction])
    shape = (rows,) if reduction == "none" else ()

    def again(x: Tensor, y: Tensor) -> express.Question:
        asked = problem(x, y, weight, ignore_index, reduction, smoothing)
        return (
            asked.formula,
            asked.tensors,
            asked.options,
            asked.divisor if reduction == "mean" else 1,
        )

    return express.run(kernel, arguments, shape, again, input, target)
