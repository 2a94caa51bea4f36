"""The quick way for small tensors: a formula's own kernel, whole, its slope kept.

Where all fits a cache many times over, an operation's overhead is all there is, and fewer
operations are the better kernel. Nothing is compiled, so that a first call does not wait.
"""

from typing import Any

import torch
from torch import Tensor

from lossary.core.dtypes import wide_dtype
from lossary.kernels.blocks import aligned, kernel_or_formula
from lossary.kernels.formula import Formula


class Once:
    """A :class:`~lossary.kernels.fused.FusedKernel` made of a formula's torch operations."""

    def __init__(self, formula: Formula, slope_wanted: bool) -> None:
        self.formula = formula
        self.wanted = (0,) if slope_wanted else ()

    def losses(
        self, tensors: tuple[Tensor, ...], options: dict[str, Any], summed: bool
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The losses, or their sum; the note is the slope itself."""
        if self.formula.fused is not None:
            # Wide, as its compiled kernel is: the two differ in the last digit at most.
            wide = wide_dtype(tensors[0])
            tensors = tuple(t.to(wide) if t.is_floating_point() else t for t in tensors)
        losses, slopes = kernel_or_formula(self.formula, options, self.wanted, tensors)
        return (losses.sum(dtype=torch.float64) if summed else losses), slopes

    def gradient(
        self,
        tensors: tuple[Tensor, ...],
        options: dict[str, Any],
        notes: tuple[Tensor, ...],
        scale: Tensor,
    ) -> Tensor:
        """The kept slope times each item's scale."""
        by = aligned(scale, notes[0])
        slope = notes[0] * by
        # What the caller masked out sends 0; an infinite slope must not make it NaN.
        slope.masked_fill_(by == 0, 0)
        return slope.to(tensors[0].dtype)
