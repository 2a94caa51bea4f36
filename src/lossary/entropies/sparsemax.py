"""Sparsemax and 1.5-entmax: exact; both give true zeros."""

import torch
from torch import Tensor

from lossary.core.dtypes import autocast_dtype, wide_dtype
from lossary.entropies._checks import check_dim, check_tensor
from lossary.kernels.projection import project


def sparsemax(x: Tensor, dim: int = -1) -> Tensor:
    r"""The distribution nearest to the scores: like softmax, but weak classes get exactly 0.

    .. math:: \hat y = \arg\min_{p \in \Delta} \|p - x\|^2 = [x - \tau]_+

    The threshold :math:`\tau` makes the result sum to 1. Differentiable any number of times
    within a support; ``-inf`` scores are masked classes.

    Shape: ``x`` (..., n, ...) with n scores along ``dim``; the result has the same shape.
    Dtype: floating; computed in a wider dtype and rounded once.
    Units: scores in, probabilities out.
    Raises: ShapeError, DtypeError.
    Reference: Martins & Astudillo (2016), From softmax to sparsemax, arXiv 1602.02068.

    >>> sparsemax(torch.tensor([1.0, 0.5, -1.0]))
    tensor([0.7500, 0.2500, 0.0000])
    """
    return _project("sparsemax", x, dim, 2.0)


def entmax15(x: Tensor, dim: int = -1) -> Tensor:
    r"""Halfway between softmax and sparsemax: smooth, yet weak classes get exactly 0.

    .. math:: \hat y = \arg\max_{p \in \Delta} \langle p, x\rangle - \Omega_{1.5}(p)
       = [x / 2 - \tau]_+^2

    with the Tsallis entropy :math:`\Omega_\alpha(p) = (\sum_i p_i^\alpha - 1) /
    (\alpha (\alpha - 1))`.

    Shape: ``x`` (..., n, ...) with n scores along ``dim``; the result has the same shape.
    Dtype: floating; computed in a wider dtype and rounded once.
    Units: scores in, probabilities out.
    Raises: ShapeError, DtypeError.
    Reference: Peters, Niculae & Martins (2019), Sparse sequence-to-sequence models,
    arXiv 1905.05702.

    >>> entmax15(torch.tensor([1.0, 0.0, -2.0]))
    tensor([0.8307, 0.1693, 0.0000])
    """
    return _project("entmax15", x, dim, 1.5)


def _project(where: str, x: Tensor, dim: int, alpha: float) -> Tensor:
    check_tensor(where, "x", x)
    check_dim(where, "x", x, dim)
    if alpha == 2 and x.dim():
        quick = project(sparsemax_last, x.to(autocast_dtype(x)).movedim(dim, -1))
        if quick is not None:
            return quick.movedim(-1, dim)
    scores = x.to(wide_dtype(x)).movedim(dim, -1)
    p = sparsemax_last(scores) if alpha == 2 else entmax15_last(scores)
    return p.movedim(-1, dim).to(autocast_dtype(x))


def sparsemax_last(x: Tensor) -> Tensor:
    """Sparsemax along the last dimension, in the dtype given."""
    x = x - x.detach().amax(-1, keepdim=True)
    kept = _sparsemax_support(x.detach())
    tau = (torch.where(kept, x, 0).sum(-1, keepdim=True) - 1) / kept.sum(-1, keepdim=True)
    return torch.where(kept, x - tau, _no_number(x))


def entmax15_last(x: Tensor) -> Tensor:
    """1.5-entmax along the last dimension, in the dtype given."""
    z = (x - x.detach().amax(-1, keepdim=True)) / 2
    kept = _entmax15_support(z.detach())
    count = kept.sum(-1, keepdim=True)
    mean = torch.where(kept, z, 0).sum(-1, keepdim=True) / count
    spread = torch.where(kept, (z - mean).masked_fill(~kept, 0) ** 2, 0).sum(-1, keepdim=True)
    tau = mean - ((1 - spread) / count).sqrt()
    return torch.where(kept, (z - tau).masked_fill(~kept, 0) ** 2, _no_number(z))


def _no_number(x: Tensor) -> Tensor:
    """NaN where a row holds one, or nothing but masked classes; 0 elsewhere."""
    return x.detach().masked_fill(~x.detach().isnan(), 0)


def _sorted_falls(x: Tensor) -> tuple[Tensor, Tensor]:
    """Scores below a maximum of 0, sorted downwards, and their ranks 1, 2, ..., n.

    A score more than 1 below the top is never in a support, so the floor at -2 changes
    nothing but keeps masked classes and huge scores out of the running sums.
    """
    falls = x.clamp(min=-2).sort(-1, descending=True).values
    return falls, torch.arange(1, x.shape[-1] + 1, dtype=x.dtype, device=x.device)


def _sparsemax_support(x: Tensor) -> Tensor:
    falls, rank = _sorted_falls(x)
    size = (1 + rank * falls > falls.cumsum(-1)).sum(-1, keepdim=True)
    tau = (torch.where(rank <= size, falls, 0).sum(-1, keepdim=True) - 1) / size
    return x > tau


def _entmax15_support(z: Tensor) -> Tensor:
    falls, rank = _sorted_falls(z)
    mean = falls.cumsum(-1) / rank
    spread = (falls**2).cumsum(-1) - rank * mean**2
    taus = mean - ((1 - spread) / rank).clamp(min=0).sqrt()
    size = (taus < falls).sum(-1, keepdim=True)
    return z > taus.gather(-1, size - 1)
