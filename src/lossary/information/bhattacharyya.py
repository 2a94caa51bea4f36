"""Bhattacharyya distance: how little two distributions overlap, in nats."""

from torch import Tensor

from lossary.core.distributions import Distribution
from lossary.information._pairs import pair
from lossary.information._read import answer, log_base
from lossary.information.renyi import divergence_nats

WHERE = "bhattacharyya_distance"


def bhattacharyya_distance(
    p: Distribution, q: Distribution, *, dim: int = -1, base: float | None = None
) -> Tensor:
    r"""Minus the logarithm of the overlap of two distributions.

    .. math:: B(p, q) = -\log\sum_i \sqrt{p_i q_i}

    Symmetric, 0 for equal distributions, infinite for disjoint ones. Half the Renyi divergence
    of order 1/2. It bounds the error of telling the two apart.

    Shape: ``p`` and ``q`` (..., n, ...), equal once their outcomes are put last; the
    outcomes are reduced.
    Dtype: floating, promoted; computed wider and rounded once.
    Units: nats; ``base=2`` gives bits.
    Raises: ShapeError, DtypeError, DeviceError, DomainError, OptionError.
    Reference: Bhattacharyya (1943), On a measure of divergence between two populations.

    >>> import torch
    >>> bhattacharyya_distance(torch.tensor([0.5, 0.5]), torch.tensor([0.1, 0.9]))
    tensor(0.1116)
    """
    scale = log_base(WHERE, base)
    both, dtype = pair(WHERE, p, q, dim)
    return answer(divergence_nats(both, 0.5) / 2, scale, dtype)
