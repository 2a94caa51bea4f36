"""The f-divergence of any convex function."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from lossary.core.checks import readable
from lossary.core.distributions import Distribution
from lossary.core.errors import OptionError, teach
from lossary.information._pairs import Pair, pair

WHERE = "f_divergence"


def f_divergence(
    p: Distribution,
    q: Distribution,
    f: Callable[[Tensor], Tensor],
    *,
    slope_at_infinity: float = math.inf,
    dim: int = -1,
) -> Tensor:
    r"""The divergence that a convex function f with f(1) = 0 makes of the ratio p / q.

    .. math:: D_f(p \,\|\, q) = \sum_i q_i\, f\!\left(\frac{p_i}{q_i}\right)

    ``p`` is the truth. ``f`` is called with a tensor of ratios, 0 among them, and with a 1,
    where it must be 0; it must be made of torch operations. Where ``q`` is 0 and ``p`` is not,
    the term is ``p`` times ``slope_at_infinity``, the limit of ``f(t) / t``: inf for KL
    (t log t) and chi-squared, 1/2 for total variation (\|t - 1\| / 2). Accuracy is that of
    ``f`` near 1; the named divergences of this package keep every digit there, so prefer them
    where there is one. The slope by a probability of 0 is that of ``f`` at 0, infinite for
    t log t; a masked score has none.

    Shape: ``p`` and ``q`` (..., n, ...), equal once their outcomes are put last; the
    outcomes are reduced.
    Dtype: floating, promoted; ``f`` sees the wider dtype; rounded once.
    Units: those of ``f``.
    Raises: ShapeError, DtypeError, DeviceError, DomainError, OptionError.
    Reference: Ali & Silvey (1966); Csiszar (1963).

    >>> p, q = torch.tensor([0.5, 0.5]), torch.tensor([0.4, 0.6])
    >>> f_divergence(p, q, lambda t: (t - 1).abs() / 2, slope_at_infinity=0.5)
    tensor(0.1000)
    """
    if not callable(f):
        raise OptionError(teach(WHERE, f"got f={f!r}", "a function of a tensor of ratios"))
    both, dtype = pair(WHERE, p, q, dim)
    mass, base = both.p.p, both.q.p
    ratio, known = _ratios(both)
    seen = _applied(f, ratio.detach())
    # Constants: masked out, an infinite slope would turn the upstream 0 into NaN.
    endless = seen.isinf()
    finite = base * _applied(f, torch.where(endless, 1, ratio))
    if ratio.numel() and readable(mass, base):
        _check_zero_at_one(f, ratio)
    if slope_at_infinity == math.inf:
        lone = torch.where(mass > 0, torch.inf, torch.zeros_like(mass))
    else:
        lone = mass * slope_at_infinity
    terms = torch.where(known, torch.where(endless, seen.detach(), finite), lone)
    return terms.sum(-1).to(dtype)


def _ratios(both: Pair) -> tuple[Tensor, Tensor]:
    """``p / q`` where that is a number, and a mask that says where."""
    p, q = both.p, both.q
    known = q.log_p > -torch.inf
    if p.exact_p and q.exact_p:
        # The ratio of exact probabilities is exact.
        return torch.where(known, p.p, 1) / torch.where(known, q.p, 1), known
    # From scores it comes through logarithms, and may overflow.
    known = known & (both.d > -math.log(torch.finfo(p.p.dtype).max))
    # A masked outcome passes no slope, nor one that underflows, whatever that of f at 0 is.
    gone = known & (torch.exp(-both.d) == 0)
    ratio = torch.exp(torch.where(known & ~gone, -both.d, 0))
    return torch.where(gone, 0, ratio), known


def _applied(f: Callable[[Tensor], Tensor], ratio: Tensor) -> Tensor:
    """``f`` of the ratios, one number for each."""
    value = f(ratio)
    if isinstance(value, Tensor) and value.shape == ratio.shape:
        return value
    came = f"f of a tensor of shape {tuple(ratio.shape)} is "
    came += f"of shape {tuple(value.shape)}" if isinstance(value, Tensor) else repr(value)
    cause = "a sum inside f, or a function of plain numbers"
    raise OptionError(
        teach(WHERE, came, "one number per ratio", cause, "f=lambda t: torch.xlogy(t, t)")
    )


def _check_zero_at_one(f: Callable[[Tensor], Tensor], ratio: Tensor) -> None:
    """Refuse a function that finds a divergence where there is none."""
    with torch.no_grad():
        # One entry suffices, of the ratio's rank, since f may hold weights that broadcast.
        values = f(ratio.new_ones([1] * ratio.dim())).flatten()
    at_one = float(values[values.abs().argmax()])
    # Rounding inside f is forgiven, as far as half the digits.
    if abs(at_one) <= math.sqrt(torch.finfo(ratio.dtype).eps):
        return
    cause = "a function whose zero is elsewhere: equal distributions would differ"
    fix = f"subtract it: f=lambda t: ... - {at_one:.6g}"
    if not math.isfinite(at_one):
        cause, fix = "a function that is not defined at 1", "the limit at 1, through torch.where"
    raise OptionError(teach(WHERE, f"f(1) is {at_one:.6g}", "a convex f, f(1) = 0", cause, fix))
