"""The probabilities of alpha-entmax, found by bisection; nothing here is differentiated."""

import math

import torch
from torch import Tensor

# Halvings of a bracket about as wide as log n + 40: the last ones are below one ulp.
HALVINGS = 60


def entmax_root(x: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """Probabilities along the last dimension, and a mask of the one class that anchors them.

    On the support ``p_i ** a = p_k ** a + a (x_i - x_k)`` with ``a = alpha - 1``, whichever
    class ``k`` anchors it, so that one number is left to find. With the leader as anchor up to
    alpha 2, and the last class of the support beyond, no probability moves faster than the
    anchor's: the sum tells them all, where a threshold in scores would not (at alpha = 50 a
    probability is the 49th root of what the threshold leaves).
    """
    a = alpha - 1
    top = _one(x, x.argmax(-1, keepdim=True))
    anchor = top if a <= 1 else _one(x, _last_supported(x, a))
    # Bound by bound: exp(log_p) of the anchor is at most 1, and at least what rounding of the
    # sum of the others leaves of 1, shared by all.
    rise = x - torch.where(anchor, x, 0).sum(-1, keepdim=True)
    high = torch.zeros_like(x[..., :1])
    low = high - math.log(x.shape[-1]) + math.log(torch.finfo(x.dtype).eps / 2)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        too_low = _log_p(rise, middle, a).exp().sum(-1, keepdim=True) < 1
        low, high = torch.where(too_low, middle, low), torch.where(too_low, high, middle)
    p = _log_p(rise, high, a).exp()
    return p / p.sum(-1, keepdim=True), anchor


def _log_p(rise: Tensor, log_anchor: Tensor, a: float) -> Tensor:
    """Logarithms of the probabilities, from that of the anchor; ``-inf`` off the support."""
    if a <= 1:
        # Every rise is a fall below the leader. As a nears 0 this becomes log_softmax.
        lost = a * rise * torch.exp(-a * log_anchor)
        return log_anchor + torch.log1p(lost.clamp(min=-1)) / a
    # The anchor's power may underflow, its logarithm does not.
    above = torch.logaddexp(torch.log(a * rise.clamp(min=0)), a * log_anchor) / a
    return torch.where(rise < 0, -torch.inf, above)


def _last_supported(x: Tensor, a: float) -> Tensor:
    """The index of the weakest class with a probability: without it the others sum to < 1."""
    falls, order = x.sort(-1, descending=True)
    first, out = (torch.zeros_like(order[..., :1]) for _ in range(2))
    out = out + x.shape[-1]
    # int(): a size that torch.compile traces as a symbol has no bit_length.
    for _ in range(int(x.shape[-1]).bit_length()):
        rank = (first + out) // 2
        rise = (falls - falls.gather(-1, rank)).clamp(min=0)
        others = torch.exp(torch.log(a * rise) / a).sum(-1, keepdim=True)
        inside = others < 1
        first, out = torch.where(inside, rank, first), torch.where(inside, out, rank)
    return order.gather(-1, first)


def _one(x: Tensor, index: Tensor) -> Tensor:
    return torch.arange(x.shape[-1], device=x.device) == index
