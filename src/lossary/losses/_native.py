"""Where torch's own loss is exact and fast: use it, and mend only its edges."""

from collections.abc import Callable

from torch import Tensor

from lossary.core.checks import check_not_nan
from lossary.core.dtypes import HALF_DTYPES
from lossary.core.transforms import reason_not_plain
from lossary.kernels.formula import Formula
from lossary.kernels.select import evaluate


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
