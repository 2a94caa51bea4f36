"""What the losses of a prediction and a target of equal shape share: their checks."""

import functools

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
    *,
    torch_says: str = "",
    refuse_nan: bool = True,
    as_input: bool = False,
    autocast: bool = True,
) -> tuple[Tensor, Tensor]:
    """Prediction and target in the answer's dtype, or an error that teaches.

    That dtype is the promoted one, or, ``as_input``, the prediction's own: as torch has it.
    ``refuse_nan=False`` leaves a NaN among the targets to a check that the loss makes anyway;
    ``autocast=False`` is for the losses that are not on torch's list of float32 ones.
    """
    check_reduction(where, reduction, allowed)
    checks.check_floating(where, "input", input)
    checks.check_tensor(where, "target", target)
    checks.check_same_device(where, input=input, target=target)
    checks.check_same_shape(where, torch_says, input=input, target=target)
    if refuse_nan:
        checks.check_not_nan(where, target, reduction)
    dtype = autocast_dtype(input) if as_input else common_dtype(input, target, autocast=autocast)
    return input.to(dtype), target.to(dtype)


def common_dtype(*tensors: Tensor, autocast: bool = True) -> torch.dtype:
    """The dtype that torch's promotion gives these tensors, and autocast where it applies."""
    dtypes = [autocast_dtype(t) if autocast else t.dtype for t in tensors if t.is_floating_point()]
    return functools.reduce(torch.promote_types, dtypes)


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


def equal_dtypes(
    where: str,
    input: Tensor,
    other: Tensor,
    name: str = "target",
    cause: str = "labels read as integers, or numpy's float64",
    fix: str = "",
) -> None:
    """Refuse a tensor of another dtype than the input's, where torch refuses it too."""
    if other.dtype != input.dtype:
        raise DtypeError(
            teach(
                where,
                f"Found dtype {other.dtype} but expected {input.dtype}",
                f"a {name} of the input's dtype",
                cause,
                fix or f"{name}.to(input.dtype)",
            )
        )
