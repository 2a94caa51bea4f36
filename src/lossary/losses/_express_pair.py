"""Entry-wise losses of small tensors: the whole loss in one compiled call."""

from typing import Any

from torch import Tensor

from lossary.kernels import express
from lossary.kernels.formula import Formula


def express_pair(
    name: str,
    formula: Formula,
    options: dict[str, Any],
    pair: tuple[Tensor, Tensor],
    reduction: str,
    settings: tuple[Any, ...] = (),
    divisor: int | None = None,
) -> Tensor | None:
    """The loss of two tensors of equal shape and dtype; None if it is not for one call."""
    x, y = pair
    if not isinstance(x, Tensor) or not isinstance(y, Tensor) or reduction not in express.MODES:
        return None
    if x.dtype != y.dtype or x.shape != y.shape:
        return None
    kernel = express.serves(name, x, y)
    if kernel is None:
        return None
    count = x.numel()
    arguments = (x.data_ptr(), y.data_ptr(), count, *settings, express.MODES[reduction])
    parts = count if divisor is None else divisor

    def again(x: Tensor, y: Tensor) -> express.Question:
        return formula, (x, y), options, parts if reduction == "mean" else 1

    return express.run(kernel, arguments, x.shape if reduction == "none" else (), again, x, y)
