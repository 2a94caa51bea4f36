"""The divergence of two large softmaxes, by compiled loops: against float64 and 50 digits."""

from __future__ import annotations

import mpmath
import pytest
import torch
from mpmath import mpf
from torch import Tensor

import lossary
from lossary import Logits
from lossary.kernels import explain_choice
from tests.information.regimes import FAR, MASKED, ORDINARY, score_rows
from tests.oracles.compare import RELATIVE

DTYPES = [torch.float32, torch.bfloat16, torch.float16]
INF = float("inf")


def found(x: Tensor, y: Tensor) -> list[Tensor]:
    """The divergences, and the gradients of their sum where it is finite."""
    p, q = x.clone().requires_grad_(), y.clone().requires_grad_()
    value = lossary.kl_divergence(Logits(p), Logits(q))
    return [value.detach(), *torch.autograd.grad(value.sum(), (p, q))]


def by_formula(x: Tensor, y: Tensor) -> list[Tensor]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOSSARY_KERNELS", "formula")
        return found(x.double(), y.double())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("regime", [*ORDINARY, *MASKED, *FAR])
def test_regimes(regime: str, dtype: torch.dtype) -> None:
    pairs = [score_rows(regime, dtype, seed) for seed in range(12)]
    x, y = (torch.stack(rows).repeat(600, 1) for rows in zip(*pairs, strict=True))
    (choice,) = explain_choice(lossary.kl_divergence, Logits(x), Logits(y))
    assert choice.path == "fused"
    agree(found(x, y), by_formula(x[:12], y[:12]), 12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("classes", [2, 63, 64, 65, 700, 40_001])
@pytest.mark.parametrize("distance", [0.0, 1e-6, 1e-2, 3.0])
def test_classes_of_every_number(classes: int, distance: float, dtype: torch.dtype) -> None:
    torch.manual_seed(classes)
    rows = max(2, 40_000 // classes)
    x = torch.randn(rows, classes) * 3
    y = x + distance * torch.randn(rows, classes)
    agree(found(x.to(dtype), y.to(dtype)), by_formula(x.to(dtype), y.to(dtype)), rows)


def agree(ours: list[Tensor], exact: list[Tensor], rows: int) -> None:
    dtype = ours[0].dtype
    rounding = torch.finfo(dtype).eps if dtype.itemsize == 2 else RELATIVE[dtype]
    for a, b in zip(ours, exact, strict=True):
        tiny = 2 * torch.finfo(dtype).tiny
        torch.testing.assert_close(a[:rows].double(), b, rtol=rounding, atol=max(tiny, 1e-16))


def test_nearly_equal_rows_against_50_digits() -> None:
    torch.manual_seed(0)
    x = torch.randn(10_000, 4) * 20
    y = torch.nextafter(x, torch.tensor(INF))
    value, by_p, by_q = found(x, y)
    with mpmath.workdps(50):
        for i in range(20):
            p, q = (masses(t[i]) for t in (x, y))
            truth = mpmath.fsum(a * mpmath.log(a / b) for a, b in zip(p, q, strict=True))
            near(value[i], truth)
            for k in range(4):
                near(by_q[i, k], q[k] - p[k])
                near(by_p[i, k], p[k] * (mpmath.log(p[k] / q[k]) - truth))


def masses(row: Tensor) -> list[mpf]:
    odds = [mpmath.exp(mpf(float(v))) for v in row]
    return [o / mpmath.fsum(odds) for o in odds]


def near(ours: Tensor, truth: mpf) -> None:
    assert abs(mpf(float(ours)) - truth) <= RELATIVE[torch.float32] * abs(truth) + mpf(1e-37)


def test_what_the_belief_rules_out_is_infinite() -> None:
    x, y = torch.randn(20_000, 3), torch.randn(20_000, 3)
    y[::2, 1] = -INF
    x[1::4, 1] = -INF
    ours, exact = found(x, y), by_formula(x, y)
    assert ours[0][::2].isinf().all()
    agree(ours, exact, len(x))


def test_second_derivatives_take_the_formula() -> None:
    x, y = torch.randn(1, 4), torch.randn(1, 4)
    rest = torch.zeros(1, 40_000)

    def divergence(a: Tensor, b: Tensor) -> Tensor:
        wide = (torch.cat([t, rest], 1) for t in (a, b))
        p, q = wide
        return lossary.kl_divergence(Logits(p), Logits(q)).sum()

    hessian = torch.autograd.functional.hessian(divergence, (x, y))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOSSARY_KERNELS", "formula")
        exact = torch.autograd.functional.hessian(divergence, (x, y))
    for ours, theirs in zip(hessian, exact, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            torch.testing.assert_close(a, b)
