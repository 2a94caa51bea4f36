"""Class indices given to a measure, which is what the loss of cross-entropy takes."""

from torch import Tensor

from lossary.core import checks
from lossary.core.distributions import Distribution, Logits, LogProbs, Probs
from lossary.core.errors import DtypeError, teach

LOSS = "lossary.functional.cross_entropy"


def check_no_class_indices(
    where: str, names: tuple[str, str], both: tuple[Distribution, Distribution], dim: int
) -> None:
    """Refuse integers of the shape of the other argument without its outcomes."""
    for name, one, other in zip(names, both, reversed(both), strict=True):
        if not isinstance(one, Tensor) or one.is_floating_point() or one.is_complex():
            continue
        table, along = _table(other, dim)
        if table is not None and one.shape == _without(table, along):
            came = f"got {name} of dtype {one.dtype} and shape {checks.shape(one)}"
            came += f" beside a tensor of shape {checks.shape(table)}"
            call = f"{LOSS}(logits, {name}){'.exp()' if where == 'perplexity' else ''}"
            hot = f"torch.nn.functional.one_hot({name}, {table.shape[along]}).float()"
            fix = f"{call} takes class indices; a measure takes {hot}"
            cause = "class indices where a distribution belongs"
            raise DtypeError(teach(where, came, "a probability per outcome", cause, fix))


def _table(given: Distribution, dim: int) -> tuple[Tensor | None, int]:
    if isinstance(given, (Probs, LogProbs, Logits)):
        return given.tensor, given.dim
    return (given, dim) if isinstance(given, Tensor) else (None, dim)


def _without(t: Tensor, dim: int) -> tuple[int, ...] | None:
    """The shape less one dimension, if there is such a one."""
    if not isinstance(dim, int) or not -t.dim() <= dim < t.dim():
        return None
    return tuple(n for d, n in enumerate(t.shape) if d != dim % t.dim())
