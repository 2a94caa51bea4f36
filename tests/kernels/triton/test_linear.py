"""A linear layer's cross-entropy in chunks, its scores' losses and slopes by Triton."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import lossary.functional as F
from lossary.kernels import explain_choice, linear_layer
from tests.kernels.triton.agreeing import exactly, results


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of a few tokens, the last one shorter, and no call too small for them."""
    monkeypatch.setattr(linear_layer, "CHUNK_SCORES", 4 * 60)
    monkeypatch.setattr(linear_layer, "CHUNK_TOKENS", 4)
    monkeypatch.setattr("lossary.kernels.select.SMALL_SCORES", 0)


def loss(x: Tensor, w: Tensor, b: Tensor, target: Tensor, **options: Any) -> Tensor:
    return F.linear_cross_entropy(x, w, target, linear_bias=b, **options)


@pytest.mark.parametrize("reduction", ["none", "mean"])
@pytest.mark.parametrize("kind", ["hard", "smoothed", "soft"])
def test_everything_at_once(kind: str, reduction: str) -> None:
    x, w, b = torch.randn(6, 16), torch.randn(60, 16), torch.randn(60)
    options: dict[str, Any] = {"weight": torch.rand(60), "reduction": reduction, "z_loss": 0.1}
    target = torch.randint(60, (6,))
    if kind == "soft":
        target = torch.randn(6, 60).softmax(1)
    else:
        target[2] = -100
    if kind != "hard":
        options |= {"label_smoothing": 0.1, "logit_softcap": 3.0}
    assert explain_choice(loss, x, w, b, target, **options)[0].path == "triton"
    found = results(loss, (x, w, b, target), (0, 1, 2), **options)
    exact = exactly(loss, (x, w, b, target), (0, 1, 2), **options)
    for a, e in zip(found, exact, strict=True):
        torch.testing.assert_close(a.double(), e, rtol=2e-5, atol=1e-5 * float(e.abs().max()))


def test_statistics_beside_the_loss() -> None:
    x, w, y = torch.randn(6, 16), torch.randn(60, 16), torch.randint(60, (6,))
    leaf = x.clone().requires_grad_()
    value, told = F.linear_cross_entropy_with_statistics(leaf, w, y)
    (value + told.log_probability.sum() + told.entropy.sum()).backward()
    again = x.clone().requires_grad_()
    scores = again @ w.t()
    log_p = scores.log_softmax(1)
    entropy = -(log_p.exp() * log_p).sum()
    truth = log_p.gather(1, y.unsqueeze(1))
    (truth.sum() - truth.mean() + entropy).backward()
    torch.testing.assert_close(leaf.grad, again.grad, rtol=1e-4, atol=1e-4)


def test_what_is_not_served_says_why() -> None:
    x, w, y = torch.randn(6, 16), torch.randn(5, 12, 16), torch.randint(5, (6, 12))
    (choice, *_) = explain_choice(F.linear_cross_entropy, x, w, y)
    assert choice.path != "triton"
    assert "last of two dimensions" in choice.reason
    (choice, *_) = explain_choice(F.linear_cross_entropy, x.double(), w.double(), y)
    assert choice.path != "triton"
