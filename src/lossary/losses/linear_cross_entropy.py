"""Linear layer and cross-entropy in one call: the loss of a classifier's last layer."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lossary.core import checks
from lossary.core.dtypes import accumulation_dtype, autocast_dtype, autocast_is_on
from lossary.core.errors import OptionError, ShapeError, teach
from lossary.core.reduction import check_reduction
from lossary.kernels.linear import run_linear
from lossary.kernels.select import choose_linear, evaluate, fused_kernel
from lossary.losses._pairs import equal_dtypes
from lossary.losses._z_loss import penalised
from lossary.losses.cross_entropy import Problem, problem

WHERE = "linear_cross_entropy"


@dataclass(frozen=True)
class Layer:
    """The linear layer: a matrix (C, d1, ..., D), a bias (C, d1, ...), a cap on its scores."""

    weight: Tensor
    bias: Tensor | None
    softcap: float | None


def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: "torch.nn.LinearCrossEntropyOptions | None" = None,
    z_loss: float = 0.0,
    logit_softcap: float | None = None,
    divisor: Tensor | float | None = None,
) -> Tensor:
    r"""Cross-entropy of the class scores that a linear layer makes of the input.

    .. math:: \ell_i = \mathrm{cross\_entropy}(s_i, y_i) + z\,m_i\,\mathrm{lse}(s_i)^2,\quad
       s_i = c\tanh\bigl((x_i W^\top + b)/c\bigr)

    ``options`` is accepted as torch takes it; the numbers do not depend on it. Three arguments
    are not torch's: ``z_loss`` (z) keeps the log-sum of exponentials near 0, weighing with an
    example's whole mass m (1, or its class's weight); ``logit_softcap`` (c) bounds the scores;
    ``divisor`` is what a mean divides by, such as the tokens of all accumulated batches. On a
    CPU, large calls never hold all the scores.

    Shape: ``input`` (D) or (N, D); ``linear_weight`` (C, D) or (C, d1, ..., D);
    ``linear_bias`` (C) or (C, d1, ...); ``target`` as :func:`cross_entropy` takes it.
    Dtype: floating; half precision is multiplied and scored in float32.
    Units: nats.
    Raises: ShapeError, DtypeError, DeviceError, ClassIndexError, OptionError.
    Reference: Wijmans et al. (2024), Cut your losses in large-vocabulary language models;
    z-loss: Chowdhery et al. (2022), PaLM; softcap: Gemma Team (2024), Gemma 2.

    >>> x, w = torch.ones(1, 2), torch.zeros(4, 2)
    >>> linear_cross_entropy(x, w, torch.tensor([3]))
    tensor(1.3863)
    """
    check_reduction(WHERE, reduction)
    checks.check_floating(WHERE, "input", input)
    _check_shapes(input, linear_weight, linear_bias)
    checks.check_same_device(
        WHERE, input=input, linear_weight=linear_weight, linear_bias=linear_bias, target=target
    )
    if not autocast_is_on(input):
        equal_dtypes(WHERE, input, linear_weight, "linear_weight")
    _check_extras(reduction, z_loss, logit_softcap, divisor)
    shape = (*input.shape[:-1], *linear_weight.shape[:-1])
    if target.shape == shape and ignore_index is not None:
        came = "ignore_index cannot be specified when target contains probabilities"
        fix = "weight the rows: reduction='none', then multiply by a mask"
        raise OptionError(teach(WHERE, came, "ignore_index=None", "", fix))
    layer = Layer(linear_weight, linear_bias, logit_softcap)
    chosen = choose_linear(input, linear_weight, linear_bias, target, weight)
    logits = _logits(input, layer, shape, held=chosen.path != "fused")
    ignored = -100 if ignore_index is None else ignore_index
    asked = problem(logits, target, weight, ignored, reduction, label_smoothing)
    if z_loss:
        asked = penalised(asked, z_loss)
    if divisor is not None:
        asked = replace(asked, divisor=divisor)
    if chosen.path == "fused":
        loss = _in_chunks(input, layer, asked, reduction)
    else:
        loss = evaluate(asked.formula, asked.tensors, asked.options, reduction, asked.divisor)
    items = (*input.shape[:-1], *linear_weight.shape[1:-1])
    return (loss.view(items) if reduction == "none" else loss).to(autocast_dtype(input))


def _in_chunks(input: Tensor, layer: Layer, asked: Problem, reduction: str) -> Tensor:
    bias = None if layer.bias is None else layer.bias.reshape(-1)
    return run_linear(
        asked.formula,
        fused_kernel(asked.formula),
        asked.options,
        (input.reshape(-1, input.shape[-1]), layer.weight.flatten(0, -2), bias),
        asked.tensors[1:],
        reduction,
        asked.divisor,
        tuple(layer.weight.shape[:-1]),
        layer.softcap,
    )


def _check_extras(
    reduction: str, z_loss: float, softcap: float | None, divisor: Tensor | float | None
) -> None:
    if not z_loss >= 0:
        raise OptionError(teach(WHERE, f"got z_loss={z_loss}", "0 or more, such as 1e-4"))
    if softcap is not None and not softcap > 0:
        raise OptionError(teach(WHERE, f"got logit_softcap={softcap}", "a bound above 0, or None"))
    if divisor is not None and reduction != "mean":
        came = f"got a divisor with reduction={reduction!r}"
        raise OptionError(teach(WHERE, came, "reduction='mean', the only one that divides"))


def _logits(input: Tensor, layer: Layer, shape: tuple[int, ...], held: bool) -> Tensor:
    """The scores; or, where they are never held, what stands for their shape and dtype."""
    dtype = accumulation_dtype(input.dtype)
    if not held:
        return torch.empty(shape, dtype=dtype, device="meta")
    matrix = layer.weight.reshape(-1, layer.weight.shape[-1]).to(dtype)
    bias = None if layer.bias is None else layer.bias.reshape(-1).to(dtype)
    scores = torch.nn.functional.linear(input.to(dtype), matrix, bias).reshape(shape)
    if layer.softcap is None:
        return scores
    return layer.softcap * torch.tanh(scores / layer.softcap)


def _check_shapes(input: Tensor, linear_weight: Tensor, linear_bias: Tensor | None) -> None:
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
        raise ShapeError(teach(WHERE, came, expected, cause, "input.flatten(0, -2)"))


class LinearCrossEntropyLoss(torch.nn.LinearCrossEntropyLoss):
    """Module of :func:`linear_cross_entropy`: holds the linear layer, as torch's does.

    >>> LinearCrossEntropyLoss(8, 4).linear
    Linear(in_features=8, out_features=4, bias=False)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """See :func:`linear_cross_entropy`."""
        shape = (self.num_classes, *self.out_features)
        bias = self.linear.bias
        return linear_cross_entropy(
            input,
            self.linear.weight.reshape(*shape, self.linear.in_features),
            target,
            linear_bias=None if bias is None else bias.reshape(shape),
            weight=self.weight,
            reduction=self.reduction,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
            options=self.options,
        )
