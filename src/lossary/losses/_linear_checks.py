"""What linear cross-entropy refuses before any product is made."""

from typing import Any

from torch import Tensor

from lossary.core import checks
from lossary.core.dtypes import HALF_DTYPES, autocast_is_on
from lossary.core.errors import OptionError, ShapeError, teach
from lossary.core.reduction import check_reduction
from lossary.losses._linear_settings import check_settings
from lossary.losses._pairs import equal_dtypes


def check_call(input: Tensor, linear_weight: Tensor, target: Tensor, wish: Any) -> None:
    """All that can be said without a value of a tensor; ``wish`` holds the keywords."""
    where = wish.where
    check_reduction(where, wish.reduction)
    checks.check_floating(where, "input", input)
    bias = wish.linear_bias
    checks.check_same_device(
        where, input=input, linear_weight=linear_weight, linear_bias=bias, target=target
    )
    _check_shapes(where, input, linear_weight, bias)
    if not autocast_is_on(input):
        _check_dtypes(where, input, linear_weight)
    check_settings(where, wish.z_loss, wish.softcap)
    _check_target(where, input, linear_weight, target, wish.ignore_index)


def _check_shapes(
    where: str, input: Tensor, linear_weight: Tensor, linear_bias: Tensor | None
) -> None:
    """Refuse what no matrix product takes."""
    came = ""
    if input.dim() not in (1, 2):
        came = f"expected input with dimensionality 1 or 2, got {input.dim()}"
    elif linear_weight.dim() < 2:
        came = f"expected linear_weight with dimensionality at least 2, got {linear_weight.dim()}"
    elif input.shape[-1] != linear_weight.shape[-1]:
        came = (
            "expected equal input and linear_weight last dimensions (in_features), got"
            f" {input.shape[-1]} and {linear_weight.shape[-1]}, respectively"
        )
    elif linear_bias is not None and linear_bias.shape != linear_weight.shape[:-1]:
        came = (
            f"expected linear_bias shape {tuple(linear_weight.shape[:-1])},"
            f" got {tuple(linear_bias.shape)}"
        )
    elif linear_weight.dim() > 2 and input.dim() == 1:
        came = (
            f"K-dimensional loss defined by linear_weight shape {tuple(linear_weight.shape)}"
            f" requires batched input, (N, {input.shape[0]}), got unbatched input with shape"
            f" {tuple(input.shape)}"
        )
    if came:
        expected = "input (N, D), linear_weight (C, D), linear_bias (C), target (N)"
        raise ShapeError(teach(where, came, expected, *_shape_advice(input, linear_weight)))


def _shape_advice(input: Tensor, linear_weight: Tensor) -> tuple[str, str]:
    """The likely cause of shapes that do not fit, and the fix."""
    if input.dim() > 2:
        return "hidden states of (batch, time, D)", "input.flatten(0, -2) and target.flatten()"
    if linear_weight.dim() < 2:
        return "the weight of a single output", "linear_weight.unsqueeze(0)"
    if input.dim() == 0 or input.shape[-1] != linear_weight.shape[-1]:
        if input.shape[-1:] == linear_weight.shape[:-1]:
            return "a linear_weight of (D, C), transposed", "linear_weight.T"
        cause = "the last layer of another model, or what another layer answers"
        return cause, "compare print(input.shape, linear_weight.shape) just before the loss"
    if input.dim() == 1 and linear_weight.dim() > 2:
        return "one example without its batch dimension", "input.unsqueeze(0)"
    return "the bias of another layer", "weight and bias of one layer"


def _check_dtypes(where: str, input: Tensor, linear_weight: Tensor) -> None:
    cause, fix = (
        "numpy's float64, or model.double() for one of them",
        "linear_weight.to(input.dtype)",
    )
    if input.dtype in HALF_DTYPES:
        cause = "hidden states made under torch.autocast, and the loss computed outside of it"
        fix = "call the loss under torch.autocast too, or input.to(linear_weight.dtype)"
    elif linear_weight.dtype in HALF_DTYPES:
        cause = "a model cast to half precision, whose hidden states were widened again"
        fix = "input.to(linear_weight.dtype): scores and their sums are float32 all the same"
    equal_dtypes(where, input, linear_weight, "linear_weight", cause, fix)


def _check_target(
    where: str, input: Tensor, linear_weight: Tensor, target: Tensor, ignore_index: int | None
) -> None:
    rows, classes, positions = input.shape[:-1], linear_weight.shape[:1], linear_weight.shape[1:-1]
    scores, labels = (*rows, *classes, *positions), (*rows, *positions)
    if target.shape == scores:
        if ignore_index is not None:
            came = "ignore_index cannot be specified when target contains probabilities"
            fix = "weight the rows: reduction='none', then multiply by a mask"
            raise OptionError(teach(where, came, "ignore_index=None", "", fix))
        return
    if target.shape == labels or (not rows and target.shape == (1,)):
        return
    came = f"got input of shape {checks.shape(input)} and target of shape {checks.shape(target)}"
    if rows and target.dim() and target.shape[0] != rows[0]:
        came = f"Expected input batch_size ({rows[0]}) to match target batch_size"
        came += f" ({target.shape[0]}); got target of shape {checks.shape(target)}"
    expected = f"class indices of shape {labels}, or probabilities of shape {scores}"
    cause, fix = "inputs and targets of different batches", "compare both shapes"
    if target.shape == (*labels, 1):
        cause, fix = "a target with a last dimension of 1", "target.squeeze(-1)"
    elif rows and len(rows) == len(labels) and target.dim() > 1 and target.numel() == rows[0]:
        cause, fix = (
            "a target of (batch, time) beside an input that was flattened",
            "target.flatten()",
        )
    raise ShapeError(teach(where, came, expected, cause, fix))


def check_statistics(where: str, input: Tensor, target: Tensor, linear_weight: Tensor) -> None:
    """Refuse targets of which no single class is the right one."""
    by_index = not target.is_floating_point() or target.dim() < input.dim()
    if by_index and linear_weight.dim() == 2:
        return
    came = f"got a target {checks.shape(target)} of {target.dtype}"
    came += f" and linear_weight {checks.shape(linear_weight)}"
    expected = "one class index for each token, and linear_weight (C, D)"
    cause = "soft targets, of which no single class is the right one"
    fix = "token_statistics(logits, labels), of scores that you hold"
    raise OptionError(teach(where, came, expected, cause, fix))
