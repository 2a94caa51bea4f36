"""Where torch's own loss is exact and fast: use it, and mend only its edges."""

from collections.abc import Callable

import torch
from torch import Tensor

from lossary.core.dtypes import HALF_DTYPES
from lossary.core.transforms import reason_not_plain
from lossary.kernels.formula import Formula
from lossary.kernels.select import evaluate


def native_or_exact(
    native: Callable[..., Tensor],
    formula: Formula,
    tensors: tuple[Tensor, ...],
    options: dict[str, float],
    reduction: str,
) -> Tensor:
    """torch's loss where its number is right, else the formula.

    torch's is wrong in half precision (it sums in it), empty (0/0), and where the sum behind
    a mean overflows though the mean does not.
    """
    x = tensors[0]
    if x.dtype in HALF_DTYPES or not x.numel():
        return evaluate(formula, tensors, options, reduction)
    result = native(*tensors, reduction=reduction, **options)
    if reduction == "mean" and x.device.type == "cpu" and reason_not_plain(*tensors) is None:
        finite = torch.isfinite(result)
        if not bool(finite):
            return evaluate(formula, tensors, options, reduction)
    return result
