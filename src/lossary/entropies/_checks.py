"""Checks of what the entropies are given; shared with the measures built on them."""

import math

import torch
from torch import Tensor

from lossary.core import checks
from lossary.core.errors import DomainError, DtypeError, OptionError, ShapeError, teach


def check_tensor(where: str, name: str, t: object) -> Tensor:
    """Refuse what is no floating tensor."""
    if not isinstance(t, Tensor):
        came = f"got {name} of type {type(t).__name__}"
        raise DtypeError(teach(where, came, "a tensor", fix=f"torch.as_tensor({name})"))
    checks.check_floating(where, name, t)
    return t


def check_dim(where: str, name: str, t: Tensor, dim: int) -> None:
    """Refuse a dimension that the tensor lacks, or that holds no outcome at all."""
    if isinstance(dim, bool) or not isinstance(dim, int) or not -t.dim() <= dim < t.dim():
        came = f"got dim={dim!r} for {name} of shape {checks.shape(t)}"
        expected = f"the dimension of the outcomes, from {-t.dim()} to {t.dim() - 1}"
        cause = "a single number: a distribution needs a dimension" if not t.dim() else ""
        raise ShapeError(teach(where, came, expected, cause, "dim=-1 is the last one"))
    if t.shape[dim] == 0:
        came = f"got {name} of shape {checks.shape(t)}, which has no outcome along dim={dim}"
        raise ShapeError(teach(where, came, "at least one outcome; the batch may be empty"))


def check_order(where: str, name: str, order: object, low: float, allow_inf: bool = False) -> float:
    """Refuse an order that is no number, below ``low``, or infinite where that has no meaning."""
    number = isinstance(order, (int, float)) and not isinstance(order, bool)
    value = float(order) if isinstance(order, (int, float)) else math.nan
    if number and value >= low and (allow_inf or value < math.inf) and value > -math.inf:
        return value
    bound = "a finite number" if low == -math.inf else f"a number from {low:g} on"
    expected = bound + (", or math.inf" if allow_inf else "")
    fix = f"{name}=0.5 or {name}=2, say; a tensor's number is tensor.item()"
    raise OptionError(teach(where, f"got {name}={order!r}", expected, fix=fix))


def sum_tolerance(dtype: torch.dtype, n: int) -> float:
    """How far from 1 rounding alone may carry the sum of ``n`` probabilities of a dtype.

    >>> f"{sum_tolerance(torch.float32, 100):.1e}"
    '2.1e-06'
    """
    return min((8 + math.sqrt(n)) * torch.finfo(dtype).eps, 0.05)


def check_distribution(where: str, name: str, p: Tensor, dim: int | tuple[int, ...]) -> None:
    """Refuse rows that are no distribution: a negative entry, a NaN, or a sum other than 1."""
    if not p.numel() or not checks.readable(p):
        return
    p = p.detach()
    check_not_negative(where, name, p)
    size = math.prod(p.shape[d] for d in ((dim,) if isinstance(dim, int) else dim))
    check_sums(where, name, p.double().sum(dim), sum_tolerance(p.dtype, size))


def check_sums(where: str, name: str, sums: Tensor, tolerance: float) -> None:
    """Refuse sums of probabilities that are not 1; nothing is normalised silently."""
    off = (sums - 1).abs()
    if bool((off <= tolerance).all()):
        return
    worst = float(sums.flatten()[off.nan_to_num(torch.inf).flatten().argmax()])
    raise DomainError(
        teach(
            where,
            f"{name} sums to {worst:.9g} along its outcomes",
            f"probabilities that sum to 1 (within {tolerance:.1g}, what rounding explains)",
            "unnormalised scores or counts passed as probabilities",
            f"did you mean Logits(x)? Logits({name}) takes scores, LogProbs({name}) takes"
            f" log-probabilities; counts are divided by their sum",
        )
    )


def check_not_negative(where: str, name: str, p: Tensor, strictly: bool = False) -> None:
    """Refuse negative entries and NaN; ``strictly`` refuses 0 as well."""
    if not p.numel() or not checks.readable(p):
        return
    low = float(p.detach().amin())
    if low > 0 or (low == 0 and not strictly):
        return
    smallest = "a NaN" if math.isnan(low) else f"a smallest entry of {low:.6g}"
    raise DomainError(
        teach(
            where,
            f"{name} has {smallest}",
            "positive numbers" if strictly else "probabilities or rates: no entry below 0",
            "logits or log-probabilities passed as probabilities",
            f"did you mean Logits(x)? Logits({name}) takes scores, LogProbs({name}) takes"
            f" log-probabilities",
        )
    )
