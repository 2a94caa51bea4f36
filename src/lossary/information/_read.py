"""How the measures read what they are given: probabilities and their logarithms, wide."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lossary.core import checks
from lossary.core.distributions import Distribution, Logits, LogProbs, Probs
from lossary.core.dtypes import autocast_dtype, wide_dtype
from lossary.core.errors import DomainError, OptionError, teach
from lossary.entropies._alike import check_alike
from lossary.entropies._checks import check_dim, check_tensor
from lossary.entropies._numerics import log_or_masked, log_softmax
from lossary.entropies._sums import check_distribution, check_log_distribution
from lossary.information._indices import check_no_class_indices

Wrapper = Probs | LogProbs | Logits
# torch's functions of these names take the truth last: scores given first may be the belief.
TORCH_SWAPS = ("cross_entropy", "kl_divergence")
TRUTH_FIRST = "; or torch's order of arguments: here the truth comes first"


@dataclass(frozen=True)
class Mass:
    """Probabilities in the dtype to compute in, outcomes along the last dimension.

    ``log_p`` is ``-inf`` where an outcome is impossible, and passes no gradient there.
    ``scores`` is what softmax was given, if it was; ``exact_p`` says that ``p`` came as it is.
    """

    p: Tensor
    log_p: Tensor
    scores: Tensor | None = None
    exact_p: bool = False


def wrapped(
    where: str, name: str, given: Distribution, dim: int, over: Sequence[int] = ()
) -> Wrapper:
    """A plain tensor as the probabilities that it must hold; a wrapper as it is.

    ``over`` names the dimensions of the outcomes for the errors, if there are several.
    """
    if isinstance(given, (LogProbs, Logits)):
        check_tensor(where, name, given.tensor, f"{type(given).__name__}(x.float())")
    else:
        dims = tuple(over) or (given.dim if isinstance(given, Probs) else dim)
        counts = f"{name} / {name}.sum({dims}, keepdim=True) for counts"
        t = given.tensor if isinstance(given, Probs) else given
        t = check_tensor(where, name, t, f"{counts}, {name}.float() for one-hot rows")
    if isinstance(given, Tensor):
        return Probs(given, dim)
    if dim not in (-1, given.dim):
        came = f"got dim={dim} beside {name}={type(given).__name__}(..., dim={given.dim})"
        fix = f"{type(given).__name__}(tensor, dim={dim})"
        raise OptionError(teach(where, came, "one dim: a wrapper carries its own", fix=fix))
    return given


def read(where: str, name: str, given: Distribution, dim: int) -> tuple[Mass, torch.dtype]:
    """One distribution, checked; and the dtype to answer in."""
    one = checked(where, name, given, dim)
    dtype = autocast_dtype(one.tensor)
    return mass(one, one.tensor.to(wide_dtype(one.tensor)).movedim(one.dim, -1)), dtype


def checked(where: str, name: str, given: Distribution, dim: int) -> Wrapper:
    """One distribution with its wrapper, or an error that teaches."""
    one = wrapped(where, name, given, dim)
    check_dim(where, name, one.tensor, one.dim)
    check_values(where, name, one, one.dim)
    return one


def read_pair(
    where: str, p: Distribution, q: Distribution, dim: int, names: tuple[str, str] = ("p", "q")
) -> tuple[Mass, Mass, torch.dtype]:
    """Two distributions over the same outcomes, checked; and the dtype to answer in."""
    both, last, dtype = checked_pair(where, p, q, dim, names)
    wide = wide_dtype(last[0].to(dtype))
    a, b = (mass(one, t.to(wide)) for one, t in zip(both, last, strict=True))
    return a, b, dtype


def checked_pair(
    where: str, p: Distribution, q: Distribution, dim: int, names: tuple[str, str] = ("p", "q")
) -> tuple[list[Wrapper], list[Tensor], torch.dtype]:
    """Two distributions, checked; their tensors with the outcomes last; the dtype to answer in."""
    check_no_class_indices(where, names, (p, q), dim)
    both = [wrapped(where, name, given, dim) for name, given in zip(names, (p, q), strict=True)]
    for name, one in zip(names, both, strict=True):
        check_dim(where, name, one.tensor, one.dim)
    last = [one.tensor.movedim(one.dim, -1) for one in both]
    shown = [_outcomes_last(name, one) for name, one in zip(names, both, strict=True)]
    check_alike(where, True, **dict(zip(shown, last, strict=True)))
    swapped = where in TORCH_SWAPS
    for name, note, one in zip(names, (TRUTH_FIRST if swapped else "", ""), both, strict=True):
        check_values(where, name, one, one.dim, note)
    dtype = torch.promote_types(*(autocast_dtype(t) for t in last))
    return both, last, dtype


def mass(kind: Wrapper, wide: Tensor) -> Mass:
    """Probabilities and logarithms of a wide tensor whose outcomes are last."""
    if isinstance(kind, Logits):
        log_p = log_softmax(wide)
        return Mass(log_p.exp(), log_p, scores=wide)
    if isinstance(kind, LogProbs):
        return Mass(wide.exp(), wide)
    return Mass(wide, log_or_masked(wide), exact_p=True)


def _outcomes_last(name: str, one: Wrapper) -> str:
    """How the tensor with its outcomes last is written, so that a fix can name it."""
    last = one.dim in (-1, one.tensor.dim() - 1)
    return name if last else f"{name}.movedim({one.dim}, -1)"


def check_values(
    where: str, name: str, one: Wrapper, dim: int | tuple[int, ...], note: str = ""
) -> None:
    """Refuse values that make no distribution, where values may be read."""
    t = one.tensor
    if isinstance(one, Probs):
        check_distribution(where, name, t, dim, wraps=True, note=note)
    elif isinstance(one, LogProbs):
        check_log_distribution(where, name, t, dim, note=note)
    elif t.numel() and checks.readable(t):
        _check_scores(where, name, t.detach(), dim)


def _check_scores(where: str, name: str, t: Tensor, dim: int | tuple[int, ...]) -> None:
    top = t.amax(dim)
    if bool(top.isfinite().all()):
        return
    worst = top[~top.isfinite()].flatten()[0].item()
    came, cause = f"{name} has a row that holds {worst}", "an overflow or a 0 / 0 upstream"
    if worst == -math.inf:
        came, cause = f"every outcome of a row of {name} is masked (-inf)", "a mask over all"
    raise DomainError(teach(where, came, "scores below inf, one of them finite", cause))


def log_base(where: str, base: float | None) -> float:
    """Nats per unit of the answer: 1 for nats, ``log 2`` for bits.

    >>> log_base("entropy", None)
    1.0
    """
    if base is None:
        return 1.0
    number = isinstance(base, (int, float)) and not isinstance(base, bool)
    if not number or not 1 < base < math.inf:
        came = f"got base={base!r}"
        expected = "None for nats, 2 for bits, 10 for hartleys; any number above 1"
        raise OptionError(teach(where, came, expected, fix="base=2"))
    return math.log(base)


def answer(nats: Tensor, scale: float, dtype: torch.dtype) -> Tensor:
    """Nats in the unit asked for, rounded once."""
    return (nats if scale == 1 else nats / scale).to(dtype)
