"""Triplet losses: an anchor nearer to its like than to its unlike, by a margin."""

from collections.abc import Callable

import torch
from torch import Tensor

from lossary.core import checks
from lossary.core.dtypes import wide_dtype
from lossary.core.errors import OptionError, ShapeError, teach
from lossary.core.reduction import check_reduction, legacy_reduction, reduce
from lossary.kernels.formula import Formula
from lossary.kernels.select import evaluate
from lossary.losses._module import ShowsSettings
from lossary.losses._pairs import common_dtype

Distance = Callable[[Tensor, Tensor], Tensor]


def triplet_losses(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float,
    p: float,
    eps: float,
    swap: bool,
) -> Tensor:
    """``max(0, margin + |a - p + eps|_p - |a - n + eps|_p)`` for rows; the eps is the caller's."""

    def distance(a: Tensor, b: Tensor) -> Tensor:
        norm: Tensor = torch.linalg.vector_norm(a - b + eps, p, dim=1)
        return norm

    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = torch.minimum(far, distance(positive, negative))
    return (margin + near - far).clamp_min(0)


def euclidean_kernel(
    wanted: tuple[int, ...],
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float,
    p: float,
    eps: float,
    swap: bool,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The same for p = 2 without swap; the slopes are the two unit differences."""
    anchor = anchor.double()
    to_near, to_far = (anchor.sub(t).add_(eps) for t in (positive, negative))
    near, far = ((d * d).sum(1).sqrt_() for d in (to_near, to_far))
    short = margin + near - far
    active = (short >= 0).double()
    losses = short.clamp_min_(0)
    if not wanted:
        return losses, ()
    to_near.mul_((active / near.masked_fill(near == 0, torch.inf)).unsqueeze(1))
    to_far.mul_((active / far.masked_fill(far == 0, torch.inf)).unsqueeze(1))
    slopes = {1: -to_near if 1 in wanted else to_near, 2: to_far}
    if 0 in wanted:
        slopes[0] = to_near - to_far
    return losses, tuple(slopes[place] for place in wanted)


TRIPLET = Formula(triplet_losses, elementwise=False)
EUCLIDEAN = Formula(
    triplet_losses, euclidean_kernel, slopes_for=(0, 1, 2), block_entries=2**16, elementwise=False
)


def _check_triplet(where: str, margin: float, *tensors: Tensor) -> None:
    if margin <= 0:
        came = f"margin must be greater than 0, got {margin}"
        raise OptionError(teach(where, came, "margin > 0"))
    names = ("anchor", "positive", "negative")
    for name, t in zip(names, tensors, strict=True):
        checks.check_floating(where, name, t)
    a, p, n = (t.dim() for t in tensors)
    if not a == p == n:
        raise ShapeError(
            teach(
                where,
                "The anchor, positive, and negative tensors are expected to have the same number"
                f" of dimensions, but got: anchor {a}D, positive {p}D, and negative {n}D inputs",
                "three tensors of equal shape (N, D) or (D)",
                "one example where a batch belongs",
                "expand it to the batch: positive.expand_as(anchor)",
            )
        )
    checks.check_same_device(where, **dict(zip(names, tensors, strict=True)))


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    r"""How far the unlike falls short of being farther than the like, by the margin.

    .. math:: \ell_i = \max(0, m + d(a_i, p_i) - d(a_i, n_i)),\quad
       d(a, b) = \lVert a - b + \varepsilon\rVert_p

    ``eps`` keeps torch's default and is applied as given. ``swap`` takes the distance from
    positive to negative where it is the smaller one.

    Shape: three equal shapes (D) or (..., D); one loss per row.
    Dtype: floating.
    Units: the embedding's unit.
    Raises: ShapeError, DtypeError, DeviceError, OptionError.
    Reference: Balntas et al. (2016), Learning local feature descriptors with triplets.

    >>> a, n = torch.zeros(1, 2), torch.tensor([[0.5, 0.0]])
    >>> triplet_margin_loss(a, a, n)
    tensor(0.5000)
    """
    where = "triplet_margin_loss"
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction(where, reduction)
    _check_triplet(where, margin, anchor, positive, negative)
    _check_equal(where, anchor, positive, negative)
    dtype = common_dtype(anchor, positive, negative)
    rows = tuple(_as_rows(t.to(dtype)) for t in (anchor, positive, negative))
    options = {"margin": margin, "p": p, "eps": eps, "swap": swap}
    formula = EUCLIDEAN if p == 2 and not swap else TRIPLET
    result = evaluate(formula, rows, options, reduction, rows[0].shape[0])
    return result.view(anchor.shape[:-1]) if reduction == "none" else result


def _check_equal(where: str, anchor: Tensor, positive: Tensor, negative: Tensor) -> None:
    checks.check_same_shape(where, anchor=anchor, positive=positive)
    checks.check_same_shape(where, anchor=anchor, negative=negative)


def _as_rows(t: Tensor) -> Tensor:
    return t.reshape(t.shape[:-1].numel(), t.shape[-1:].numel())


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Distance | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    r"""The triplet loss of any distance.

    .. math:: \ell_i = \max(0, m + d(a_i, p_i) - d(a_i, n_i))

    Without a ``distance_function`` it is :func:`triplet_margin_loss` with its defaults.

    Shape: whatever the distance takes; its results are reduced.
    Dtype: floating.
    Units: the distance's unit.
    Raises: ShapeError, DtypeError, DeviceError, OptionError.
    Reference: Balntas et al. (2016), Learning local feature descriptors with triplets.

    >>> def city_block(a, b):
    ...     return (a - b).abs().sum(-1)
    >>> a, n = torch.zeros(1, 2), torch.tensor([[0.25, 0.25]])
    >>> triplet_margin_with_distance_loss(a, a, n, distance_function=city_block)
    tensor(0.5000)
    """
    where = "triplet_margin_with_distance_loss"
    check_reduction(where, reduction)
    _check_triplet(where, margin, anchor, positive, negative)
    norm = _plain_norm(distance_function)
    if norm is not None:
        p, eps = norm
        loss = triplet_margin_loss(
            anchor, positive, negative, margin, p, eps, swap, reduction=reduction
        )
        # A distance is not on torch's list of what autocast makes float32.
        return loss.to(common_dtype(anchor, positive, negative, autocast=False))
    assert distance_function is not None
    near, far = distance_function(anchor, positive), distance_function(anchor, negative)
    checks.check_same_shape(where, near_distance=near, far_distance=far)
    if swap:
        far = torch.minimum(far, distance_function(positive, negative))
    dtype = common_dtype(near, far, autocast=False)
    wide = wide_dtype(near.to(dtype))
    losses = (margin + near.to(wide) - far.to(wide)).clamp_min(0)
    return reduce(losses, reduction).to(dtype)


def _plain_norm(distance: Distance | None) -> tuple[float, float] | None:
    """The p and eps of torch's own distance, which the exact formula can take over."""
    if distance is None or distance is torch.pairwise_distance:
        return 2.0, 1e-6
    if type(distance) is torch.nn.PairwiseDistance and not distance.keepdim:
        return distance.norm, distance.eps
    return None


class TripletMarginLoss(ShowsSettings, torch.nn.TripletMarginLoss):
    """Module of :func:`triplet_margin_loss`, with the same keywords.

    >>> TripletMarginLoss(swap=True)
    TripletMarginLoss(reduction='mean', margin=1.0, p=2.0, eps=1e-06, swap=True)
    """

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """See :func:`triplet_margin_loss`."""
        return triplet_margin_loss(
            anchor,
            positive,
            negative,
            margin=self.margin,
            p=self.p,
            eps=self.eps,
            swap=self.swap,
            reduction=self.reduction,
        )


class TripletMarginWithDistanceLoss(ShowsSettings, torch.nn.TripletMarginWithDistanceLoss):
    """Module of :func:`triplet_margin_with_distance_loss`, with the same keywords.

    >>> TripletMarginWithDistanceLoss(margin=0.5).margin
    0.5
    """

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """See :func:`triplet_margin_with_distance_loss`."""
        return triplet_margin_with_distance_loss(
            anchor,
            positive,
            negative,
            distance_function=self.distance_function,
            margin=self.margin,
            swap=self.swap,
            reduction=self.reduction,
        )
