"""A capped score's slope at saturation, against 50 digits, on both ways."""

from __future__ import annotations

import mpmath
import pytest
import torch

import lossary.functional as F
from lossary.kernels.softcap import capped, slope_of_cap

CAP = 3.0


def exact(score: float) -> float:
    with mpmath.workdps(50):
        return float(mpmath.sech(mpmath.mpf(score) / CAP) ** 2)


@pytest.mark.parametrize("score", [0.0, 1e-20, -0.5, 4.0, 15.0, -20.0, 30.0, 90.0])
def test_the_slope_keeps_its_digits(score: float) -> None:
    x = torch.tensor([score], requires_grad=True)
    (slope,) = torch.autograd.grad(capped(x, CAP).sum(), x)
    assert float(slope) == pytest.approx(exact(score), rel=1e-5)
    assert float(slope_of_cap(x.detach().clone(), CAP)) == pytest.approx(exact(score), rel=1e-5)


def test_every_derivative_of_the_cap() -> None:
    x = torch.linspace(-9, 9, 7, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda t: capped(t, CAP), x)
    assert torch.autograd.gradgradcheck(lambda t: capped(t, CAP), x)


@pytest.mark.parametrize("level", ["fused", "formula"])
def test_a_saturated_linear_loss_still_learns(level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOSSARY_KERNELS", level)
    x, y = torch.ones(1200, 1), torch.zeros(1200).long()
    matrix = torch.zeros(1000, 1)
    matrix[1] = 27.0  # a wrong class, nine caps high
    grads = []
    for dtype in (torch.float32, torch.float64):
        w = matrix.to(dtype, copy=True).requires_grad_()
        F.linear_cross_entropy(x.to(dtype), w, y, logit_softcap=CAP, reduction="sum").backward()
        assert w.grad is not None
        grads.append(w.grad[1].double())
    assert float(grads[1]) > 0
    torch.testing.assert_close(grads[0], grads[1], rtol=1e-5, atol=0)
