"""Entropy and perplexity: the surprise to expect from a distribution."""

import torch
from torch import Tensor

from lossary.core.distributions import Distribution, Logits
from lossary.core.dtypes import autocast_dtype
from lossary.information._endless import infinities_apart
from lossary.information._read import Mass, answer, checked, log_base, mass, read
from lossary.information.cross_entropy import cross_entropy_nats
from lossary.kernels.formula import Formula
from lossary.kernels.select import SMALL_ENTRIES, items_by_kernel


def entropy(p: Distribution, *, dim: int = -1, base: float | None = None) -> Tensor:
    r"""How uncertain a distribution is: the surprise that its outcomes bring on average.

    .. math:: H(p) = -\sum_i p_i \log p_i

    ``0 log 0 = 0`` in value and gradient. The answer is never negative: an entry that rounding
    carried above 1 brings no surprise.

    Shape: (..., n, ...) with n outcomes along ``dim``, which is reduced.
    Dtype: floating, kept; computed wider and rounded once.
    Units: nats; ``base=2`` gives bits.
    Raises: ShapeError, DtypeError, DomainError (rows that do not sum to 1), OptionError.
    Reference: Shannon (1948), A mathematical theory of communication.

    >>> entropy(torch.tensor([0.4, 0.6])), entropy(torch.tensor([0.5, 0.5]), base=2)
    (tensor(0.6730), tensor(1.))
    """
    scale = log_base("entropy", base)
    if isinstance(p, Logits) and p.tensor.dim():
        quick = _by_kernel(p, dim, scale)
        if quick is not None:
            return quick
    given, dtype = read("entropy", "p", p, dim)
    return answer(entropy_nats(given), scale, dtype)


def logit_entropy(x: Tensor, nats: float) -> Tensor:
    """The entropy of rows of scores."""
    return entropy_nats(mass(Logits(x), x)) / nats


OF_LOGITS = Formula(logit_entropy, fused="logit_entropy", elementwise=False)


def _by_kernel(p: Logits, dim: int, scale: float) -> Tensor | None:
    """The entropy of large scores, read once; None where no kernel runs."""
    if not isinstance(p.tensor, Tensor) or p.tensor.numel() <= SMALL_ENTRIES:
        return None
    checked("entropy", "p", p, dim)
    x = p.tensor.to(autocast_dtype(p.tensor)).movedim(p.dim, -1)
    items = items_by_kernel(OF_LOGITS, (x.reshape(-1, x.shape[-1]),), {"nats": scale})
    return None if items is None else items.view(x.shape[:-1])


def perplexity(p: Distribution, q: Distribution | None = None, *, dim: int = -1) -> Tensor:
    r"""How many equally likely outcomes would be as uncertain as the distribution.

    .. math:: \mathrm{PP}(p) = e^{H(p)}, \qquad \mathrm{PP}(p, q) = e^{H(p, q)}

    With ``q``: how many outcomes a model that believes ``q`` seems to choose from when ``p``
    is the truth. No base is needed: 2 to the bits is e to the nats.

    Shape: (..., n, ...) with n outcomes along ``dim``, which is reduced.
    Dtype: floating, promoted; computed wider and rounded once.
    Units: outcomes, from 1 to n (and beyond with ``q``).
    Raises: ShapeError, DtypeError, DeviceError, DomainError, OptionError.
    Reference: Jelinek et al. (1977), Perplexity: a measure of the difficulty of speech
    recognition tasks.

    >>> perplexity(torch.tensor([0.25, 0.25, 0.25, 0.25]))
    tensor(4.)
    """
    if q is not None:
        nats, dtype = cross_entropy_nats("perplexity", p, q, dim)
        return infinities_apart(torch.exp, nats, 0.0).to(dtype)
    given, dtype = read("perplexity", "p", p, dim)
    return entropy_nats(given).exp().to(dtype)


def entropy_nats(given: Mass) -> Tensor:
    """``-sum p log p`` over the last dimension, wide."""
    return (given.p * (0 - seen_logs(given))).sum(-1)


def seen_logs(given: Mass) -> Tensor:
    """``log p``, 0 where p is 0 (so that 0 log 0 is 0), and never above 0."""
    log_p = torch.where(given.log_p == -torch.inf, 0, given.log_p)
    return log_p - log_p.detach().clamp(min=0)
