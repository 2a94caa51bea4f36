"""The compiled kernels of small tensors, each with the format that it reads."""

from functools import cache
from typing import Any

import numpy as np
import torch

from lossary.kernels.cpu import _express_entries, _express_rows
from lossary.kernels.cpu._arrays import array, computing


class Kernel:
    """A compiled function and the formats, stored and computed in, that it is told of."""

    __slots__ = ("function", "like", "wide", "wide_like")

    def __init__(self, function: Any, dtype: torch.dtype) -> None:
        self.function = function
        self.wide = computing(dtype)
        self.like: np.ndarray[Any, Any] = array(torch.zeros(1, dtype=dtype, device="cpu"))
        self.wide_like: np.ndarray[Any, Any] = array(torch.zeros(1, dtype=self.wide, device="cpu"))

    def __call__(self, *arguments: Any) -> int:
        """0, or why it declined."""
        answer: int = self.function(self.like, self.wide_like, *arguments)
        return answer


@cache
def kernel(name: str, dtype: torch.dtype) -> Kernel:
    """The kernel of a loss for one dtype."""
    home = (
        _express_rows if name in ("hard", "hard_medium", "smoothed", "soft") else _express_entries
    )
    return Kernel(getattr(home, name), dtype)
