"""How the measures read what they are given: probabilities and their logarithms, wide."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lossary.core import checks
from lossary.core.distributions import Distribution, Logits, LogProbs, Probs
from lossary.core.dtypes import autocast_dtype, wide_dtype
from lossary.core.errors import DomainError, OptionError, teach
from lossary.entropies._checks import (
    check_dim,
    check_distribution,
    check_sums,
    check_tensor,
    sum_tolerance,
)
from lossary.entropies._numerics import log_or_masked, log_softmax

Wrapper = Probs | LogProbs | Logits


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


def wrapped(where: str, name: str, given: Distribution, dim: int) -> Wrapper:
    """A plain tensor as the probabilities that it must hold; a wrapper as it is."""
    if not isinstance(given, (Probs, LogProbs, Logits)):
        check_tensor(where, name, given)
        return Probs(given, dim)
    check_tensor(where, f"{name}.tensor", given.tensor)
    if dim not in (-1, given.dim):
        came = f"got dim={dim} beside {name}={type(given).__name__}(..., dim={given.dim})"
        fix = f"{type(given).__name__}(tensor, dim={dim})"
        raise OptionError(teach(where, came, "one dim: a wrapper carries its own", fix=fix))
    return given


def read(where: str, name: str, given: Distribution, dim: int) -> tuple[Mass, torch.dtype]:
    """One distribution, checked; and the dtype to answer in."""
    one = wrapped(where, name, given, dim)
    check_dim(where, name, one.tensor, one.dim)
    check_values(where, name, one, one.dim)
    dtype = autocast_dtype(one.tensor)
    return mass(one, one.tensor.to(wide_dtype(one.tensor)).movedim(one.dim, -1)), dtype


def read_pair(
    where: str, p: Distribution, q: Distribution, dim: int, names: tuple[str, str] = ("p", "q")
) -> tuple[Mass, Mass, torch.dtype]:
    """Two distributions over the same outcomes, checked; and the dtype to answer in."""
    both = [wrapped(where, name, given, dim) for name, given in zip(names, (p, q), strict=True)]
    for name, one in zip(names, both, strict=True):
        check_dim(where, name, one.tensor, one.dim)
    last = [one.tensor.movedim(one.dim, -1) for one in both]
    tensors: dict[str, Tensor] = dict(zip(names, last, strict=True))
    checks.check_same_device(where, **tensors)
    checks.check_same_shape(where, "", **tensors)
    for name, one in zip(names, both, strict=True):
        check_values(where, name, one, one.dim)
    dtype = torch.promote_types(*(autocast_dtype(t) for t in last))
    wide = wide_dtype(last[0].to(dtype))
    a, b = (mass(one, t.to(wide)) for one, t in zip(both, last, strict=True))
    return a, b, dtype


def mass(kind: Wrapper, wide: Tensor) -> Mass:
    """Probabilities and logarithms of a wide tensor whose outcomes are last."""
    if isinstance(kind, Logits):
        log_p = log_softmax(wide)
        return Mass(log_p.exp(), log_p, scores=wide)
    if isinstance(kind, LogProbs):
        return Mass(wide.exp(), wide)
    return Mass(wide, log_or_masked(wide), exact_p=True)


def check_values(where: str, name: str, one: Wrapper, dim: int | tuple[int, ...]) -> None:
    """Refuse values that make no distribution, where values may be read."""
    t = one.tensor
    if isinstance(one, Probs):
        check_distribution(where, name, t, dim)
    elif not t.numel() or not checks.readable(t):
        return
    elif isinstance(one, LogProbs):
        dims = (dim,) if isinstance(dim, int) else dim
        size = math.prod(t.shape[d] for d in dims)
        sums = t.detach().double().exp().sum(dims)
        check_sums(where, f"exp({name})", sums, 2 * sum_tolerance(t.dtype, size))
    else:
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
