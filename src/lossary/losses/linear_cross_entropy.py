"""Linear layer and cross-entropy in one call: the loss of a classifier's last layer."""

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.modules.loss import _WeightedLoss

from lossary.core.dtypes import accumulation_dtype, autocast_dtype
from lossary.kernels.linear import Plan, Tokens, run_linear
from lossary.kernels.select import choose_linear, evaluate, fused_kernel
from lossary.kernels.softcap import capped
from lossary.kernels.tokens import statistics
from lossary.losses._linear_checks import check_call, check_statistics
from lossary.losses._linear_settings import (
    check_module,
    check_settings,
    check_zero_divisor,
    checked_divisor,
    effective_cap,
    shown_settings,
)
from lossary.losses._z_loss import penalised
from lossary.losses.cross_entropy import Problem, problem
from lossary.losses.token_statistics import TOKENS, TokenStatistics

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
       s_i = c\tanh\bigl((x_i W^\top + b)/c\bigr),\quad m_i = \sum_k w_k q_{ik}

    ``options`` is accepted as torch takes it; the numbers do not depend on it. Three arguments
    are not torch's: ``z_loss`` (z) keeps the log-sum of exponentials near 0, weighing with an
    example's mass m: its target q after smoothing, times the classes' weights w, summed (1 without
    weights, 0 of an ignored target). ``logit_softcap`` (c) bounds the scores; inf is no cap.
    ``divisor`` is what a mean divides by, a number or a tensor of one: the tokens of all
    accumulated batches, say. 0 is for where nothing counts: such a mean is 0; on a CPU it is
    refused where a target counts. Large calls never hold all the scores, on a CPU or a GPU.

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
    asked = Wish(
        WHERE,
        linear_bias,
        weight,
        reduction,
        ignore_index,
        label_smoothing,
        z_loss,
        logit_softcap,
        divisor,
    )
    return _computed(input, linear_weight, target, asked, with_tokens=False)[0]


def linear_cross_entropy_with_statistics(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    logit_softcap: float | None = None,
    divisor: Tensor | float | None = None,
) -> tuple[Tensor, TokenStatistics]:
    r"""The same loss, and of every token the log-probability of its target and the entropy.

    .. math:: \log p_y = s_y - \log\sum_k e^{s_k}, \qquad H(p) = -\sum_k p_k \log p_k

    All come from the same scores, which are made once; weights, smoothing and the z-loss are the
    loss's alone. The statistics can be differentiated (their gradient makes the scores again): a
    policy gradient takes the log-probability as its ratio and the entropy as its bonus.

    Shape: ``input`` (D) or (N, D); ``linear_weight`` (C, D); ``target`` () or (N), class indices;
    each statistic as the target. Dtype, units and errors as :func:`linear_cross_entropy`.
    Reference: Shannon (1948), A mathematical theory of communication.

    >>> x, w = torch.ones(1, 2), torch.zeros(4, 2)
    >>> loss, told = linear_cross_entropy_with_statistics(x, w, torch.tensor([3]))
    >>> loss, told.log_probability, told.entropy
    (tensor(1.3863), tensor([-1.3863]), tensor([1.3863]))
    """
    asked = Wish(
        f"{WHERE}_with_statistics",
        linear_bias,
        weight,
        reduction,
        ignore_index,
        label_smoothing,
        z_loss,
        logit_softcap,
        divisor,
    )
    loss, told = _computed(input, linear_weight, target, asked, with_tokens=True)
    return loss, TokenStatistics(*told)


@dataclass(frozen=True)
class Wish:
    """The keywords of a call, as given, and the name that it goes by in errors."""

    where: str
    linear_bias: Tensor | None
    weight: Tensor | None
    reduction: str
    ignore_index: int | None
    smoothing: float
    z_loss: float
    softcap: float | None
    divisor: Tensor | float | None

    @property
    def ignored(self) -> int:
        """The index that counts as no target."""
        return -100 if self.ignore_index is None else self.ignore_index


