"""The derivatives of alpha-entmax, given its probabilities: those of the implicit function."""

import torch
from torch import Tensor

from lossary.entropies._numerics import picked

# Newton steps that stay in the graph: k of them carry derivatives up to order 2**k - 1.
GRAPH_STEPS = 2


def attach(x: Tensor, p: Tensor, anchor: Tensor, alpha: float) -> Tensor:
    """``p``, unchanged, as a function of ``x`` that can be differentiated.

    ``p_i ** a = p_k ** a + a (x_i - x_k)`` moves with ``x_i - x_k``, and with the anchor
    ``p_k`` that Newton's steps hold to a sum of 1. At the root the steps move nothing, and what
    they are made of is exactly 0, so that only their derivatives are left.
    """
    a = alpha - 1
    # Not p > 0, which would take NaN for 0.
    kept = ~(p == 0)
    safe_p = torch.where(kept, p, 1)
    held = picked(p, anchor)
    share = (held / safe_p) ** a
    # Classes tied at a tiny probability have a slope beyond the largest number.
    steep = (a * safe_p**-a).clamp(max=torch.finfo(x.dtype).max)
    # The anchor does not move against itself: x - x would leave rounding of a huge slope.
    rise = torch.where(kept & ~anchor, x - picked(x, anchor), 0)
    lift = steep * (rise - rise.detach())
    scale = torch.ones_like(held)
    for _ in range(GRAPH_STEPS):
        height = 1 + share * (scale**a - 1) + lift
        total = torch.where(kept, safe_p * height ** (1 / a), 0).sum(-1, keepdim=True)
        pull = torch.where(kept, safe_p * share * height ** (1 / a - 1), 0).sum(-1, keepdim=True)
        scale = scale - (total - total.detach()) / (pull * scale ** (a - 1))
    height = 1 + share * (scale**a - 1) + lift
    return torch.where(kept, safe_p * height ** (1 / a), 0)
