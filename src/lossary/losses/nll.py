"""Negative log-likelihood: the surprise of the true class, read off log-probabilities."""

import warnings
from functools import partial

import torch
from torch import Tensor

from lossary.core import checks
from lossary.core import reduction as reductions
from lossary.core.dtypes import HALF_DTYPES, wide_dtype
from lossary.core.transforms import reason_not_plain
from lossary.losses import _class_targets
from lossary.losses._module import ShowsSettings
from lossary.losses._native import straight

WHERE = "nll_loss"


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    r"""Surprise, in nats, of the true class under given log-probabilities.

    .. math:: \ell_i = -w_{y_i}\, x_{iy_i}

    Shape: ``input`` (C), (N, C) or (N, C, d1, ...); ``target`` class indices (), (N) or
    (N, d1, ...); ``weight`` (C).
    Dtype: floating input; any integer dtype for indices.
    Units: nats. ``mean`` divides by the summed weights of the counted targets; a mean over
    nothing is 0.
    Raises: ShapeError, DtypeError, DeviceError, ClassIndexError, OptionError.
    Reference: Fisher (1922), On the mathematical foundations of theoretical statistics.

    >>> nll_loss(torch.tensor([[0.25, 0.75]]).log(), torch.tensor([1]))
    tensor(0.2877)
    """
    reduction = reductions.legacy_reduction(size_average, reduce, reduction)
    if weight is None and type(ignore_index) is int:
        operator = partial(_operator, ignore_index)
        quick = straight(operator, input, target, reduction, torch.int64)
        if quick is not None:
            return quick
    reductions.check_reduction(WHERE, reduction)
    checks.check_floating(WHERE, "input", input)
    checks.check_tensor(WHERE, "target", target)
    checks.check_same_device(WHERE, input=input, target=target, weight=weight)
    native = input.dtype not in HALF_DTYPES and input.device.type == "cpu"
    native = native and reason_not_plain(input) is None
    checked = _class_targets.checked
    x, y = checked(WHERE, input, target, weight, ignore_index, read_indices=not native)
    if native:
        result = _native(x.contiguous(), y, weight, ignore_index, reduction)
        # torch's is exact and fast but for a mean over nothing, which is not finite.
        if reduction != "mean" or bool(result.isfinite()):
            return result.view(target.shape) if reduction == "none" else result
    losses = _picked(x, y, weight, ignore_index)
    if reduction == "none":
        return losses.to(x.dtype).view(target.shape)
    divisor = _class_targets.counted_weight(y, weight, ignore_index)
    return reductions.reduce(losses, reduction, divisor).to(x.dtype)


def _operator(ignore_index: int, x: Tensor, y: Tensor, mode: int) -> Tensor:
    result: Tensor = torch._C._nn.nll_loss(x, y, None, mode, ignore_index)  # type: ignore[attr-defined]
    return result


def _native(
    x: Tensor, y: Tensor, weight: Tensor | None, ignore_index: int, reduction: str
) -> Tensor:
    try:
        return torch.nn.functional.nll_loss(
            x, y, weight, ignore_index=ignore_index, reduction=reduction
        )
    except IndexError:
        # torch reads the indices anyway and refuses a wrong one: only then say it in our words.
        checks.check_class_indices(WHERE, y, x.shape[1], ignore_index)
        raise


def _picked(x: Tensor, y: Tensor, weight: Tensor | None, ignore_index: int) -> Tensor:
    counted = y != ignore_index
    safe = torch.where(counted, y, 0)
    # Only the picked entries are widened: the matrix of log-probabilities is never copied.
    losses = -x.gather(1, safe.unsqueeze(1)).squeeze(1).to(wide_dtype(x))
    if weight is not None:
        losses = losses * weight.to(losses.dtype)[safe]
    return losses.masked_fill(~counted, 0)


class NLLLoss(ShowsSettings, torch.nn.NLLLoss):
    """Module of :func:`nll_loss`, with the same keywords.

    >>> NLLLoss(ignore_index=0)
    NLLLoss(reduction='mean', ignore_index=0)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """See :func:`nll_loss`."""
        return nll_loss(
            input,
            target,
            weight=self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
        )


class NLLLoss2d(NLLLoss):
    """torch's deprecated name for :class:`NLLLoss` on images."""

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        warnings.warn(
            "NLLLoss2d has been deprecated. Please use NLLLoss instead as a drop-in replacement.",
            FutureWarning,
            stacklevel=2,
        )
        super().__init__(weight, size_average, ignore_index, reduce, reduction)
