"""Gradients are finite differences, of first and second order, and backward can run again."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from tests.cases import LOSSES
from tests.inputs import Tensors
from tests.rows import Loss, leaves, upstream_for

ROWS = [pytest.param(loss, id=loss.name) for loss in LOSSES]
SMOOTH = [pytest.param(loss, id=loss.name) for loss in LOSSES if loss.smooth]
# Entries at -inf, 0 or 1 have no neighbours on both sides to take a difference over.
INTERIOR = [
    pytest.param(loss, id=loss.name)
    for loss in LOSSES
    if loss.regimes[0] not in ("masked", "certain")
]


def interior(loss: Loss) -> Tensors:
    """Inputs that may be moved a little both ways without leaving the domain."""
    tensors = loss.tensors(loss.regimes[0], torch.float64)
    if loss.function_name == "binary_cross_entropy":
        return tensors[0] * 0.9 + 0.05, tensors[1] * 0.9 + 0.05
    return tensors


def of_leaves(loss: Loss, options: dict[str, object], reduction: str, *free: Tensor) -> Tensor:
    """The loss as a function of its differentiable tensors alone."""
    tensors = list(interior(loss))
    for i, t in zip(loss.differentiable, free, strict=True):
        tensors[i] = t
    return loss.call(tuple(tensors), options, reduction=reduction)


def free_tensors(loss: Loss) -> Tensors:
    """Fresh leaves for :func:`of_leaves`."""
    tensors = leaves(loss, interior(loss))
    return tuple(tensors[i] for i in loss.differentiable)


@pytest.mark.parametrize("loss", INTERIOR)
def test_gradient_is_the_finite_difference(loss: Loss) -> None:
    for options in loss.options(loss.tensors(loss.regimes[0], torch.float64)):
        if options.get("eps") == 0.5:
            continue  # Gaussian NLL's straight-through gradient is not a derivative, on purpose.
        f = partial(of_leaves, loss, options, "none")
        assert torch.autograd.gradcheck(f, free_tensors(loss), fast_mode=False)


@pytest.mark.parametrize("loss", [p for p in SMOOTH if p in INTERIOR])
def test_second_derivative_is_the_finite_difference(loss: Loss) -> None:
    for options in loss.options(loss.tensors(loss.regimes[0], torch.float64)):
        f = partial(of_leaves, loss, options, "mean")
        assert torch.autograd.gradgradcheck(f, free_tensors(loss), fast_mode=True)


@pytest.mark.parametrize("loss", INTERIOR)
def test_double_backward_is_as_in_torch(loss: Loss) -> None:
    found = second_gradients(loss, loss.call)
    try:
        expected = second_gradients(loss, loss.call_torch)
    except RuntimeError as error:
        # torch has none: the finite differences above have judged ours where it is smooth.
        assert "_backward is not implemented" in str(error)  # noqa: PT017
        assert all(g.isfinite().all() for g in found)
        return
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


def second_gradients(loss: Loss, call: Callable[..., Tensor]) -> list[Tensor]:
    """The gradient of the summed squares of the gradient; 0 where the loss is made of lines."""
    tensors = leaves(loss, interior(loss))
    wanted = [tensors[i] for i in loss.differentiable]
    value = call(tensors, loss.always, reduction="sum")
    grads = torch.autograd.grad(value, wanted, create_graph=True)
    squares = torch.stack([(g**2).sum() for g in grads]).sum()
    if not squares.requires_grad:
        return [torch.zeros_like(t) for t in wanted]
    return list(torch.autograd.grad(squares, wanted, materialize_grads=True))


@pytest.mark.parametrize("loss", ROWS)
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_backward_twice_gives_the_same_gradient(loss: Loss, reduction: str) -> None:
    call = leaves(loss, loss.tensors(loss.regimes[0], torch.float32))
    value = loss.call(call, dict(loss.always), reduction=reduction)
    wanted = [call[i] for i in loss.differentiable]
    first = torch.autograd.grad(value, wanted, upstream_for(value), retain_graph=True)
    kept = [g.clone() for g in first]
    second = torch.autograd.grad(value, wanted, upstream_for(value))
    for a, b, c in zip(kept, second, first, strict=True):
        assert torch.equal(a.nan_to_num(7), b.nan_to_num(7))
        assert torch.equal(a.nan_to_num(7), c.nan_to_num(7))


@pytest.mark.parametrize("loss", ROWS)
def test_gradient_is_linear_in_what_comes_from_above(loss: Loss) -> None:
    call = leaves(loss, loss.tensors(loss.regimes[0], torch.float64))
    value = loss.call(call, dict(loss.always), reduction="none")
    wanted = [call[i] for i in loss.differentiable]
    up = upstream_for(value)
    once = torch.autograd.grad(value, wanted, up, retain_graph=True)
    fourfold = torch.autograd.grad(value, wanted, 4 * up)
    for a, b in zip(once, fourfold, strict=True):
        torch.testing.assert_close(4 * a, b, rtol=1e-15, atol=0)
