"""Entry-wise losses by Triton: binary cross-entropy of logits, and KL terms."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import lossary.functional as F
from tests.kernels.triton.agreeing import FLOATS, agrees

BINARY = F.binary_cross_entropy_with_logits


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(1,), (1025,), (3, 7, 50)])
def test_binary_with_every_weight(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    z, y = (torch.randn(shape) * 20).to(dtype), torch.rand(shape).to(dtype)
    per_class, whole = torch.rand(shape[-1]).to(dtype), torch.rand(shape).to(dtype)
    grid: tuple[dict[str, Any], ...] = (
        {},
        {"pos_weight": per_class},
        {"weight": per_class, "pos_weight": whole},
    )
    for options in grid:
        agrees(BINARY, z, y, reduction="none", cancels=True, **options)
        agrees(BINARY, z, y, reduction="mean", cancels=True, **options)


def test_binary_at_the_ends() -> None:
    z = torch.tensor([-torch.inf, -200, -90, -30, 0, 30, 90, 200, torch.inf])
    for target in (0.0, 1.0, 0.999, 2.0**-23):
        agrees(BINARY, z, torch.full_like(z, target), reduction="none")
    y = torch.full((40,), 1 - 2.0**-23)
    agrees(BINARY, torch.full((40,), 100.0), y, pos_weight=torch.full((40,), 5.5))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(3,), (1025,), (3, 7, 50)])
def test_divergence(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    log_p = torch.randn(shape).mul(4).log_softmax(-1).to(dtype)
    q = torch.randn(shape).mul(4).softmax(-1).to(dtype)
    q[..., 0], q[..., 1], log_p[..., 0] = 0, 1, -torch.inf
    for reduction in ("none", "batchmean"):
        agrees(F.kl_div, log_p, q, reduction=reduction, cancels=True)
        agrees(F.kl_div, log_p, q.log(), reduction=reduction, log_target=True, cancels=True)
