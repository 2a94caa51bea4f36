"""Sparsemax of rows: only its result is kept.

Floor: the scores are read once and the result is written; backward reads the result and what
comes from above, and writes the gradient.
"""

import torch
from torch import Tensor

from lossary.kernels.cpu import _sparsemax_rows
from lossary.kernels.cpu._arrays import array
from lossary.kernels.cpu._threads import share


def project(x: Tensor) -> Tensor:
    """The distribution nearest to each row, in the rows' dtype."""
    out = torch.empty(x.shape, dtype=x.dtype, device="cpu")
    share(_sparsemax_rows.project, len(x), x.numel(), array(x), array(out))
    return out


def gradient(p: Tensor, upstream: Tensor) -> Tensor:
    """The slope of the rows, from the result and what comes from above."""
    out = torch.empty(p.shape, dtype=p.dtype, device="cpu")
    given = array(p), array(upstream.contiguous())
    share(_sparsemax_rows.gradient, len(p), p.numel(), *given, array(out))
    return out
