"""What linear cross-entropy refuses before any product is made."""

from torch import Tensor

from lossary.core import checks
from lossary.core.errors import OptionError, ShapeError, teach


def check_shapes(
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
        cause = "a weight that was transposed, or hidden states of (batch, time, D)"
        raise ShapeError(teach(where, came, expected, cause, "input.flatten(0, -2)"))


def check_statistics(where: str, target: Tensor, linear_weight: Tensor) -> None:
    """Refuse targets of which no single class is the right one."""
    if not target.is_floating_point() and linear_weight.dim() == 2:
        return
    came = f"got a target {checks.shape(target)} of {target.dtype}"
    came += f" and linear_weight {checks.shape(linear_weight)}"
    expected = "one class index for each token, and linear_weight (C, D)"
    cause = "soft targets, of which no single class is the right one"
    fix = "token_statistics(logits, labels), of scores that you hold"
    raise OptionError(teach(where, came, expected, cause, fix))


def check_extras(
    where: str, reduction: str, z_loss: float, softcap: float | None, divisor: Tensor | float | None
) -> None:
    """Refuse settings that torch does not know and that make no sense."""
    if not z_loss >= 0:
        raise OptionError(teach(where, f"got z_loss={z_loss}", "0 or more, such as 1e-4"))
    if softcap is not None and not softcap > 0:
        raise OptionError(teach(where, f"got logit_softcap={softcap}", "a bound above 0, or None"))
    if divisor is not None and reduction != "mean":
        came = f"got a divisor with reduction={reduction!r}"
        raise OptionError(teach(where, came, "reduction='mean', the only one that divides"))
