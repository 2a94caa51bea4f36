"""Nothing to average: an empty batch and an all-ignored one give 0, and a gradient of 0."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.cases import BY_NAME, LOSSES
from tests.rows import FLOATS, Loss, leaves, with_gradient

# Emptied along the batch; a CTC batch and a linear layer's weight are emptied below.
BATCHED = [
    pytest.param(loss, id=loss.name)
    for loss in LOSSES
    if loss.function_name not in ("ctc_loss", "linear_cross_entropy")
]


def emptied(loss: Loss, dtype: torch.dtype) -> tuple[Tensor, ...]:
    """The tensors of the first regime with no rows left."""
    return tuple(t[:0] for t in loss.tensors(loss.regimes[0], dtype))


@pytest.mark.parametrize("loss", BATCHED)
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_empty_batch_is_zero_with_a_zero_gradient(
    loss: Loss, dtype: torch.dtype, reduction: str
) -> None:
    call = leaves(loss, emptied(loss, dtype))
    value = loss.call(call, loss.always, reduction=reduction)
    assert value.item() == 0
    assert value.dtype == dtype
    for g in torch.autograd.grad(value, [call[i] for i in loss.differentiable]):
        assert g.numel() == 0


@pytest.mark.parametrize("loss", BATCHED)
def test_empty_batch_keeps_its_shape_without_reduction(loss: Loss) -> None:
    tensors = emptied(loss, torch.float32)
    value = loss.call(tensors, loss.always, reduction="none")
    assert value.shape == loss.call_torch(tensors, loss.always, reduction="none").shape
    assert value.shape[0] == 0


def test_empty_batch_of_a_linear_layer() -> None:
    loss = BY_NAME["linear_cross_entropy"]
    x, w, y = loss.tensors("ordinary", torch.float32)
    w = with_gradient(w)
    value = loss.call((x[:0], w, y[:0]), {})
    assert value.item() == 0
    (grad,) = torch.autograd.grad(value, w)
    assert torch.equal(grad, torch.zeros_like(w))


@pytest.mark.parametrize("name", ["cross_entropy", "cross_entropy[smoothed]", "nll_loss"])
@pytest.mark.parametrize("dtype", FLOATS)
def test_all_ignored_is_zero_with_a_zero_gradient(name: str, dtype: torch.dtype) -> None:
    loss = BY_NAME[name]
    x, y = loss.tensors("ordinary", dtype)
    x[0, 0] = torch.nan
    x = with_gradient(x)
    for weight in (None, torch.ones(x.shape[1], dtype=dtype)):
        value = loss.call((x, torch.full_like(y, -100)), {"weight": weight})
        assert value.item() == 0
        (grad,) = torch.autograd.grad(value, x)
        assert torch.equal(grad, torch.zeros_like(x))


@pytest.mark.parametrize("name", ["cross_entropy", "cross_entropy[smoothed]", "nll_loss"])
def test_a_total_weight_of_zero_is_nothing_too(name: str) -> None:
    loss = BY_NAME[name]
    x, y = loss.tensors("ordinary", torch.float32)
    x = with_gradient(x)
    value = loss.call((x, torch.zeros_like(y)), {"weight": torch.tensor([0.0, 1.0, 1.0, 1.0])})
    assert value.item() == 0
    (grad,) = torch.autograd.grad(value, x)
    assert torch.equal(grad, torch.zeros_like(x))


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss"])
def test_weights_that_are_all_zero_give_zero(name: str) -> None:
    loss = BY_NAME[name]
    x, y = loss.tensors("ordinary", torch.float32)
    x = with_gradient(x)
    value = loss.call((x, y), {"weight": torch.zeros_like(y)})
    assert value.item() == 0
    (grad,) = torch.autograd.grad(value, x)
    assert torch.equal(grad, torch.zeros_like(x))
