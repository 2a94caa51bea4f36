"""Places where torch's number is wrong and Lossary's is right, measured on this machine.

The code that the tour shows is the source of what ran; ``F`` is torch.nn.functional, then
lossary.functional.
"""

from typing import Any

import torch
from torch import Tensor

import lossary
import lossary.functional
from lossary.tour import exact
from lossary.tour.recipe import shown
from lossary.tour.results import Measured, Repair


def _confident(F: Any) -> Any:
    scores = torch.tensor([[20.0, 0.0]], requires_grad=True)
    loss = F.cross_entropy(scores, torch.tensor([0]))
    (slope,) = torch.autograd.grad(loss, scores)
    return loss.item(), slope[0, 0].item()


def confident() -> Repair:
    """Cross-entropy of a confident, correct prediction: small, but not nothing."""
    (theirs, their_slope), (ours, our_slope) = _both(_confident)
    value = exact.at_50_digits(lambda mp: mp.log1p(mp.exp(-20)))
    slope = exact.at_50_digits(lambda mp: -1 / (1 + mp.exp(20)))
    return Repair(
        "confident",
        shown(_confident),
        (Measured("value", theirs, ours, value), Measured("slope", their_slope, our_slope, slope)),
    )


def _negative_logit(F: Any) -> Any:
    score, target = torch.tensor([-20.0]), torch.tensor([0.0])
    return F.binary_cross_entropy_with_logits(score, target).item()


def negative_logit() -> Repair:
    """Binary cross-entropy of a confident no: right on one side of zero, 0 on the other."""
    theirs, ours = _both(_negative_logit)
    true = exact.at_50_digits(lambda mp: mp.log1p(mp.exp(-20)))
    return Repair(
        "negative_logit", shown(_negative_logit), (Measured("value", theirs, ours, true),)
    )


def _half_precision(F: Any) -> Any:
    scores = torch.tensor([[1.0, 0.0]]).half().repeat(65536, 1)
    return F.cross_entropy(scores, torch.zeros(65536, dtype=torch.long)).item()


def half_precision() -> Repair:
    """A mean over a large float16 batch: the count overflows to infinity, the mean to 0."""
    theirs, ours = _both(_half_precision)
    true = exact.at_50_digits(lambda mp: mp.log1p(mp.exp(-1)))
    measured = Measured("value", theirs, ours, true, dtype="float16")
    return Repair("half_precision", shown(_half_precision), (measured,))


def _pair() -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(6)
    x = torch.randn(10, generator=random)
    y = x + 1e-4 * torch.randn(10, generator=random)
    return x, y


def _kl_torch(F: Any, x: Tensor, y: Tensor) -> Any:
    return F.kl_div(y.log_softmax(0), x.softmax(0), reduction="sum").item()


def _kl_lossary(x: Tensor, y: Tensor) -> Any:
    return lossary.kl_divergence(lossary.Logits(x), lossary.Logits(y)).item()


def nearly_equal() -> Repair:
    """KL divergence of two nearly equal distributions: never negative, except in torch."""
    x, y = _pair()
    theirs, ours = _kl_torch(torch.nn.functional, x, y), _kl_lossary(x, y)

    def divergence(mp: Any) -> Any:
        p, q = (exact.softmax(mp, exact.exactly(mp, t)) for t in (x, y))
        return exact.kl_divergence(mp, p, q)

    return Repair(
        "nearly_equal",
        shown(_kl_lossary),
        (Measured("value", theirs, ours, exact.at_50_digits(divergence)),),
        torch_code=shown(_kl_torch),
        # All but the last line, which hands the two over.
        given=shown(_pair).rpartition("\n")[0],
    )


def _both(compute: Any) -> tuple[Any, Any]:
    return compute(torch.nn.functional), compute(lossary.functional)


def repairs() -> tuple[Repair, ...]:
    """Measure them all."""
    return confident(), negative_logit(), half_precision(), nearly_equal()
