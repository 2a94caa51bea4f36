"""Binary cross-entropy, of logits and of probabilities."""

import torch
from torch import Tensor

from lossary.core import checks
from lossary.core.dtypes import wide_dtype
from lossary.core.reduction import legacy_reduction
from lossary.kernels.formula import Formula
from lossary.kernels.select import evaluate
from lossary.losses._module import ShowsSettings
from lossary.losses._pairs import equal_dtypes, expanded_weight, paired
from lossary.losses._remembered import links_to_sigmoid, logits_of
from lossary.losses._softplus import sigmoid_pair, softplus, softplus_pair


def _split(rest: tuple[Tensor, ...], weighted: bool) -> tuple[Tensor | None, Tensor | None]:
    """The optional tensors: a weight for the loss, a weight for its positive part."""
    weight, *positive = rest if weighted else (None, *rest)
    return weight, positive[0] if positive else None


def logits_losses(z: Tensor, y: Tensor, *rest: Tensor, weighted: bool) -> Tensor:
    """``y softplus(-z) + (1 - y) softplus(z)``: two terms of one sign, nothing cancels."""
    weight, positive = _split(rest, weighted)
    # A target that is certain and right has no loss at an infinite logit: 0 * inf is 0.
    if_positive = softplus(-z.masked_fill((y == 0) & (z == -torch.inf), 0))
    if_negative = softplus(z.masked_fill((y == 1) & (z == torch.inf), 0))
    on = y if positive is None else y * positive
    losses = on * if_positive + (1 - y) * if_negative
    return losses if weight is None else losses * weight


def logits_kernel(
    with_slope: bool, z: Tensor, y: Tensor, *rest: Tensor, weighted: bool
) -> tuple[Tensor, Tensor | None]:
    """The same; the slope ``sigmoid(z) - y`` cancels near the optimum and is made wide."""
    weight, positive = _split(rest, weighted)
    if_negative, if_positive = softplus_pair(z)
    on = y if positive is None else y * positive
    losses = if_positive.mul_(on).add_(if_negative.mul_(1 - y))
    if bool(losses.sum().isnan()):
        losses = logits_losses(z, y, *(() if positive is None else (positive,)), weighted=False)
    slope = None
    if with_slope:
        wide = wide_dtype(z)
        p, q = sigmoid_pair(z.to(wide))
        off = 1 - y.to(wide)
        on = y.to(wide) if positive is None else y.to(wide) * positive
        slope = p.mul_(off).sub_(q.mul_(on))
    if weight is None:
        return losses, slope
    return losses * weight, None if slope is None else slope.mul_(weight)


def probability_losses(p: Tensor, y: Tensor, *weight: Tensor) -> Tensor:
    """``-y log p - (1 - y) log(1 - p)``, where 0 log 0 is 0 and log 0 is minus infinity."""
    if_positive = -p.masked_fill((y == 0) & (p == 0), 1).log()
    if_negative = -(-p.masked_fill((y == 1) & (p == 1), 0)).log1p()
    losses = y * if_positive + (1 - y) * if_negative
    return losses * weight[0] if weight else losses


def probability_kernel(
    with_slope: bool, p: Tensor, y: Tensor, *weight: Tensor
) -> tuple[Tensor, Tensor | None]:
    """The same, with the slope ``(1 - y)/(1 - p) - y/p`` written out."""
    losses = probability_losses(p, y)
    slope = None
    if with_slope:
        wide_p, wide_y = p.to(wide_dtype(p)), y.to(wide_dtype(p))
        off = (1 - wide_y).div_(1 - wide_p).masked_fill_(y == 1, 0)
        slope = off.sub_((wide_y / wide_p).masked_fill_(y == 0, 0))
    if not weight:
        return losses, slope
    return losses * weight[0], None if slope is None else slope.mul_(weight[0])


