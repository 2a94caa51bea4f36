"""A drop-in: on ordinary inputs, value and gradient are torch's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.cases import LOSSES
from tests.inputs import Tensors
from tests.rows import Loss, upstream_for, with_gradient

# Each other row is a named difference, held to its exact numbers in tests/test_defects.py.
TORCH_IS_RIGHT = [
    pytest.param(loss, id=loss.name)
    for loss in LOSSES
    if loss.regimes[0] not in ("masked", "certain", "impossible")
]
SHAPES = ("ordinary", "spatial", "single", "row", "column", "flat", "repeated")


def close(found: Tensor, expected: Tensor, about: object) -> None:
    """Within float32's own rounding, scaled by the largest entry for sums that cancel."""
    rtol = 2e-6 if expected.dtype == torch.float32 else 1e-11
    scale = float(expected.abs().max()) if expected.numel() else 0.0
    torch.testing.assert_close(
        found, expected, rtol=rtol, atol=rtol * scale, msg=lambda m: f"{about}\n{m}"
    )


def gradients(
    loss: Loss, f: Callable[..., Tensor], tensors: Tensors, options: dict[str, Any], **more: Any
) -> tuple[Tensor, list[Tensor | None]]:
    """Value, and the gradient of every floating tensor, options included."""
    call = [with_gradient(t) if i in loss.differentiable else t for i, t in enumerate(tensors)]
    drawn = {k: v.clone() if isinstance(v, Tensor) else v for k, v in options.items()}
    value = f(tuple(call), drawn, **more)
    wanted = [call[i] for i in loss.differentiable]
    grads = torch.autograd.grad(value, wanted, upstream_for(value), allow_unused=True)
    return value.detach(), list(grads)


@pytest.mark.parametrize("loss", TORCH_IS_RIGHT)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_value_and_gradient_are_torchs(loss: Loss, dtype: torch.dtype) -> None:
    for regime in (r for r in loss.regimes if r in SHAPES):
        tensors = loss.tensors(regime, dtype)
        for options in loss.options(tensors):
            if loss.name.startswith("poisson") and options.get("full"):
                continue  # torch's Stirling; tests/test_defects.py
            for reduction in loss.reductions:
                about = (loss.name, regime, options, reduction)
                found, grads = gradients(loss, loss.call, tensors, options, reduction=reduction)
                expected, torchs = gradients(
                    loss, loss.call_torch, tensors, options, reduction=reduction
                )
                if not expected.isfinite().all():
                    continue  # a mean over nothing; tests/laws/test_nothing.py
                assert found.shape == expected.shape
                assert found.dtype == expected.dtype
                close(found, expected, about)
                for ours, theirs in zip(grads, torchs, strict=True):
                    if loss.function_name == "ctc_loss":
                        continue  # torch's is the gradient through log_softmax; see below
                    assert (ours is None) == (theirs is None), about
                    if ours is not None and theirs is not None:
                        close(ours, theirs, about)


@pytest.mark.parametrize("regime", ["ordinary", "repeated", "single", "flat"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_ctc_gradient_through_log_softmax_is_torchs(regime: str, reduction: str) -> None:
    (loss,) = (loss for loss in LOSSES if loss.name == "ctc_loss")
    x, *rest = loss.tensors(regime, torch.float64)
    grads: list[Tensor] = []
    for f in (loss.call, loss.call_torch):
        logits = with_gradient(x * 1.5)
        value = f((logits.log_softmax(-1), *rest), {}, reduction=reduction)
        grads += torch.autograd.grad(value, logits)
    close(grads[0], grads[1], regime)


WEIGHTED = [
    ("mse_loss", "weight"),
    ("l1_loss", "weight"),
    ("huber_loss", "weight"),
    ("multilabel_soft_margin_loss", "weight"),
]


@pytest.mark.parametrize(("name", "weight"), WEIGHTED)
@pytest.mark.parametrize("entries", [20, 60_000])
def test_weights_that_require_grad_get_torchs_gradient(
    name: str, weight: str, entries: int
) -> None:
    (loss,) = (loss for loss in LOSSES if loss.name == name)
    x, y = (t.repeat(entries // 20, 1) for t in loss.tensors("ordinary", torch.float64))
    grads: list[Tensor] = []
    for f in (loss.call, loss.call_torch):
        w = torch.rand(x.shape, generator=loss.rng("w"), dtype=x.dtype).add(0.5).requires_grad_()
        value = f((x, y), {weight: w})
        assert value.requires_grad
        grads += torch.autograd.grad(value, w)
    close(grads[0], grads[1], name)
