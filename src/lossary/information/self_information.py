"""Self-information: the surprise of one event."""

import math

from torch import Tensor

from lossary.core import checks
from lossary.core.distributions import Distribution, Logits, LogProbs, Probs
from lossary.core.dtypes import autocast_dtype, wide_dtype
from lossary.core.errors import DomainError, teach
from lossary.entropies._causes import why_nan
from lossary.entropies._numerics import log_or_masked
from lossary.information._read import answer, log_base, read, wrapped

WHERE = "self_information"


def self_information(p: Distribution, *, dim: int = -1, base: float | None = None) -> Tensor:
    r"""How surprising each event is: the rarer it was thought to be, the more.

    .. math:: I(p) = -\log p

    The events need not make up a distribution: 0.5 alone has an answer. Only ``Logits`` are
    read along ``dim``, since softmax must know what they compete with. An impossible event is
    infinitely surprising and passes no gradient.

    Shape: any, kept.
    Dtype: floating, kept; computed wider and rounded once.
    Units: nats; ``base=2`` gives bits.
    Raises: DtypeError, ShapeError, DomainError (a probability outside [0, 1]), OptionError.
    Reference: Shannon (1948); Tribus (1961) for the word surprisal.

    >>> import torch
    >>> self_information(torch.tensor([1.0, 0.5, 0.25, 0.0]), base=2)
    tensor([0., 1., 2., inf])
    """
    scale = log_base(WHERE, base)
    one = wrapped(WHERE, "p", p, dim)
    if isinstance(one, Logits):
        given, dtype = read(WHERE, "p", one, one.dim)
        return answer(0 - given.log_p, scale, dtype).movedim(-1, one.dim)
    _check_events(one)
    t = one.tensor
    wide = t.to(wide_dtype(t))
    log_p = wide if isinstance(one, LogProbs) else log_or_masked(wide)
    return answer(0 - log_p, scale, autocast_dtype(t))


def _check_events(one: Probs | LogProbs) -> None:
    t = one.tensor
    if not t.numel() or not checks.readable(t):
        return
    low, high = (float(v) for v in t.detach().aminmax())
    if isinstance(one, LogProbs):
        if not high <= 0:
            came = f"got log-probabilities up to {high:.6g}"
            cause = "logits that were not normalised"
            raise DomainError(
                teach(WHERE, came, "logarithms of probabilities: none above 0", cause, "Logits(x)")
            )
    elif not (low >= 0 and high <= 1):
        came = f"got probabilities from {low:.6g} to {high:.6g}"
        raise DomainError(teach(WHERE, came, "numbers from 0 to 1", *_why(low, high)))


def _why(low: float, high: float) -> tuple[str, str]:
    if math.isnan(low):
        return why_nan("p")
    if high <= 0:
        return "logarithms passed as probabilities", "LogProbs(p); for scores Logits(p)"
    fix = "did you mean Logits(x)? Logits(p) for scores"
    if low >= 0:
        return "counts or scores", f"p / p.sum(-1, keepdim=True) for counts; {fix}"
    return "scores passed as probabilities", fix
