"""Tensors as the arrays that kernels read: the same memory, half precision as its bits."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

_BITS = {torch.bfloat16: torch.int16, torch.float16: torch.uint16}


def array(t: Tensor) -> "np.ndarray[Any, Any]":
    """The tensor's own memory.

    >>> array(torch.ones(1, dtype=torch.bfloat16))
    array([16256], dtype=int16)
    """
    t = t.detach().resolve_neg()
    bits = _BITS.get(t.dtype)
    found: np.ndarray[Any, Any] = (t if bits is None else t.view(bits)).numpy()
    return found


def computing(dtype: torch.dtype) -> torch.dtype:
    """The dtype of one exponential: float64 for itself alone.

    >>> computing(torch.bfloat16)
    torch.float32
    """
    return torch.float64 if dtype == torch.float64 else torch.float32
