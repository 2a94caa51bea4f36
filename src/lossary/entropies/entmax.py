"""Alpha-entmax for any alpha from 1 on: one dial from softmax to sparsemax and beyond."""

import torch
from torch import Tensor

from lossary.core.dtypes import autocast_dtype, wide_dtype
from lossary.entropies._checks import check_dim, check_order, check_tensor
from lossary.entropies._entmax_root import entmax_root
from lossary.entropies._entmax_slopes import attach
from lossary.entropies._numerics import log_softmax
from lossary.entropies.sparsemax import entmax15_last, sparsemax_last

FIX = "alpha=1 (softmax), alpha=1.5 or alpha=2 (sparsemax)"


def entmax(x: Tensor, alpha: float = 1.5, dim: int = -1) -> Tensor:
    r"""The distribution that a Tsallis entropy makes of scores: softmax at 1, sparsemax at 2.

    .. math:: \hat y = \arg\max_{p \in \Delta} \langle p, x\rangle - \Omega_\alpha(p)
       = [(\alpha - 1) x - \tau]_+^{1 / (\alpha - 1)}

    ``alpha`` 1, 1.5 and 2 are exact; any other is found by bisection. The larger alpha, the
    more classes get exactly 0. ``-inf`` scores are masked classes.

    Shape: ``x`` (..., n, ...) with n scores along ``dim``; the result has the same shape.
    Dtype: floating; computed in a wider dtype and rounded once.
    Units: scores in, probabilities out; derivatives up to the third are exact for any alpha.
    Raises: ShapeError, DtypeError, OptionError (alpha below 1).
    Reference: Peters, Niculae & Martins (2019), arXiv 1905.05702; Correia, Niculae & Martins
    (2019), Adaptively sparse transformers, arXiv 1909.00015.

    >>> entmax(torch.tensor([1.0, 0.0, -2.0]), alpha=1.25)
    tensor([0.7745, 0.2242, 0.0013])
    """
    check_tensor("entmax", "x", x)
    check_dim("entmax", "x", x, dim)
    alpha = check_order("entmax", "alpha", alpha, low=1.0, fix=FIX)
    p = entmax_last(x.to(wide_dtype(x)).movedim(dim, -1), alpha)
    return p.movedim(-1, dim).to(autocast_dtype(x))


def entmax_last(x: Tensor, alpha: float) -> Tensor:
    """Alpha-entmax along the last dimension, in the dtype given."""
    if alpha == 1:
        return log_softmax(x).exp()
    if alpha == 1.5:
        return entmax15_last(x)
    return sparsemax_last(x) if alpha == 2 else bisected_last(x, alpha)


def bisected_last(x: Tensor, alpha: float) -> Tensor:
    """Alpha-entmax by bisection, for any alpha above 1."""
    with torch.no_grad():
        p, anchor = entmax_root(x.detach(), alpha)
    return attach(x, p, anchor, alpha)