LOGITS = Formula(logits_losses, logits_kernel)
PROBABILITIES = Formula(probability_losses, probability_kernel)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    r"""Surprise, in nats, of a yes-or-no target under the sigmoid of the scores.

    .. math:: \ell_i = w_i\bigl(c\,y_i \log(1 + e^{-x_i}) + (1 - y_i) \log(1 + e^{x_i})\bigr)

    The gradient is the prediction minus the target: :math:`\sigma(x) - y`.

    Shape: equal shapes; ``weight`` and ``pos_weight`` (c) broadcast to the input.
    Dtype: floating input; the target may be of any real dtype.
    Units: nats; ``mean`` divides by the number of entries, weighted or not, as torch does.
    Raises: ShapeError, DtypeError, DeviceError, DomainError, OptionError.
    Reference: Cox (1958), The regression analysis of binary sequences.

    >>> loss = binary_cross_entropy_with_logits(torch.tensor([-20.0]), torch.tensor([0.0]))
    >>> print(f"{loss.item():.4e}")
    2.0612e-09
    """
    where = "binary_cross_entropy_with_logits"
    reduction = legacy_reduction(size_average, reduce, reduction)
    says = (
        f"Target size ({target.size()}) must be the same as input size ({input.size()})"
        if target.shape != input.shape
        else ""
    )
    x, y = paired(where, input, target, reduction, torch_says=says)
    checks.check_same_device(where, input=x, weight=weight, pos_weight=pos_weight)
    extras = [
        expanded_weight(where, name, w, x)
        for name, w in (("weight", weight), ("pos_weight", pos_weight))
        if w is not None
    ]
    return evaluate(LOGITS, (x, y, *extras), {"weighted": weight is not None}, reduction)


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    r"""Surprise, in nats, of a yes-or-no target under given probabilities.

    .. math:: \ell_i = -w_i\bigl(y_i \log x_i + (1 - y_i) \log(1 - x_i)\bigr)

    Nothing is clamped: a certain mistake costs infinitely much. Probabilities made by
    :func:`lossary.functional.sigmoid` are scored by the logits they remember, so a
    float32 sigmoid that rounds to 1 is not taken for certainty.

    Shape: equal shapes; ``weight`` broadcasts to the input.
    Dtype: floating input, target of the same dtype.
    Units: nats; ``mean`` divides by the number of entries, weighted or not, as torch does.
    Raises: ShapeError, DtypeError, DeviceError, DomainError (outside [0, 1]), OptionError.
    Reference: Good (1952), Rational decisions.

    >>> binary_cross_entropy(torch.tensor([0.25]), torch.tensor([1.0]))
    tensor(1.3863)
    """
    where = "binary_cross_entropy"
    reduction = legacy_reduction(size_average, reduce, reduction)
    says = (
        f"Using a target size ({target.size()}) that is different to the input size"
        f" ({input.size()}) is deprecated"
        if target.shape != input.shape
        else ""
    )
    x, y = paired(where, input, target, reduction, torch_says=says)
    equal_dtypes(where, input, target)
    checks.check_same_device(where, input=x, weight=weight)
    checks.check_unit_interval(where, "target", y)
    extras = [] if weight is None else [expanded_weight(where, "weight", weight, x)]
    logits = logits_of(input)
    if logits is not None and logits.dtype == x.dtype:
        return evaluate(LOGITS, (logits, y, *extras), {"weighted": bool(extras)}, reduction)
    checks.check_unit_interval(where, "input", x)
    if links_to_sigmoid(input):
        x = _FiniteGradient.apply(x)
    return evaluate(PROBABILITIES, (x, y, *extras), {}, reduction)


class _FiniteGradient(torch.autograd.Function):
    """Pass values on; hold gradients to the largest number.

    The chain rule goes on into a link whose own slope is 0 where it saturated: infinity
    times 0 would be NaN, and the rest of the batch would be lost with it.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def setup_context(ctx: object, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        return None

    @staticmethod
    def backward(ctx: object, *upstreams: Tensor) -> Tensor:
        largest = torch.finfo(upstreams[0].dtype).max
        return upstreams[0].clamp(-largest, largest)

    @staticmethod
    def jvp(ctx: object, *tangents: Tensor) -> Tensor:
        return tangents[0].view_as(tangents[0])


class BCEWithLogitsLoss(ShowsSettings, torch.nn.BCEWithLogitsLoss):
    """Module of :func:`binary_cross_entropy_with_logits`, with the same keywords.

    >>> BCEWithLogitsLoss(pos_weight=torch.ones(3))
    BCEWithLogitsLoss(pos_weight=<3 weights>, reduction='mean')
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """See :func:`binary_cross_entropy_with_logits`."""
        return binary_cross_entropy_with_logits(
            input, target, self.weight, pos_weight=self.pos_weight, reduction=self.reduction
        )


class BCELoss(ShowsSettings, torch.nn.BCELoss):
    """Module of :func:`binary_cross_entropy`, with the same keywords.

    >>> BCELoss()(torch.tensor([0.25]), torch.tensor([1.0]))
    tensor(1.3863)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """See :func:`binary_cross_entropy`."""
        return binary_cross_entropy(input, target, self.weight, reduction=self.reduction)
