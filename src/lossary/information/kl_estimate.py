"""Monte-Carlo estimates of a KL divergence from log-probabilities of samples."""

import torch
from torch import Tensor

from lossary.core.dtypes import autocast_dtype, wide_dtype
from lossary.core.errors import OptionError, teach
from lossary.entropies._alike import check_alike
from lossary.entropies._checks import check_tensor
from lossary.entropies._numerics import exp_gap
from lossary.information._endless import infinities_apart
from lossary.information._read import answer, log_base

WHERE = "kl_estimate"
KINDS = ("k1", "k2", "k3")


def kl_estimate(
    log_p: Tensor, log_q: Tensor, kind: str = "k3", *, base: float | None = None
) -> Tensor:
    r"""What each sample drawn from ``p`` says about D(p || q); their mean is the estimate.

    .. math:: d = \log q(x) - \log p(x), \qquad k_1 = -d, \quad k_2 = \tfrac12 d^2, \quad
       k_3 = e^d - 1 - d

    ``k1`` is unbiased and may be negative; ``k2`` is never negative and biased, slightly where
    p and q are close; ``k3`` is both unbiased and never negative. The samples must come from
    ``p``: if they came from an older policy, the mean estimates something else. Differentiating
    the mean does not give the gradient of the divergence, since the samples do not move: the
    gradient of ``k1`` by ``log_q`` does, that of ``k3`` by ``log_p`` does not.

    Shape: ``log_p`` and ``log_q`` equal; one estimate per entry, nothing is reduced.
    Dtype: floating, promoted; computed wider and rounded once.
    Units: nats; ``base=2`` gives bits.
    Raises: ShapeError, DtypeError, DeviceError, OptionError.
    Reference: Schulman (2020), Approximating KL divergence, joschu.net/blog/kl-approx.html.

    >>> log_p, log_q = torch.tensor([-1.0]), torch.tensor([-1.0001])
    >>> [f"{kl_estimate(log_p, log_q, kind).item():.3e}" for kind in ("k1", "k2", "k3")]
    ['1.000e-04', '5.002e-09', '5.001e-09']
    """
    scale = log_base(WHERE, base)
    if kind not in KINDS:
        raise OptionError(teach(WHERE, f"got kind={kind!r}", f"one of {KINDS}", fix="kind='k3'"))
    check_tensor(WHERE, "log_p", log_p)
    check_tensor(WHERE, "log_q", log_q)
    check_alike(WHERE, False, log_p=log_p, log_q=log_q)
    dtype = torch.promote_types(autocast_dtype(log_p), autocast_dtype(log_q))
    wide = wide_dtype(log_p.to(dtype))
    d = log_q.to(wide) - log_p.to(wide)
    return answer(_estimate(d, kind), scale, dtype)


def _estimate(d: Tensor, kind: str) -> Tensor:
    if kind == "k1":
        return 0 - d
    return infinities_apart(_half_square if kind == "k2" else exp_gap, d, 0.0)


def _half_square(d: Tensor) -> Tensor:
    return d * d / 2
