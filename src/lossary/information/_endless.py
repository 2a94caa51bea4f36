"""Infinite values as constants, so that a loss which masks them out gets no NaN back."""

from collections.abc import Callable

import torch
from torch import Tensor


def infinities_apart(f: Callable[[Tensor], Tensor], x: Tensor, safe: float) -> Tensor:
    """``f(x)``, entry by entry; where that is infinite, its slope is 0 and not inf.

    Even an upstream gradient of 0 makes NaN of an infinite slope. ``safe`` is where ``f`` is
    finite, slope included.

    >>> x = torch.tensor([0.0, torch.inf], requires_grad=True)
    >>> y = infinities_apart(torch.exp, x, 0.0)
    >>> y.tolist(), torch.autograd.grad(y[0], x)[0].tolist()
    ([1.0, inf], [1.0, 0.0])
    """
    value = f(x.detach())
    endless = value.isinf()
    return torch.where(endless, value, f(torch.where(endless, safe, x)))
