"""A cap on scores, ``c tanh(s / c)``, whose slope keeps its digits where the scores saturate.

The slope is ``1 - tanh**2``, of which near the cap nothing is left to subtract from; made of ``e =
exp(-2 |s| / c)`` it is ``4 e / (1 + e)**2``, to the last place.
"""

import torch
from torch import Tensor


def capped(scores: Tensor, cap: float) -> Tensor:
    """The bounded scores, by operations whose derivatives of every order keep their digits.

    >>> capped(torch.tensor([0.0, 3.0, 1e9]), 30.0)
    tensor([ 0.0000,  2.9900, 30.0000])
    """
    u = scores / cap
    rises = u >= 0
    v = torch.where(rises, u, -u)  # not abs, whose derivative at 0 is 0
    e = torch.exp(-2 * v)
    fall = 1 - e
    # Near 0 its value is expm1's; its slope is that of exp, which expm1's would lose again.
    fall = fall + (-torch.expm1(-2 * v) - fall).detach()
    height = fall / (1 + e)
    return cap * torch.where(rises, height, -height)


def slope_of_cap(scores: Tensor, cap: float) -> Tensor:
    """The derivative of the bounded scores by these, in their place.

    >>> slope_of_cap(torch.tensor([0.0, 300.0]), 30.0)
    tensor([1.0000e+00, 8.2446e-09])
    """
    e = scores.div_(cap).abs_().mul_(-2).exp_()
    return e.div_((e + 1).square_()).mul_(4)
