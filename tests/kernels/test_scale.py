"""More than 2**31 entries: no offset may be a 32-bit number."""

from __future__ import annotations

import os

import pytest
import torch

import lossary.functional as F
from lossary.kernels import explain_choice

ROWS, CLASSES = 70_000, 32_000
GIGABYTES = 2**30
ENOUGH = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES") > 11 * GIGABYTES


@pytest.mark.slow
@pytest.mark.skipif(not ENOUGH, reason="the logits and their gradient take 9 GB of memory")
def test_cross_entropy_of_more_than_2_31_logits() -> None:
    """The rows beyond the limit have the loss and the slope of the same rows before it."""
    torch.set_num_threads(os.cpu_count() or 1)
    some = torch.randn(1000, CLASSES, dtype=torch.float32).bfloat16()
    x = some.repeat(ROWS // 1000, 1).requires_grad_()
    assert x.numel() > 2**31
    y = torch.randint(CLASSES, (1000,)).repeat(ROWS // 1000)
    losses = F.cross_entropy(x, y, reduction="none")
    expected = F.cross_entropy(some, y[:1000], reduction="none")
    assert torch.equal(losses.detach().view(-1, 1000), expected.expand(ROWS // 1000, 1000))
    losses.sum().backward()
    assert x.grad is not None
    for start in (0, ROWS - 1000):
        leaf = some.clone().requires_grad_()
        F.cross_entropy(leaf, y[:1000], reduction="sum").backward()
        assert leaf.grad is not None
        assert torch.equal(x.grad[start : start + 1000], leaf.grad)


@pytest.mark.slow
def test_linear_cross_entropy_of_more_than_2_31_scores() -> None:
    """Twice the tokens, twice the sum: the second half lies beyond the limit."""
    torch.set_num_threads(os.cpu_count() or 1)
    x, w = torch.randn(ROWS // 2, 8), torch.randn(CLASSES, 8).requires_grad_()
    y = torch.randint(CLASSES, (ROWS // 2,))
    twice, labels = x.repeat(2, 1).requires_grad_(), y.repeat(2)
    (choice,) = explain_choice(F.linear_cross_entropy, twice[:1000], w, labels[:1000])
    assert choice.path == "fused"
    total = F.linear_cross_entropy(twice, w, labels, reduction="sum")
    half = F.linear_cross_entropy(x, w.detach(), y, reduction="sum")
    torch.testing.assert_close(total.detach(), 2 * half, rtol=1e-6, atol=0)
    total.backward()
    assert twice.grad is not None
    torch.testing.assert_close(twice.grad[: ROWS // 2], twice.grad[ROWS // 2 :])
