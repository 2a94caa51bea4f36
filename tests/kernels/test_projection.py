"""Sparsemax by compiled loops: against sorting in float64, and the laws of a projection."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lossary.entropies import sparsemax
from lossary.kernels import explain_choice


def by_sorting(x: Tensor) -> Tensor:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOSSARY_KERNELS", "formula")
        return sparsemax(x)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("classes", [1, 2, 5, 64, 65, 1000, 40_001])
@pytest.mark.parametrize("spread", [0.001, 1.0, 30.0])
def test_agrees_with_sorting(classes: int, spread: float, dtype: torch.dtype) -> None:
    torch.manual_seed(classes)
    x = (torch.randn(max(2, 40_000 // classes), classes) * spread).to(dtype)
    x[0, : classes // 2] = -torch.inf
    x[1, :] = 1.0
    (choice,) = explain_choice(sparsemax, x)
    assert choice.path == "fused"
    leaf, wide = x.clone().requires_grad_(), x.double().requires_grad_()
    found, exact = sparsemax(leaf), by_sorting(wide)
    assert found.dtype == dtype
    eps = torch.finfo(dtype).eps
    torch.testing.assert_close(found.double(), exact, rtol=eps, atol=1e-12 + eps * 1e-3)
    upstream = torch.randn(x.shape).to(dtype)
    (slope,) = torch.autograd.grad(found, leaf, upstream)
    (truth,) = torch.autograd.grad(exact, wide, upstream.double())
    torch.testing.assert_close(slope.double(), truth, rtol=2 * eps, atol=2 * eps)
    torch.testing.assert_close(found.double().sum(1), torch.ones(len(x)).double(), rtol=0,
                               atol=1e-12 + eps * classes**0.5)  # fmt: skip


def test_no_number_in_no_distribution_out() -> None:
    x = torch.randn(20_000, 3)
    x[0, 1], x[1] = torch.nan, -torch.inf
    p, sorted_p = sparsemax(x), by_sorting(x)
    assert torch.equal(p.isnan(), sorted_p.isnan())


def test_any_dimension_and_second_derivatives() -> None:
    x = torch.randn(50, 7, 200)
    torch.testing.assert_close(sparsemax(x, dim=1), by_sorting(x.movedim(1, -1)).movedim(-1, 1))
    assert torch.equal(sparsemax(x.movedim(1, 2), dim=2), sparsemax(x, dim=1).movedim(1, 2))
    z = torch.randn(1, 4, dtype=torch.float64, requires_grad=True)
    rest = torch.full((1, 40_000), -50.0, dtype=torch.float64)

    def squares(t: Tensor) -> Tensor:
        return sparsemax(torch.cat([t, rest], 1)).pow(3).sum()

    assert torch.autograd.gradcheck(squares, z)
    assert torch.autograd.gradgradcheck(squares, z)
    torch.testing.assert_close(torch.func.grad(squares)(z.detach()),
                               torch.autograd.grad(squares(z), z)[0])  # fmt: skip
