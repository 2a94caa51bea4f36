"""Why rows are no distribution: the likely cause and its fix, read off the values refused."""

import math
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

Advice = tuple[str, str]
# Sums this near 1 come from rounding to a few digits; scores rarely come so near.
NEAR_ONE = 0.02
# Entries this little below 0 come from a difference such as 1 - p.sum().
HARDLY_NEGATIVE = 1e-4


def sum_tolerance(dtype: torch.dtype, n: int) -> float:
    """How far from 1 rounding alone may carry the sum of ``n`` probabilities of a dtype.

    >>> f"{sum_tolerance(torch.float32, 100):.1e}"
    '2.1e-06'
    """
    return min((8 + math.sqrt(n)) * torch.finfo(dtype).eps, 0.05)


@dataclass(frozen=True)
class Refused:
    """What was refused: its name, its values along its dimensions of outcomes, who asked.

    ``wraps`` says that the caller takes ``Logits`` and ``LogProbs``; ``note`` is what else
    may be wrong when scores stand where probabilities belong.
    """

    name: str
    values: Tensor
    dims: tuple[int, ...]
    wraps: bool = False
    note: str = ""

    @property
    def size(self) -> int:
        """How many outcomes a row has."""
        return math.prod(self.values.shape[d] for d in self.dims)

    @property
    def over(self) -> str:
        """The dimensions as they are written in a call."""
        return str(self.dims[0] if len(self.dims) == 1 else self.dims)

    @property
    def normalised(self) -> str:
        """The expression that divides by the sum."""
        return f"{self.name} / {self.name}.sum({self.over}, keepdim=True)"


def why_nan(name: str) -> Advice:
    """For a NaN among the entries."""
    cause = "a 0 / 0 upstream, as of counts of nothing, or an inf - inf"
    return cause, f"{name}.isnan().nonzero() says where"


def why_negative(given: Refused) -> Advice:
    """For probabilities with an entry below 0."""
    p = given.values.double()
    if bool((p <= 0).all()) and _near_one(p.exp().sum(given.dims)):
        fix = f"LogProbs({given.name})" if given.wraps else f"{given.name}.exp()"
        return "these look like log-probabilities" + given.note, fix
    if float(p.amin()) >= -HARDLY_NEGATIVE and _near_one(p.sum(given.dims)):
        clamped = f"{given.name} = {given.name}.clamp(min=0)"
        return "rounding, as in 1 - p.sum()", f"{clamped}, then {given.normalised}"
    return _scores(given, "scores passed as probabilities")


def why_not_one(given: Refused) -> Advice:
    """For probabilities, none below 0, whose sum is not 1."""
    p = given.values.double()
    sums = p.sum(given.dims)
    if not bool(sums.isfinite().all()):
        return "an overflow upstream, such as exp of large scores", _softmax(given)
    if advice := _elsewhere(given, p) or _conditional(given, p):
        return advice
    if _near_one(sums):
        return _rounding(given, sums, given.normalised)
    if bool((sums == 0).any()):
        fix = f"leave such rows out; if they are scores: {_softmax(given)}"
        return "a row of zeros: counts of nothing, or scores before training", fix
    if bool((p == p.round()).all()):
        fix = f"{given.normalised}; if they are scores: {_softmax(given)}"
        return "counts passed as probabilities", fix
    fix = f"{given.normalised} for weights"
    return _scores(given, "scores or weights passed as probabilities", fix)


def why_logs_not_one(given: Refused) -> Advice:
    """For log-probabilities whose exponentials do not sum to 1."""
    t, name = given.values.double(), given.name
    p = t.exp()
    sums = p.sum(given.dims)
    if bool(t.isnan().any()):
        return why_nan(name)
    if bool((t >= 0).all()) and _near_one(t.sum(given.dims)):
        return f"these look like probabilities: Probs({name})", f"Probs({name})"
    if advice := _elsewhere(given, p):
        return advice
    if _near_one(sums):
        return _rounding(given, sums, f"{name} - {name}.logsumexp({given.over}, keepdim=True)")
    for base in (2, 10):
        if bool(((t * math.log(base)).exp().sum(given.dims) - 1).abs().le(1e-5).all()):
            return f"logarithms to base {base}", f"LogProbs({name} * math.log({base}))"
    return _scores(given, "unnormalised scores passed as log-probabilities")


def _near_one(sums: Tensor) -> bool:
    return bool(((sums - 1).abs() <= NEAR_ONE).all())


def _elsewhere(given: Refused, p: Tensor) -> Advice | None:
    """Other dimensions along which the same numbers do sum to 1."""
    rank = p.dim()
    taken = {d % rank for d in given.dims}
    for dims in combinations(range(rank), len(given.dims)):
        size = math.prod(p.shape[d] for d in dims)
        if set(dims) == taken or size == 1:
            continue
        if bool(((p.sum(dims) - 1).abs() <= sum_tolerance(torch.float32, size)).all()):
            single = -1 if dims[0] == rank - 1 else dims[0]
            says = f"dim={single}" if len(dims) == 1 else f"dims={dims}"
            return f"another dimension: the sums are 1 along {says}", says
    return None


def _conditional(given: Refused, p: Tensor) -> Advice | None:
    """A table whose rows each sum to 1: p(y | x) where p(x, y) belongs."""
    for d in given.dims if len(given.dims) > 1 else ():
        if p.shape[d] > 1 and _near_one(p.sum(d)):
            cause = f"a conditional table (its sums along dim {d} are 1) where a joint one belongs"
            return cause, f"{given.name} * p_x.unsqueeze({d}), p_x being how likely each row is"
    return None


def _rounding(given: Refused, sums: Tensor, fix: str) -> Advice:
    t, narrow = given.values, sum_tolerance(torch.float32, given.size)
    # Logarithms carry the rounding of their sum twice.
    near = bool(((sums - 1).abs() <= 2 * narrow).all())
    # A float64 answer promises 15 digits. Numbers that sum to 1 to 7 digits cannot keep that
    # promise, so they are refused, and the user decides: divide them, or stay in float32.
    if near and t.dtype == torch.float64 and torch.equal(t.float().double(), t):
        cause = f"float32 numbers in a float64 tensor: float32 rounding leaves up to {narrow:.0e}"
        return cause, f"{fix}; or stay in float32 (it is computed in float64 anyway)"
    return "rounding: numbers written with few digits, or of a narrower dtype", fix


def _softmax(given: Refused) -> str:
    return f"Logits({given.name})" if given.wraps else f"{given.name}.softmax({given.over})"


def _scores(given: Refused, cause: str, otherwise: str = "") -> Advice:
    ask = "did you mean Logits(x)? " if given.wraps else ""
    fix = f"{ask}{_softmax(given)} for scores"
    return cause + given.note, fix + (f"; {otherwise}" if otherwise else "")
