"""What a monitor adds up, by a compiled kernel that is told where tensors lie."""

from functools import cache

import torch
from torch import Tensor

from lossary.kernels.cpu import _tally_rows
from lossary.kernels.cpu.express import Kernel


@cache
def _kernel(dtype: torch.dtype) -> Kernel:
    return Kernel(_tally_rows.add, dtype)


def add(
    x: Tensor, target: Tensor, weight: Tensor | None, sums: Tensor,
    first: int, step: int, ignored: int, smoothing: float,
) -> bool:  # fmt: skip
    """Add every ``step``-th row to the sums; False, and nothing added, if a target is no class."""
    weight_at = 0 if weight is None else weight.data_ptr()
    return not _kernel(x.dtype)(
        x.data_ptr(), target.data_ptr(), weight_at, sums.data_ptr(), sums.shape[0],
        x.shape[0], x.shape[1], first, step, ignored, smoothing,
    )  # fmt: skip
