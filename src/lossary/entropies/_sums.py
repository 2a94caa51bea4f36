"""Refuse rows that are no distribution; nothing is normalised silently."""

import math

from torch import Tensor

from lossary.core import checks
from lossary.core.errors import DomainError, teach
from lossary.entropies._causes import (
    Advice,
    Refused,
    sum_tolerance,
    why_logs_not_one,
    why_nan,
    why_negative,
    why_not_one,
)

Dims = int | tuple[int, ...]


def check_distribution(
    where: str, name: str, p: Tensor, dim: Dims, *, wraps: bool = False, note: str = ""
) -> None:
    """Refuse rows that are no distribution: a negative entry, a NaN, or a sum other than 1."""
    if not p.numel() or not checks.readable(p):
        return
    p = p.detach()
    given = Refused(name, p, (dim,) if isinstance(dim, int) else dim, wraps, note)
    low = float(p.amin())
    if not low >= 0:
        came = f"{name} has " + ("a NaN" if math.isnan(low) else f"a smallest entry of {low:.6g}")
        advice = why_nan(name) if math.isnan(low) else why_negative(given)
        raise DomainError(teach(where, came, "probabilities: no entry below 0", *advice))
    sums, tolerance = p.double().sum(dim), sum_tolerance(p.dtype, given.size)
    if not _all_one(sums, tolerance):
        raise _refusal(where, name, sums, tolerance, why_not_one(given))


def check_log_distribution(
    where: str, name: str, log_p: Tensor, dim: Dims, *, note: str = ""
) -> None:
    """Refuse rows whose exponentials do not sum to 1."""
    if not log_p.numel() or not checks.readable(log_p):
        return
    log_p = log_p.detach()
    given = Refused(name, log_p, (dim,) if isinstance(dim, int) else dim, True, note)
    sums, tolerance = log_p.double().exp().sum(dim), 2 * sum_tolerance(log_p.dtype, given.size)
    if not _all_one(sums, tolerance):
        raise _refusal(where, f"exp({name})", sums, tolerance, why_logs_not_one(given))


def _all_one(sums: Tensor, tolerance: float) -> bool:
    return bool(((sums - 1).abs() <= tolerance).all())


def _refusal(where: str, name: str, sums: Tensor, tolerance: float, advice: Advice) -> DomainError:
    off = (sums - 1).abs().nan_to_num(math.inf)
    worst = float(sums.flatten()[off.flatten().argmax()])
    shown = f"{worst:.9g}"
    if shown == "1":
        shown = f"1 {'+' if worst > 1 else '-'} {abs(worst - 1):.1e}"
    came = f"{name} sums to {shown} along its outcomes"
    expected = f"probabilities that sum to 1 (within {tolerance:.1g}, what rounding explains)"
    return DomainError(teach(where, came, expected, *advice))
