"""Places where torch's number is wrong and Lossary's is right, measured on this machine."""

from collections.abc import Callable
from typing import Any

import torch

import lossary
import lossary.functional
from lossary.tour import exact
from lossary.tour.results import Measured, Repair

# Rows of a half-precision batch: from 65,520 on, float16 cannot hold their number.
ROWS = 65_536


def confident() -> Repair:
    """Cross-entropy of a confident, correct prediction: small, but not nothing."""

    def value_and_slope(library: Any) -> tuple[float, float]:
        scores = torch.tensor([[20.0, 0.0]], requires_grad=True)
        loss = library.cross_entropy(scores, torch.tensor([0]))
        (slope,) = torch.autograd.grad(loss, scores)
        return loss.item(), slope[0, 0].item()

    (theirs, their_slope), (ours, our_slope) = _both(value_and_slope)
    value = exact.at_50_digits(lambda mp: mp.log1p(mp.exp(-20)))
    slope = exact.at_50_digits(lambda mp: -1 / (1 + mp.exp(20)))
    return Repair(
        "confident",
        "cross_entropy(tensor([[20., 0.]]), tensor([0]))",
        (Measured("value", theirs, ours, value), Measured("slope", their_slope, our_slope, slope)),
    )


def negative_logit() -> Repair:
    """Binary cross-entropy of a confident no: right on one side of zero, 0 on the other."""

    def value(library: Any) -> float:
        score, target = torch.tensor([-20.0]), torch.tensor([0.0])
        return float(library.binary_cross_entropy_with_logits(score, target))

    theirs, ours = _both(value)
    true = exact.at_50_digits(lambda mp: mp.log1p(mp.exp(-20)))
    return Repair(
        "negative_logit",
        "binary_cross_entropy_with_logits(tensor([-20.]), tensor([0.]))",
        (Measured("value", theirs, ours, true),),
    )


def half_precision() -> Repair:
    """A mean over a large float16 batch: the count overflows to infinity, the mean to 0."""

    def value(library: Any) -> float:
        scores = torch.tensor([[1.0, 0.0]], dtype=torch.float16).repeat(ROWS, 1)
        return float(library.cross_entropy(scores, torch.zeros(ROWS, dtype=torch.long)))

    theirs, ours = _both(value)
    # The answer is rounded once, to float16: that rounding belongs to the dtype, not the loss.
    true = exact.at_50_digits(lambda mp: mp.log1p(mp.exp(-1)))
    rounded = torch.tensor(true, dtype=torch.float64).to(torch.float16).item()
    return Repair(
        "half_precision",
        f"cross_entropy(tensor([[1., 0.]]).half().repeat({ROWS}, 1), zeros({ROWS}).long())",
        (Measured("value", theirs, ours, rounded),),
    )


def nearly_equal() -> Repair:
    """KL divergence of two nearly equal distributions: never negative, except in torch."""
    random = torch.Generator().manual_seed(6)
    x = torch.randn(10, generator=random)
    y = x + 1e-4 * torch.randn(10, generator=random)
    theirs = torch.nn.functional.kl_div(y.log_softmax(0), x.softmax(0), reduction="sum")
    ours = lossary.kl_divergence(lossary.Logits(x), lossary.Logits(y))

    def divergence(mp: Any) -> Any:
        p, q = (exact.softmax(mp, exact.exactly(mp, t)) for t in (x, y))
        return exact.kl_divergence(mp, p, q)

    measured = Measured("value", theirs.item(), ours.item(), exact.at_50_digits(divergence))
    return Repair("nearly_equal", "kl_divergence(Logits(x), Logits(x + 1e-4 * noise))", (measured,))


def _both(compute: Callable[[Any], Any]) -> tuple[Any, Any]:
    return compute(torch.nn.functional), compute(lossary.functional)


def repairs() -> tuple[Repair, ...]:
    """Measure them all."""
    return confident(), negative_logit(), half_precision(), nearly_equal()
