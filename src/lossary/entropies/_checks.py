"""Checks of what the entropies are given; shared with the measures built on them."""

import math

from torch import Tensor

from lossary.core import checks
from lossary.core.distributions import check_is_tensor
from lossary.core.errors import DomainError, DtypeError, OptionError, ShapeError, teach
from lossary.entropies._causes import why_nan


def check_tensor(where: str, name: str, t: object, of_integers: str = "") -> Tensor:
    """Refuse what is no floating tensor; ``of_integers`` says how integers become one."""
    check_is_tensor(where, name, t)
    assert isinstance(t, Tensor)
    if t.is_floating_point():
        return t
    cause = "counts, labels or a mask, read as integers"
    fix = of_integers or f"{name}.float()"
    if t.is_complex():
        cause = "amplitudes or a Fourier transform"
        fix = f"{name}.abs() ** 2 for the probabilities of amplitudes, {name}.real for real parts"
    expected = "a floating dtype (bfloat16, float16, float32 or float64)"
    raise DtypeError(teach(where, f"got {name} of dtype {t.dtype}", expected, cause, fix))


def check_dim(where: str, name: str, t: Tensor, dim: int) -> None:
    """Refuse a dimension that the tensor lacks, or that holds no outcome at all."""
    if not t.dim():
        came = f"got {name} of shape (), a single number"
        cause = "the probability or score of one outcome alone: a distribution needs a dimension"
        fix = "give all outcomes: torch.stack([p, 1 - p]) for a coin that shows heads with p"
        raise ShapeError(teach(where, came, "a dimension of outcomes", cause, fix))
    if isinstance(dim, bool) or not isinstance(dim, int) or not -t.dim() <= dim < t.dim():
        came = f"got dim={dim!r} for {name} of shape {checks.shape(t)}"
        expected = f"the dimension of the outcomes, from {-t.dim()} to {t.dim() - 1}"
        fix = "dim=-1 is the last one"
        if isinstance(dim, (tuple, list)):
            fix = f"one dimension: join several with {name}.flatten(start, end)"
        raise ShapeError(teach(where, came, expected, fix=fix))
    if t.shape[dim] == 0:
        came = f"got {name} of shape {checks.shape(t)}, which has no outcome along dim={dim}"
        raise ShapeError(teach(where, came, "at least one outcome; the batch may be empty"))


def check_order(
    where: str,
    name: str,
    order: object,
    low: float,
    *,
    above: bool = False,
    allow_inf: bool = False,
    fix: str = "",
) -> float:
    """Refuse an order that is no number, or outside ``low`` (excluded if ``above``) to inf."""
    value = math.nan
    if isinstance(order, (int, float)) and not isinstance(order, bool):
        value = float(order)
    enough = value > low if above else value >= low
    if enough and (allow_inf or value < math.inf) and value > -math.inf:
        return value
    expected = f"a finite number {'above' if above else 'from'} {low:g}{'' if above else ' on'}"
    if low == -math.inf:
        expected = "a finite number"
    elif allow_inf:
        expected = f"a number from {low:g} on, or math.inf"
    fix = fix or f"{name}=0.5 or {name}=2"
    if isinstance(order, Tensor):
        fix = f"{name}.item(): an order is a plain number"
    raise OptionError(teach(where, f"got {name}={order!r}", expected, fix=fix))


def check_rates(where: str, name: str, y: Tensor, strictly: bool = False) -> None:
    """Refuse negative rates and NaN; ``strictly`` refuses 0 as well."""
    if not y.numel() or not checks.readable(y):
        return
    low = float(y.detach().amin())
    if low > 0 or (low == 0 and not strictly):
        return
    expected = "positive numbers" if strictly else "counts or rates: no entry below 0"
    came = f"{name} has a smallest entry of {low:.6g}"
    cause = "standardised data, or logarithms, where rates belong"
    fix = f"{name}.exp() for logarithms"
    if math.isnan(low):
        came, (cause, fix) = f"{name} has a NaN", why_nan(name)
    elif low == 0:
        cause, fix = "empty bins, or silence in a spectrum", "leave them out; Poisson() takes 0"
    raise DomainError(teach(where, came, expected, cause, fix))
