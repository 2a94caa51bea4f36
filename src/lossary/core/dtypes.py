"""Which dtype a loss computes in, and which it answers in."""

import torch
from torch import Tensor

HALF_DTYPES = (torch.float16, torch.bfloat16)


def accumulation_dtype(dtype: torch.dtype) -> torch.dtype:
    """The dtype that half precision computes in: float32; others compute in their own.

    >>> accumulation_dtype(torch.float16)
    torch.float32
    """
    return torch.float32 if dtype in HALF_DTYPES else dtype


def has_float64(device: torch.device) -> bool:
    """Whether the device can hold float64 at all (Apple's MPS cannot).

    >>> has_float64(torch.device("cpu"))
    True
    """
    return device.type != "mps"


def wide_dtype(x: Tensor) -> torch.dtype:
    """The dtype in which differences of nearly equal numbers keep their digits.

    ``softmax(x) - y`` near the optimum, ``log y - x`` near equality: in float32 such a
    difference loses the digits that the promise needs, so float32 is widened to float64.
    Half precision is widened to float32, which is as far beyond it.

    >>> wide_dtype(torch.zeros(1)), wide_dtype(torch.zeros(1, dtype=torch.bfloat16))
    (torch.float64, torch.float32)
    """
    if x.dtype == torch.float32 and has_float64(x.device):
        return torch.float64
    return accumulation_dtype(x.dtype)


def autocast_dtype(x: Tensor) -> torch.dtype:
    """The dtype that autocast gives a loss: float32 inside an autocast region, like torch.

    >>> autocast_dtype(torch.zeros(1, dtype=torch.bfloat16))
    torch.bfloat16
    """
    return torch.float32 if x.dtype in HALF_DTYPES and autocast_is_on(x) else x.dtype


def autocast_is_on(x: Tensor) -> bool:
    """Whether an autocast region covers the tensor's device (meta tensors know none).

    >>> autocast_is_on(torch.zeros(1, device="meta"))
    False
    """
    device = x.device.type
    return torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)
