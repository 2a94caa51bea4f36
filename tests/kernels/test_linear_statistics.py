"""Statistics of the tokens of a linear layer, in chunks: against the scores held whole."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import lossary.functional as F
import lossary.nn
from lossary.core.errors import OptionError
from lossary.kernels import explain_choice, linear_layer

TOLERANCE = {torch.float32: 2e-5, torch.float64: 1e-11, torch.bfloat16: 1e-2, torch.float16: 2e-3}


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear_layer, "CHUNK_SCORES", 7 * 130)
    monkeypatch.setattr("lossary.kernels.select.SMALL_SCORES", 0)


def made(dtype: torch.dtype) -> tuple[tuple[Tensor, Tensor, Tensor], Tensor]:
    """Input, matrix and bias; labels, some ignored."""
    x, w, b = torch.randn(24, 16), torch.randn(130, 16), torch.randn(130)
    y = torch.randint(130, (24,))
    y[::6] = -100
    return (x.to(dtype), w.to(dtype), b.to(dtype)), y


def run(
    tensors: tuple[Tensor, ...], y: Tensor, parts: tuple[float, ...], **options: Any
) -> list[Tensor]:
    """Loss and statistics, and the gradients of a weighted sum of them."""
    x, w, b = (t.detach().clone().requires_grad_() for t in tensors)
    loss, told = F.linear_cross_entropy_with_statistics(x, w, y, linear_bias=b, **options)
    ramp = torch.linspace(0.5, 2, 24, dtype=torch.float64).to(loss.dtype)
    each = [loss.sum(), (told.log_probability * ramp).sum(), (told.entropy * ramp).sum()]
    total = sum(a * t for a, t in zip(parts, each, strict=True) if a)
    assert isinstance(total, Tensor)
    first = torch.autograd.grad(total, (x, w, b), retain_graph=True)
    second = torch.autograd.grad(total, (x, w, b))
    assert all(torch.equal(p, q) for p, q in zip(first, second, strict=True))
    return [loss.detach(), *(t.detach() for t in told), *first]


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("parts", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (3.0, -2.0, 0.5)])
def test_loss_and_statistics(parts: tuple[float, ...], reduction: str, dtype: torch.dtype) -> None:
    tensors, y = made(dtype)
    weight = torch.rand(130, dtype=dtype)
    for options in ({}, {"logit_softcap": 5.0, "z_loss": 0.1, "label_smoothing": 0.1}):
        found = run(tensors, y, parts, reduction=reduction, weight=weight, **options)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("LOSSARY_KERNELS", "formula")
            wide = tuple(t.double() for t in tensors)
            exact = run(wide, y, parts, reduction=reduction, weight=weight.double(), **options)
        for a, b in zip(found, exact, strict=True):
            assert a.dtype == dtype
            largest = float(b.abs().max())
            rtol = TOLERANCE[dtype]
            torch.testing.assert_close(a.double(), b, rtol=rtol, atol=rtol * largest)


def test_they_are_those_of_the_scores() -> None:
    (x, w, b), y = made(torch.float64)
    loss, told = F.linear_cross_entropy_with_statistics(x, w, y, linear_bias=b)
    logits = torch.nn.functional.linear(x, w, b)
    for ours, theirs in zip(told, F.token_statistics(logits, y), strict=True):
        torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(loss, F.cross_entropy(logits, y))
    choices = explain_choice(F.linear_cross_entropy_with_statistics, x, w, y, linear_bias=b)
    assert [c.path for c in choices] == ["fused"]


def test_second_derivatives_and_transforms() -> None:
    (x, w, _), y = made(torch.float64)

    def total(x: Tensor, w: Tensor) -> Tensor:
        loss, told = F.linear_cross_entropy_with_statistics(x, w, y[:6])
        return loss + told.log_probability.sum() + told.entropy.square().sum()

    x, w = x[:6].requires_grad_(), w[:9].requires_grad_()
    y[:6] = torch.tensor([0, 8, 3, -100, 1, 2])
    assert torch.autograd.gradcheck(total, (x, w))
    assert torch.autograd.gradgradcheck(total, (x, w))
    by_autograd = torch.autograd.grad(total(x, w), x)[0]
    torch.testing.assert_close(torch.func.grad(total)(x.detach(), w.detach()), by_autograd)
    compiled = torch.compile(total, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(torch.autograd.grad(compiled(x, w), x)[0], by_autograd)


def test_targets_without_one_right_class_are_refused() -> None:
    (x, w, _), _ = made(torch.float32)
    with pytest.raises(OptionError, match="one class index for each token"):
        F.linear_cross_entropy_with_statistics(x, w, torch.rand(24, 130))


def test_the_module_takes_the_extras_too() -> None:
    (x, _, _), y = made(torch.float32)
    module = lossary.nn.LinearCrossEntropyLoss(16, 130, z_loss=0.1, logit_softcap=5.0)
    w = module.linear.weight
    expected = F.linear_cross_entropy(x, w, y, z_loss=0.1, logit_softcap=5.0, divisor=7)
    assert torch.equal(module(x, y, divisor=7), expected)
    with pytest.raises(OptionError, match="z_loss=-1"):
        lossary.nn.LinearCrossEntropyLoss(16, 130, z_loss=-1)
