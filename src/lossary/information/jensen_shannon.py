"""Jensen-Shannon divergence: a Kullback-Leibler divergence that is symmetric and bounded."""

import torch
from torch import Tensor

from lossary.core.distributions import Distribution
from lossary.core.errors import OptionError, teach
from lossary.entropies._numerics import kl_terms
from lossary.information._from_logits import from_logits
from lossary.information._pairs import Pair, of_logits, pair
from lossary.information._read import answer, log_base
from lossary.kernels.formula import Formula

WHERE = "jensen_shannon_divergence"
# exp(30) is far from overflow in float32, and beyond it the mixture is q alone to rounding.
FAR = 30.0


def jensen_shannon_divergence(
    p: Distribution,
    q: Distribution,
    *,
    weight: float = 0.5,
    dim: int = -1,
    base: float | None = None,
) -> Tensor:
    r"""How much an outcome tells about which of two distributions it was drawn from.

    .. math:: \mathrm{JS}_w(p, q) = w\,D(p \,\|\, m) + (1 - w)\,D(q \,\|\, m),
       \qquad m = w p + (1 - w) q

    ``weight`` w is the share of ``p`` in the mixture. Always finite: at most the entropy of
    the weights, ``log 2`` at one half, where it is symmetric. This is the divergence; its
    square root is the Jensen-Shannon distance (``scipy.spatial.distance.jensenshannon``).

    Shape: ``p`` and ``q`` (..., n, ...), equal once their outcomes are put last; the
    outcomes are reduced.
    Dtype: floating, promoted; computed wider and rounded once.
    Units: nats; ``base=2`` gives bits.
    Raises: ShapeError, DtypeError, DeviceError, DomainError, OptionError.
    Reference: Lin (1991), Divergence measures based on the Shannon entropy.

    >>> jensen_shannon_divergence(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]), base=2)
    tensor(1.)
    """
    scale = log_base(WHERE, base)
    w = check_weight(weight)
    options = {"nats": scale, "weight": w}
    fused = from_logits(WHERE, OF_LOGITS, p, q, dim, options)
    if fused is not None:
        return fused
    both, dtype = pair(WHERE, p, q, dim)
    return answer(_divergence(both, w), scale, dtype)


def _divergence(both: Pair, w: float) -> Tensor:
    # An absent outcome has no finite slope by its probability: it passes none.
    a, b = (torch.where(mass.log_p == -torch.inf, 0, mass.p) for mass in (both.p, both.q))
    m = w * a + (1 - w) * b
    # Both logarithms of the mixture come from d = log(q / p), each exact on its own.
    to_p, to_q = _mixture_log(both.d, 1 - w), _mixture_log(-both.d, w)
    terms = w * kl_terms(a, m, to_p) + (1 - w) * kl_terms(b, m, to_q)
    return terms.sum(-1)


def logit_jensen_shannon(x: Tensor, y: Tensor, nats: float, weight: float) -> Tensor:
    """The divergence of two softmaxes, row by row."""
    return _divergence(of_logits(x, y), weight) / nats


OF_LOGITS = Formula(logit_jensen_shannon, fused="logit_jensen_shannon", elementwise=False)


def check_weight(weight: object) -> float:
    """Refuse a share that leaves one of the two out."""
    if isinstance(weight, (int, float)) and 0 < weight < 1:
        return float(weight)
    expected = "the share of p in the mixture: a number between 0 and 1, both excluded"
    raise OptionError(teach(WHERE, f"got weight={weight!r}", expected, fix="weight=0.5"))


def _mixture_log(d: Tensor, share: float) -> Tensor:
    """``log(1 + share (exp d - 1))`` without overflow; inf where d is."""
    above, below = d > FAR, d < -1
    near = torch.log1p(share * torch.expm1(torch.where(above | below, 0, d)))
    large = torch.where(above, d, FAR)
    beyond = large + torch.log(share + (1 - share) * torch.exp(-large))
    # Far below 0 the slope of expm1 is exp, which its own derivative rounds away.
    under = torch.log((1 - share) + share * torch.exp(torch.where(below, d, 0)))
    return torch.where(above, beyond, torch.where(below, under, near))
