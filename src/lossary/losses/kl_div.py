"""Kullback-Leibler divergence in torch's form: log-predictions first, entry by entry."""

import math
import warnings

import torch
from torch import Tensor

from lossary.core import checks
from lossary.core.dtypes import wide_dtype
from lossary.core.errors import DomainError, teach
from lossary.core.reduction import REDUCTIONS, legacy_reduction
from lossary.kernels.formula import Formula
from lossary.kernels.select import evaluate
from lossary.losses._express_pair import express_pair
from lossary.losses._module import ShowsSettings
from lossary.losses._pairs import paired

WHERE = "kl_div"


def kl_losses(x: Tensor, y: Tensor, logs: bool) -> Tensor:
    """``y (log y - x)``, where 0 log 0 and 0 * inf are 0."""
    x = x.masked_fill((y == 0) & (x == -torch.inf), 0)
    # Next to an infinite target its logarithm outweighs any prediction that is finite.
    endless = (y == torch.inf) & x.isfinite()
    x = torch.where(endless, x - x.detach() - 1, x)
    # entr(y) = -y log y keeps the slope -inf at 0 where xlogy(y, y) gives NaN.
    entropies: Tensor = torch.special.entr(y)
    return -entropies - y * x


def kl_log_losses(x: Tensor, log_y: Tensor, logs: bool) -> Tensor:
    """``e^t (t - x)`` for a target given as its logarithm ``t``; a target of 0 has t = -inf."""
    # It costs nothing, but 0 times a NaN, or times an infinite promise, is no number.
    absent = (log_y == -torch.inf) & (x < torch.inf)
    t = log_y.masked_fill(absent, 0)
    return (t.exp() * (t - x.masked_fill(absent, 0))).masked_fill(absent, 0)


def kl_kernel(
    wanted: tuple[int, ...], x: Tensor, y: Tensor, logs: bool
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The difference of logarithms is made wide; the slope is just ``-y``."""
    wide_x, wide_y = x.to(wide_dtype(x)), y.to(wide_dtype(x))
    # A target of 0 gets some finite logarithm, which its 0 then takes away.
    smallest = torch.finfo(wide_y.dtype).tiny
    losses = wide_y.clamp_min(smallest).log_().sub_(wide_x).mul_(wide_y)
    return losses, (-y,) if wanted else ()


def kl_log_kernel(
    wanted: tuple[int, ...], x: Tensor, log_y: Tensor, logs: bool
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The same for a target given as its logarithm."""
    wide_t = log_y.to(wide_dtype(x), copy=True)
    y = wide_t.exp()
    return wide_t.sub_(x.to(wide_t.dtype)).mul_(y), (y.neg_(),) if wanted else ()


KL = Formula(kl_losses, kl_kernel, fused="divergence")
KL_LOG = Formula(kl_log_losses, kl_log_kernel, fused="divergence")


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    r"""Extra surprise, in nats, of seeing the target through the predicted log-probabilities.

    .. math:: \ell_i = y_i (\log y_i - x_i)

    ``input`` is the *logarithm* of the prediction and comes first; summed over a
    distribution this is D(target || prediction). :func:`lossary.kl_divergence` takes the
    truth first and needs no logarithm.

    Shape: equal shapes; torch would broadcast silently.
    Dtype: floating.
    Units: nats. ``batchmean`` divides by the first dimension and is the divergence per
    example; ``mean`` divides by every entry, classes included, as torch does.
    Raises: ShapeError, DtypeError, DeviceError, DomainError, OptionError.
    Reference: Kullback and Leibler (1951), On information and sufficiency.

    >>> p = torch.tensor([[0.4, 0.6]])
    >>> kl_div(p.log(), torch.tensor([[0.5, 0.5]]), reduction="sum")
    tensor(0.0204)
    """
    legacy = size_average is not None or reduce is not None
    if reduction == "mean" and not legacy and not torch.compiler.is_compiling():
        warnings.warn(
            "kl_div: reduction: 'mean' divides the total loss by both the batch size and the"
            " support size, which is not the divergence per example; 'batchmean' is.",
            stacklevel=2,
        )
    formula, options = KL_LOG if log_target else KL, {"logs": log_target}
    reduction = legacy_reduction(size_average, reduce, reduction)
    quick = _express(formula, options, input, target, reduction)
    if quick is not None:
        return quick
    x, y = paired(
        WHERE, input, target, reduction, (*REDUCTIONS, "batchmean"), refuse_nan=log_target
    )
    if not log_target:
        _check_not_negative(y, reduction)
    if reduction != "batchmean":
        return evaluate(formula, (x, y), options, reduction)
    return evaluate(formula, (x, y), options, "mean", x.shape[0] if x.dim() else 1)


def _express(
    formula: Formula, options: dict[str, bool], input: Tensor, target: Tensor, reduction: str
) -> Tensor | None:
    """The whole loss in one compiled call, if the tensors are small."""
    if not isinstance(input, Tensor) or not input.dim():
        return None
    count = input.numel() if reduction == "mean" else 1
    if reduction == "batchmean":
        reduction, count = "mean", input.shape[0]
    settings = (bool(options["logs"]), float(count))
    pair = (input, target)
    return express_pair("divergence", formula, options, pair, reduction, settings, count)


def _check_not_negative(y: Tensor, reduction: str) -> None:
    if not y.numel() or not checks.readable(y):
        return
    smallest = float(y.detach().amin())
    if math.isnan(smallest):
        checks.check_not_nan(WHERE, y, reduction)
        smallest = float(y.detach().nan_to_num(nan=0.0).amin())
    if smallest < 0:
        raise DomainError(
            teach(
                WHERE,
                f"got a target with a smallest entry of {smallest:.6g}",
                "probabilities: no entry below 0",
                "a target that is a logarithm",
                "log_target=True",
            )
        )


class KLDivLoss(ShowsSettings, torch.nn.KLDivLoss):
    """Module of :func:`kl_div`, with the same keywords.

    >>> KLDivLoss(reduction="batchmean")
    KLDivLoss(reduction='batchmean', log_target=False)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """See :func:`kl_div`."""
        return kl_div(input, target, reduction=self.reduction, log_target=self.log_target)
