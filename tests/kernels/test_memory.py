"""What compiled loops must never do: write where there is no memory, or save what no one sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

import lossary.functional as F
from lossary import Logits, entropy, kl_divergence
from lossary.core.errors import DeviceError
from lossary.entropies.sparsemax import sparsemax
from lossary.kernels import express
from lossary.losses.token_statistics import token_statistics
from tests.rows import quietly

LOSSES: dict[str, Callable[[Tensor], Any]] = {
    "hard": lambda x: F.cross_entropy(x, labels(x)),
    "smoothed": lambda x: F.cross_entropy(x, labels(x), label_smoothing=0.1),
    "soft": lambda x: F.cross_entropy(x, mass(x)),
    "logistic": lambda x: F.binary_cross_entropy_with_logits(x, mass(x)),
    "bernoulli": lambda x: F.binary_cross_entropy(x.sigmoid(), mass(x)),
    "divergence": lambda x: F.kl_div(x, mass(x), reduction="batchmean"),
}
LARGE: dict[str, Callable[[Tensor], Any]] = {
    "tokens": lambda x: torch.stack(token_statistics(x, labels(x))).sum(),
    "entropy": lambda x: entropy(Logits(x)).sum(),
    "logit divergence": lambda x: kl_divergence(Logits(x), Logits(2 * x)).sum(),
    "sparsemax": lambda x: sparsemax(x).square().sum(),
}


def labels(x: Tensor) -> Tensor:
    return torch.arange(x.shape[0], device=x.device) % x.shape[1]


def mass(x: Tensor) -> Tensor:
    return torch.linspace(0, 1, x.numel(), device=x.device).view(x.shape)


def with_slope(loss: Callable[[Tensor], Any], x: Tensor) -> tuple[Tensor, Tensor]:
    leaf = x.clone().requires_grad_()
    value = quietly(loss, leaf)
    (slope,) = torch.autograd.grad(value, leaf)
    return value.detach(), slope


@pytest.mark.parametrize("shape", [(8, 5), (700, 50), (4, 10_000)])
@pytest.mark.parametrize("name", [*LOSSES, *LARGE])
def test_another_default_device_changes_nothing(name: str, shape: tuple[int, int]) -> None:
    x, loss = torch.randn(shape), {**LOSSES, **LARGE}[name]
    alone = with_slope(loss, x)
    with torch.device("meta"):
        value, slope = with_slope(loss, x)
    assert torch.equal(value, alone[0])
    assert torch.equal(slope, alone[1])


@pytest.mark.parametrize("rows", [8, 8_000])
@pytest.mark.parametrize("name", LOSSES)
def test_numbers_without_memory(name: str, rows: int) -> None:
    """Zeros that stand for a gradient are zeros; a storage that was given back is refused."""
    zeros, x = torch._efficientzerotensor((rows, 5)), torch.ones(rows, 5)
    if name != "bernoulli":
        assert quietly(LOSSES[name], zeros) == quietly(LOSSES[name], torch.zeros(rows, 5))
    x.untyped_storage().resize_(0)
    with pytest.raises(DeviceError, match="data is not allocated yet"):
        F.cross_entropy(x, labels(x) if name == "hard" else mass(x))
    with pytest.raises(DeviceError, match=r"got target of shape .* whose storage"):
        F.binary_cross_entropy_with_logits(torch.zeros(rows, 5), x)
    with pytest.raises(RuntimeError):
        F.mse_loss(x, torch.zeros(rows, 5))


@pytest.mark.parametrize("name", LOSSES)
def test_a_checkpoint_around_the_fifth_call(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both runs of a checkpoint save the same, whichever calls they are."""
    monkeypatch.setattr(express, "PATIENCE", 4)
    express._calls.clear()
    x = torch.randn(8, 5, requires_grad=True)

    def block(x: Tensor) -> Any:
        return quietly(LOSSES[name], x.sin())

    total = sum(checkpoint(block, x, use_reentrant=False) for _ in range(3))
    (slope,) = torch.autograd.grad(total, x)
    (alone,) = torch.autograd.grad(block(x), x)
    torch.testing.assert_close(slope, 3 * alone)


def test_a_slope_that_is_offloaded_is_seen() -> None:
    """Hooks on what is saved are shown the slope, the largest thing that a small loss keeps."""
    x, seen = torch.randn(8, 5, requires_grad=True), []

    def pack(t: Tensor) -> Tensor:
        seen.append(t.shape)
        return t

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        loss = F.cross_entropy(x, labels(x))
    assert seen.count(x.shape) >= 2
    torch.autograd.grad(loss, x)
