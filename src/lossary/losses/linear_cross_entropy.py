"""Linear layer and cross-entropy in one call: the loss of a classifier's last layer."""

import torch
from torch import Tensor

from lossary.core import checks
from lossary.core.dtypes import accumulation_dtype, autocast_dtype, autocast_is_on
from lossary.core.errors import OptionError, ShapeError, teach
from lossary.core.reduction import check_reduction
from lossary.kernels.linear import run_linear
from lossary.kernels.select import choose_linear, fused_kernel
from lossary.losses._pairs import equal_dtypes
from lossary.losses.cross_entropy import cross_entropy, problem

WHERE = "linear_cross_entropy"


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
) -> Tensor:
    r"""Cross-entropy of the class scores that a linear layer makes of the input.

    .. math:: \ell_i = \mathrm{cross\_entropy}(x_i W^\top + b, y_i)

    ``options`` is accepted as torch takes it; the numbers do not depend on it.

    Shape: ``input`` (D) or (N, D); ``linear_weight`` (C, D) or (C, d1, ..., D);
    ``linear_bias`` (C) or (C, d1, ...); ``target`` as :func:`cross_entropy` takes it.
    Dtype: floating; half precision is multiplied and scored in float32.
    Units: nats.
    Raises: ShapeError, DtypeError, DeviceError, ClassIndexError, OptionError.
    Reference: Wijmans et al. (2024), Cut your losses in large-vocabulary language models.

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
    shape = (*input.shape[:-1], *linear_weight.shape[:-1])
    if target.shape == shape and ignore_index is not None:
        came = "ignore_index cannot be specified when target contains probabilities"
        fix = "weight the rows: reduction='none', then multiply by a mask"
        raise OptionError(teach(WHERE, came, "ignore_index=None", "", fix))
    ignored = -100 if ignore_index is None else ignore_index
    if choose_linear(input, linear_weight, linear_bias, target, weight).path == "fused":
        return _in_chunks(
            input, linear_weight, linear_bias, target, weight, ignored, reduction, label_smoothing
        )
    logits = _logits(input, linear_weight, linear_bias).reshape(shape)
    loss = cross_entropy(
        logits,
        target,
        weight=weight,
        ignore_index=ignored,
        reduction=reduction,
        label_smoothing=label_smoothing,
    )
    return loss.to(autocast_dtype(input))


def _in_chunks(
    input: Tensor,
    linear_weight: Tensor,
    linear_bias: Tensor | None,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    reduction: str,
    smoothing: float,
) -> Tensor:
    """The same without ever holding all logits."""
    shape = (*input.shape[:-1], *linear_weight.shape[:-1])
    dtype = autocast_dtype(input)
    # Of the logits only the shape is known yet, and only that is checked against the target.
    logits = torch.empty(shape, dtype=accumulation_dtype(dtype), device="meta")
    asked = problem(logits, target, weight, ignore_index, reduction, smoothing)
    bias = None if linear_bias is None else linear_bias.reshape(-1)
    matrix = linear_weight.reshape(-1, linear_weight.shape[-1])
    rows = input if input.dim() == 2 else input.unsqueeze(0)
    loss = run_linear(
        asked.formula,
        fused_kernel(asked.formula),
        asked.options,
        (rows, matrix, bias),
        asked.tensors[1:],
        reduction,
        asked.divisor,
        tuple(linear_weight.shape[:-1]),
    )
    loss = loss if input.dim() == 2 or reduction != "none" else loss.squeeze(0)
    return loss.to(dtype)


def _logits(input: Tensor, linear_weight: Tensor, linear_bias: Tensor | None) -> Tensor:
    dtype = accumulation_dtype(input.dtype)
    matrix = linear_weight.reshape(-1, linear_weight.shape[-1]).to(dtype)
    bias = None if linear_bias is None else linear_bias.reshape(-1).to(dtype)
    return torch.nn.functional.linear(input.to(dtype), matrix, bias)


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
