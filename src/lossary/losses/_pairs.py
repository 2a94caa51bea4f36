"""What the losses of a prediction and a target of equal shape share: their checks."""

import torch
from torch import Tensor

from lossary.core import checks
from lossary.core.dtypes import autocast_dtype
from lossary.core.errors import DtypeError, ShapeError, teach
from lossary.core.reduction import REDUCTIONS, check_reduction


def paired(
    where: str,
    input: Tensor,
    target: Tensor,
    reduction: str,
    allowed: tuple[str, ...] = REDUCTIONS,
    torch_says: str = "",
    refuse_nan: bool = True,
) -> tuple[Tensor, Tensor]:
    """Prediction and target in their common dtype, or an error that teaches.

    ``refuse_nan=False`` leaves a NaN among the targets to a check that the loss makes anyway.
    """
    check_reduction(where, reduction, allowed)
    checks.check_floating(where, "input", input)
    checks.check_same_shape(where, torch_says, input=input, target=target)
    checks.check_same_device(where, input=input, target=target)
    if refuse_nan:
        checks.check_not_nan(where, target, reduction)
    dtype = common_dtype(input, target)
    return input.to(dtype), target.to(dtype)


def common_dtype(*tensors: Tensor) -> torch.dtype:
    """The dtype that torch's promotion and autocast give these tensors together."""
    dtype = autocast_dtype(tensors[0])
    for t in tensors[1:]:
        dtype = torch.promote_types(dtype, autocast_dtype(t)) if t.is_floating_point() else dtype
    return dtype


def expanded_weight(where: str, name: str, weight: Tensor, like: Tensor) -> Tensor:
    """A rescaling weight as a view of the input's shape, or an error that teaches."""
    try:
        return weight.expand_as(like)
    except RuntimeError as error:
        raise ShapeError(
            teach(
                where,
                f"got {name} of shape {checks.shape(weight)} for input {checks.shape(like)}",
                f"a {name} that broadcasts to the input's shape",
                "one weight per example where one per entry belongs, or the reverse",
                f"{name}.unsqueeze(-1) for a weight per row",
            )
        ) from error


def equal_dtypes(where: str, input: Tensor, target: Tensor) -> None:
    """Refuse a target of another dtype, where torch refuses it too."""
    if target.dtype != input.dtype:
        raise DtypeError(
            teach(
                where,
                f"Found dtype {target.dtype} but expected {input.dtype}",
                "a target of the input's dtype",
                "labels read as integers, or numpy's float64",
                "target.to(input.dtype)",
            )
        )
