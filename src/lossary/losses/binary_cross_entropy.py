"""Binary cross-entropy, of logits and of probabilities."""

import torch
from torch import Tensor

from lossary.core import checks
from lossary.core.dtypes import autocast_is_on, wide_dtype
from lossary.core.reduction import legacy_reduction
from lossary.kernels.formula import Formula
from lossary.kernels.select import evaluate
from lossary.losses._express_pair import express_pair
from lossary.losses._module import ShowsSettings
from lossary.losses._pairs import equal_dtypes, expanded_weight, paired
from lossary.losses._remembered import links_to_sigmoid, logits_of, stands_alone
from lossary.losses._softplus import softplus


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
    if positive is None:
        # The slope for the target is -z; as the difference of the two terms it would cancel.
        held = y.detach()
        losses = held * if_positive + (1 - held) * if_negative - (y - held) * _finite(z)
    else:
        losses = y * positive * if_positive + (1 - y) * if_negative
    return losses if weight is None else losses * weight


def _finite(z: Tensor) -> Tensor:
    largest = torch.finfo(z.dtype).max
    return z.clamp(-largest, largest)


def logits_kernel(
    wanted: tuple[int, ...], z: Tensor, y: Tensor, *rest: Tensor, weighted: bool
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The same from one exponential ``e = exp -|z|``, wide: the slope nearly cancels.

    With ``on`` the weighted target and ``off = 1 - y``, the loss is ``(on + off) log1p e`` plus
    ``off |z|`` where z is positive and ``on |z|`` where it is not.
    """
    weight, positive = _split(rest, weighted)
    z, y = z.to(wide_dtype(z)), y.to(wide_dtype(z))
    on, off = y if positive is None else y * positive, 1 - y
    both = 1 if positive is None else on + off
    is_positive = z > 0
    distance = z.abs()
    odds = (-distance).exp_()
    losses = odds.log1p().mul_(both).addcmul_(torch.where(is_positive, off, on), distance)
    if weight is not None:
        losses.mul_(weight)
    if not wanted:
        return losses, ()
    small = odds.div_(odds + 1).mul_(both)
    slope = torch.where(is_positive, off - small, small - on)
    return losses, (slope if weight is None else slope.mul_(weight),)


def probability_losses(p: Tensor, y: Tensor, *weight: Tensor) -> Tensor:
    """``-y log p - (1 - y) log(1 - p)``, where 0 log 0 is 0 and log 0 is minus infinity."""
    if_positive = -_log(p.masked_fill((y == 0) & (p == 0), 1))
    below = p.masked_fill((y == 1) & (p == 1), 0)
    surely = below == 1
    if_negative = -(-below.masked_fill(surely, 0)).log1p()
    if_negative = if_negative - _log((1 - below).masked_fill(~surely, 1))
    # Certain and right, the loss is 0, but any other target would cost infinitely much: entr is
    # 0 at 0 and leaves it with infinite slope.
    right = ((y == 0) & (p == 0)) | ((y == 1) & (p == 1))
    edge: Tensor = torch.special.entr(torch.minimum(y, 1 - y).masked_fill(~right, 1))
    losses = y * if_positive + (1 - y) * if_negative + edge
    if not weight:
        return losses
    # A weight of 0 takes an entry out, even where its loss is infinite.
    out = (weight[0] == 0) & losses.isinf()
    return torch.where(out, torch.finfo(losses.dtype).max, losses) * weight[0]


def _log(p: Tensor) -> Tensor:
    """``log p``, whose infinite slope at 0 passes nothing on where nothing comes from above."""
    is_zero, nothing, kind = p == 0, torch.zeros_like(p), torch.finfo(p.dtype)
    # Divided by the smallest number of all, 0 stays 0 and anything else overflows.
    beside = nothing.masked_fill(is_zero, kind.tiny * kind.eps)
    return (p + beside).log() + nothing.masked_fill(is_zero, -torch.inf)


def probability_kernel(
    wanted: tuple[int, ...], p: Tensor, y: Tensor, *weight: Tensor
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The same, with the slope ``(1 - y)/(1 - p) - y/p`` written out, and wide."""
    off = 1 - y
    losses = p.log().mul_(y)
    losses.addcmul_((-p).log1p_(), off).neg_()
    if weight:
        losses.mul_(weight[0])
    if not wanted:
        return losses, ()
    del off
    wide_p, wide_y = (t.to(wide_dtype(p), copy=True) for t in (p, y))
    slope = (wide_y / wide_p).masked_fill_(y == 0, 0).neg_()
    wide_y.neg_().add_(1).div_(wide_p.neg_().add_(1)).masked_fill_(y == 1, 0)
    slope.add_(wide_y)
    return losses, (slope.mul_(weight[0]) if weight else slope,)


LOGITS = Formula(logits_losses, logits_kernel, fused="logistic")
PROBABILITIES = Formula(
    probability_losses, probability_kernel, block_entries=2**14, fused="bernoulli"
)


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
    if weight is None and pos_weight is None:
        pair, plainly = (input, target), {"weighted": False}
        quick = express_pair("logistic", LOGITS, plainly, pair, reduction)
        if quick is not None:
            return quick
    checks.check_tensor(where, "input", input)
    checks.check_tensor(where, "target", target)
    says = (
        f"Target size ({target.size()}) must be the same as input size ({input.size()})"
        if target.shape != input.shape
        else ""
    )
    checks.check_floating(where, "target", target)
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
    if weight is None and stands_alone(input):
        quick = express_pair("bernoulli", PROBABILITIES, {}, (input, target), reduction)
        if quick is not None:
            return quick
    checks.check_tensor(where, "input", input)
    checks.check_tensor(where, "target", target)
    says = (
        f"Using a target size ({target.size()}) that is different to the input size"
        f" ({input.size()}) is deprecated"
        if target.shape != input.shape
        else ""
    )
    x, y = paired(where, input, target, reduction, torch_says=says, refuse_nan=False)
    if not autocast_is_on(input):
        equal_dtypes(where, input, target)
    checks.check_same_device(where, input=x, weight=weight)
    checks.check_unit_interval(where, "target", y)
    extras = [] if weight is None else [expanded_weight(where, "weight", weight, x)]
    logits = logits_of(input)
    if logits is not None and logits.dtype == x.dtype:
        return evaluate(LOGITS, (logits, y, *extras), {"weighted": bool(extras)}, reduction)
    checks.check_unit_interval(where, "input", x)
    if links_to_sigmoid(input):
        x = _FiniteGradient.apply(x)  # type: ignore[no-untyped-call]
    return evaluate(PROBABILITIES, (x, y, *extras), {}, reduction)


class _FiniteGradient(torch.autograd.Function):
    """Pass values on; hold gradients to the largest number.

    The chain rule goes on into a link whose own slope is 0 where it saturated: infinity
    times 0 would be NaN, and the rest of the batch would be lost with it.
    """

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: object, *upstreams: Tensor) -> Tensor:
        largest = torch.finfo(upstreams[0].dtype).max
        return upstreams[0].clamp(-largest, largest)


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
