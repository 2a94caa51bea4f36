"""Kullback-Leibler divergence: what believing q costs where p is true."""

from torch import Tensor

from lossary.core.distributions import Distribution
from lossary.information._from_logits import from_logits
from lossary.information._pairs import kl, of_logits, pair
from lossary.information._read import answer, log_base
from lossary.kernels.formula import Formula

WHERE = "kl_divergence"


def logit_divergence(x: Tensor, y: Tensor, nats: float) -> Tensor:
    """D(p || q) of two softmaxes, row by row."""
    return kl(of_logits(x, y)).sum(-1) / nats


OF_LOGITS = Formula(logit_divergence, fused="logit_divergence", elementwise=False)


def kl_divergence(
    p: Distribution, q: Distribution, *, dim: int = -1, base: float | None = None
) -> Tensor:
    r"""The extra surprise of one who believes ``q`` where ``p`` is the truth: D(p || q).

    .. math:: D(p \,\|\, q) = \sum_i \Bigl(p_i \log\frac{p_i}{q_i} - p_i + q_i\Bigr)

    The first argument is the truth and the one that averages; D(q || p) is another number.
    (``torch.nn.functional.kl_div(log_q, p)`` takes them the other way round.) Infinite if
    ``q`` rules out what can happen under ``p``.

    For distributions the last two terms cancel. They are kept because floating probabilities
    sum to 1 only up to rounding: with them every term is at least 0, so the answer is never
    negative and is 0 for equal arguments. It follows that gradients by probabilities are
    ``log(p / q)`` and ``1 - p / q``, the textbook's up to a constant per row, which no change
    that keeps the sum can feel. The slope by a probability of 0 is taken to be 0, and so is
    that of an infinite term: a row that is masked out sends back 0, not NaN.

    Shape: ``p`` and ``q`` (..., n, ...), equal once their outcomes are put last; the
    outcomes are reduced.
    Dtype: floating, promoted; computed wider and rounded once.
    Units: nats; ``base=2`` gives bits.
    Raises: ShapeError, DtypeError, DeviceError, DomainError, OptionError.
    Reference: Kullback & Leibler (1951), On information and sufficiency.

    >>> import torch
    >>> kl_divergence(torch.tensor([0.5, 0.5]), torch.tensor([0.4, 0.6]))
    tensor(0.0204)
    """
    scale = log_base(WHERE, base)
    fused = from_logits(WHERE, OF_LOGITS, p, q, dim, {"nats": scale})
    if fused is not None:
        return fused
    both, dtype = pair(WHERE, p, q, dim)
    return answer(kl(both).sum(-1), scale, dtype)