def _computed(
    input: Tensor, linear_weight: Tensor, target: Tensor, wish: Wish, with_tokens: bool
) -> tuple[Tensor, list[Tensor]]:
    """The loss, and the tokens' statistics if they are asked for."""
    check_call(input, linear_weight, target, wish)
    if with_tokens:
        check_statistics(wish.where, input, target, linear_weight)
    cap = effective_cap(wish.softcap, accumulation_dtype(input.dtype))
    layer = Layer(linear_weight, wish.linear_bias, cap)
    shape = (*input.shape[:-1], *linear_weight.shape[:-1])
    chosen = choose_linear(input, linear_weight, wish.linear_bias, target, wish.weight)
    logits = _logits(input, layer, shape, held=chosen.path == "formula")
    asked, reduction = _asked(logits, target, wish, input), wish.reduction
    told: list[Tensor] = []
    if chosen.path != "formula":
        ignored = wish.ignored if with_tokens else None
        loss, *told = _in_chunks(input, layer, asked, reduction, ignored, chosen.path)
    else:
        loss = evaluate(asked.formula, asked.tensors, asked.options, reduction, asked.divisor)
        if with_tokens:
            rows, labels = logits.reshape(-1, shape[-1]), target.long().reshape(-1)
            told = list(statistics(TOKENS, rows, labels, wish.ignored))
    dtype = autocast_dtype(input)
    items = (*input.shape[:-1], *linear_weight.shape[1:-1])
    loss = (loss.view(items) if reduction == "none" else loss).to(dtype)
    return loss, [t.view(target.shape).to(dtype) for t in told]


def _asked(logits: Tensor, target: Tensor, wish: Wish, like: Tensor) -> Problem:
    """The cross-entropy of the scores, with its penalty and its divisor."""
    given = wish.weight, wish.ignored, wish.reduction, wish.smoothing
    asked = problem(logits, target, *given, where=wish.where)
    if wish.z_loss:
        asked = penalised(asked, wish.z_loss)
    if wish.divisor is None:
        return asked
    divisor = checked_divisor(wish.where, wish.divisor, wish.reduction, like)
    check_zero_divisor(wish.where, divisor, asked.divisor)
    return replace(asked, divisor=divisor)


def _in_chunks(
    input: Tensor, layer: Layer, asked: Problem, reduction: str, ignored: int | None, path: str
) -> tuple[Tensor, ...]:
    """Loss, and the tokens' statistics if it is said which index they skip."""
    bias = None if layer.bias is None else layer.bias.reshape(-1)
    tokens = None if ignored is None else Tokens(TOKENS, fused_kernel(TOKENS, path), ignored)
    plan = Plan(
        asked.formula,
        fused_kernel(asked.formula, path),
        asked.options,
        asked.tensors[1:],
        reduction,
        asked.divisor,
        tuple(layer.weight.shape[:-1]),
        layer.softcap,
        tokens,
    )
    matrix = layer.weight.flatten(0, -2)
    return run_linear(plan, (input.reshape(-1, input.shape[-1]), matrix, bias))


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
    return capped(scores, layer.softcap)


# torch has the module since 2.13; ours has all that it has.
_Parent: Any = getattr(torch.nn, "LinearCrossEntropyLoss", _WeightedLoss)


class LinearCrossEntropyLoss(_Parent):  # type: ignore[misc]
    """Module of :func:`linear_cross_entropy`: holds the linear layer, as torch's does.

    ``z_loss`` and ``logit_softcap`` are not torch's, nor is the ``divisor`` of a call.

    >>> LinearCrossEntropyLoss(8, 4).linear
    Linear(in_features=8, out_features=4, bias=False)
    """

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        out_features: tuple[int, ...] = (),
        bias: bool = False,
        device: Any = None,
        dtype: Any = None,
        reduction: str = "mean",
        weight: Tensor | None = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
        options: "torch.nn.LinearCrossEntropyOptions | None" = None,
        z_loss: float = 0.0,
        logit_softcap: float | None = None,
    ) -> None:
        check_settings("LinearCrossEntropyLoss", z_loss, logit_softcap)
        check_module("LinearCrossEntropyLoss", weight, num_classes, label_smoothing)
        _WeightedLoss.__init__(self, weight, None, None, reduction)
        self.num_classes, self.out_features = num_classes, out_features
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing
        width = math.prod(out_features, start=num_classes)
        self.linear = torch.nn.Linear(in_features, width, bias=bias, device=device, dtype=dtype)
        self.options = options
        self.z_loss, self.logit_softcap = z_loss, logit_softcap

    def extra_repr(self) -> str:
        """The settings that are not the layer's, in the order of the constructor."""
        return shown_settings(self)

    def forward(
        self, input: Tensor, target: Tensor, *, divisor: Tensor | float | None = None
    ) -> Tensor:
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
            z_loss=self.z_loss,
            logit_softcap=self.logit_softcap,
            divisor=divisor,
        )
