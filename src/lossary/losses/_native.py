"""Where torch's own loss is exact and fast: use it, and mend only its edges."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from lossary.core.checks import check_not_nan
from lossary.core.dtypes import HALF_DTYPES
from lossary.core.transforms import reason_not_plain
from lossary.kernels.formula import Formula
from lossary.kernels.select import evaluate

# As torch's own operators number them.
MODES = {"none": 0, "mean": 1, "sum": 2}


def straight(
    operator: Callable[..., Tensor],
    x: Tensor,
    y: Tensor,
    reduction: str,
    target_dtype: torch.dtype | None = None,
) -> Tensor | None:
    """torch's operator at once, where every check would pass; None where one might not.

    With tensors of a hundred entries the checks cost more than the loss. The target's dtype is the
    input's unless given.
    """
    if torch.compiler.is_compiling() or not isinstance(x, Tensor) or not isinstance(y, Tensor):
        return None
    if x.dtype not in (torch.float32, torch.float64) or not x.numel() or reduction not in MODES:
        return None
    if y.dtype != (target_dtype or x.dtype) or (target_dtype is None and x.shape != y.shape):
        return None
    if not x.is_cpu or not y.is_cpu or reason_not_plain(x, y) is not None:
        return None
    try:
        result = operator(x, y, MODES[reduction])
    except (IndexError, RuntimeError):
        return None
    # Not finite: a NaN among the targets, or a sum that overflowed; either needs a second look.
    return result if reduction == "none" or math.isfinite(result.item()) else None


def native_or_exact(
    where: str,
    native: Callable[..., Tensor],
    formula: Formula,
    tensors: tuple[Tensor, ...],
    options: dict[str, float],
    reduction: str,
) -> Tensor:
    """torch's loss where its number is right, else the formula.

    torch's is wrong in half precision (it sums in it), empty (0/0), and where the sum behind
    a mean overflows though the mean does not. A NaN among the targets shows in the result, so
    that only then the targets are searched for it.
    """
    x = tensors[0]
    if x.dtype in HALF_DTYPES or not x.numel():
        return evaluate(formula, tensors, options, reduction)
    result = native(*tensors, reduction=reduction, **options)
    if reduction == "none" or x.device.type != "cpu" or reason_not_plain(*tensors) is not None:
        return result
    if bool(result.isfinite()):
        return result
    check_not_nan(where, tensors[1], reduction)
    return evaluate(formula, tensors, options, reduction)
