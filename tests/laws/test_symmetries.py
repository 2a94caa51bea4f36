"""What may not change a loss: a shift of all logits, the order of examples or of classes."""

from __future__ import annotations

import pytest
import torch

from tests.cases import BY_NAME, LOSSES
from tests.rows import Loss, leaves, value_and_gradients

CLASS_LOSSES = ("cross_entropy", "cross_entropy[smoothed]", "cross_entropy[soft]")
# Lengths, lists of labels that end at -1, and a shared weight are not permuted entry by entry.
PERMUTABLE = [
    pytest.param(loss, id=loss.name)
    for loss in LOSSES
    if loss.function_name not in ("ctc_loss", "linear_cross_entropy")
]


@pytest.mark.parametrize("name", CLASS_LOSSES)
@pytest.mark.parametrize("shift", [-64.0, 2.0**20])
def test_a_shift_of_all_logits_changes_nothing(name: str, shift: float) -> None:
    loss = BY_NAME[name]
    tensors = loss.tensors("ordinary", torch.float64)
    # A multiple of 2**-20: the shifted logits are exact, and so must be the loss.
    x = (tensors[0] * 2**20).round() / 2**20
    for options in loss.options(tensors):
        plain = value_and_gradients(loss, (x, tensors[1]), lambda t, o=options: loss.call(t, o))
        moved = value_and_gradients(
            loss, (x + shift, tensors[1]), lambda t, o=options: loss.call(t, o)
        )
        torch.testing.assert_close(plain[0], moved[0], rtol=1e-13, atol=0)
        torch.testing.assert_close(plain[1][0], moved[1][0], rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("name", ["multi_margin_loss", "multilabel_margin_loss"])
def test_a_shift_of_all_scores_changes_no_margin(name: str) -> None:
    loss = BY_NAME[name]
    x, y = loss.tensors("ordinary", torch.float64)
    x = (x * 2**20).round() / 2**20
    assert torch.equal(loss.call((x, y), {}), loss.call((x + 8, y), {}))


@pytest.mark.parametrize("loss", PERMUTABLE)
def test_the_order_of_examples_does_not_matter(loss: Loss) -> None:
    tensors = loss.tensors(loss.regimes[0], torch.float64)
    order = torch.tensor([3, 0, 4, 1, 2])
    shuffled = tuple(t[order] for t in tensors)
    plain, moved = (leaves(loss, t) for t in (tensors, shuffled))
    a = loss.call(plain, loss.always, reduction="none")
    b = loss.call(moved, loss.always, reduction="none")
    torch.testing.assert_close(a[order], b, rtol=1e-14, atol=0)
    i = loss.differentiable[0]
    (ga,) = torch.autograd.grad(a.sum(), plain[i])
    (gb,) = torch.autograd.grad(b.sum(), moved[i])
    torch.testing.assert_close(ga[order], gb, rtol=1e-14, atol=0)


@pytest.mark.parametrize("name", CLASS_LOSSES)
def test_the_names_of_the_classes_do_not_matter(name: str) -> None:
    loss = BY_NAME[name]
    x, y = loss.tensors("saturated", torch.float64)
    order = torch.tensor([2, 0, 3, 1])
    target = y[:, order] if y.shape == x.shape else order.argsort()[y]
    for options in ({}, {"label_smoothing": 0.1}):
        a = loss.call((x, y), options, reduction="none")
        b = loss.call((x[:, order], target), options, reduction="none")
        torch.testing.assert_close(a, b, rtol=1e-13, atol=0)


def test_binary_cross_entropy_is_symmetric_in_its_two_outcomes() -> None:
    loss = BY_NAME["binary_cross_entropy_with_logits"]
    z, y = loss.tensors("saturated", torch.float64)
    a = loss.call((z, y.round()), {}, reduction="none")
    b = loss.call((-z, 1 - y.round()), {}, reduction="none")
    torch.testing.assert_close(a, b, rtol=1e-14, atol=0)


def test_binary_cross_entropy_is_the_cross_entropy_of_two_classes() -> None:
    z, y = BY_NAME["binary_cross_entropy_with_logits"].tensors("saturated", torch.float64)
    label = y.round().long().reshape(-1)
    two = torch.stack([torch.zeros_like(z), z], -1).reshape(-1, 2)
    a = BY_NAME["cross_entropy"].call((two, label), {}, reduction="none")
    b = BY_NAME["binary_cross_entropy_with_logits"].call((z, y.round()), {}, reduction="none")
    torch.testing.assert_close(a, b.reshape(-1), rtol=1e-13, atol=0)
