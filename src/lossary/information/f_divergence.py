"""The f-divergence of any convex function."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from lossary.core.distributions import Distribution
from lossary.core.errors import OptionError, teach
from lossary.information._pairs import pair

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

    ``p`` is the truth. ``f`` is called once with a tensor of ratios, 0 among them, and must
    be made of torch operations. Where ``q`` is 0 and ``p`` is not, the term is ``p`` times
    ``slope_at_infinity``, the limit of ``f(t) / t``: inf for KL (t log t) and chi-squared,
    1/2 for total variation (\|t - 1\| / 2). Accuracy is that of ``f`` near 1; the named
    divergences of this package keep every digit there, so prefer them where there is one.

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
    believed = both.q.log_p > -torch.inf
    # The ratio of exact probabilities is exact; from scores it comes through their logarithms.
    exact = both.p.exact_p and both.q.exact_p
    safe = torch.where(believed, base, 1)
    ratio = mass / safe if exact else torch.exp(torch.where(believed, -both.d, 0))
    seen = base * f(ratio)
    if slope_at_infinity == math.inf:
        lone = torch.where(mass > 0, torch.inf, torch.zeros_like(mass))
    else:
        lone = mass * slope_at_infinity
    return torch.where(believed, seen, lone).sum(-1).to(dtype)
