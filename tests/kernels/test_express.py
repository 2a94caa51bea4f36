"""Small tensors in one compiled call: against the formula in float64, and what it declines."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

import lossary.functional as F
from lossary.core.checks import value_checks
from lossary.core.errors import ClassIndexError, DomainError
from lossary.kernels import explain_choice
from tests.oracles.compare import RELATIVE
from tests.rows import quietly

DTYPES = [torch.float32, torch.float64, torch.bfloat16, torch.float16]
SHAPES = [
    (1, 1),
    (1, 2),
    (3, 1),
    (5, 7),
    (63, 10),
    (64, 10),
    (65, 3),
    (128, 10),
    (2, 383),
    (3, 384),
]
SHAPES += [(2, 1000), (4, 5001)]
# Too many for the arithmetic of float64, few enough for one call.
MEDIUM = [(4000, 10), (801, 47), (700, 48), (500, 100), (90, 448), (81, 449), (9, 5001)]
REDUCTIONS = ["none", "mean", "sum"]


def agrees(function: Any, x: Tensor, *rest: Tensor, **options: Any) -> None:
    """Ours in this dtype, by one compiled call, against the formula in float64."""
    asked: Any = explain_choice
    choices: Any = quietly(asked, function, x, *rest, **options)
    (choice,) = choices
    assert "one compiled call" in choice.reason
    found = value_and_slope(function, x, *rest, **options)
    wide = [t.double() if t.is_floating_point() else t for t in rest]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOSSARY_KERNELS", "formula")
        exact = value_and_slope(function, x.double(), *wide, **options)
    rounding = 2 * torch.finfo(x.dtype).eps if x.dtype.itemsize == 2 else RELATIVE[x.dtype]
    for a, b in zip(found, exact, strict=True):
        assert a.dtype == x.dtype
        b = b.to(x.dtype).double()
        atol = max(2 * torch.finfo(x.dtype).tiny, 1e-15)
        torch.testing.assert_close(a.double(), b, rtol=rounding, atol=atol, equal_nan=True)


def value_and_slope(function: Any, x: Tensor, *rest: Tensor, **options: Any) -> tuple[Any, ...]:
    leaf = x.detach().clone().requires_grad_()
    value = quietly(function, leaf, *rest, **options)
    # An upstream gradient that every dtype here holds.
    upstream = torch.linspace(-1, 2, value.numel()).to(torch.bfloat16).to(value.dtype)
    (slope,) = torch.autograd.grad(value, leaf, upstream.view(value.shape))
    return value.detach(), slope


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_cross_entropy(shape: tuple[int, int], dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x, y = (torch.randn(shape) * 4).to(dtype), torch.randint(shape[1], shape[:1])
    q, weight = torch.randn(shape).softmax(1).to(dtype), torch.rand(shape[1]).to(dtype)
    y[1::3] = -100
    for reduction in REDUCTIONS:
        agrees(F.cross_entropy, x, y, reduction=reduction)
        agrees(F.cross_entropy, x, y, reduction=reduction, weight=weight)
        agrees(F.cross_entropy, x, y.int(), reduction=reduction, label_smoothing=0.1)
        agrees(F.cross_entropy, x, q, reduction=reduction, label_smoothing=0.1)
    agrees(F.cross_entropy, x, y, weight=weight, label_smoothing=0.2)
    agrees(F.cross_entropy, x, q, weight=weight)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", MEDIUM)
def test_cross_entropy_of_medium_tensors(shape: tuple[int, int], dtype: torch.dtype) -> None:
    x, y = (torch.randn(shape) * 4).to(dtype), torch.randint(shape[1], shape[:1])
    weight = torch.rand(shape[1]).to(dtype)
    y[1::3] = -100
    # As the loops of large tensors: rows that are masked, certain or infinitely wrong.
    x[0, 1:] = -torch.inf
    y[0] = 0
    x[2, 0], y[2] = 90, 0
    x[3, 1], y[3] = -torch.inf, 0
    for reduction in REDUCTIONS:
        agrees(F.cross_entropy, x, y, reduction=reduction)
        agrees(F.cross_entropy, x, y, reduction=reduction, weight=weight)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (1,), (17,), (128, 10), (2, 3, 4), (5001,)])
def test_entries(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    z, p = (torch.randn(shape) * 4).to(dtype), torch.rand(shape).to(dtype)
    y, hard = torch.rand(shape).to(dtype), (torch.rand(shape) < 0.5).to(dtype)
    for reduction in REDUCTIONS:
        for target in (y, hard):
            agrees(F.binary_cross_entropy_with_logits, z, target, reduction=reduction)
            agrees(F.binary_cross_entropy, p, target, reduction=reduction)
        if shape:
            agrees(F.kl_div, z, y, reduction=reduction)
            agrees(F.kl_div, z, -2 * y, reduction=reduction, log_target=True)
    if shape:
        agrees(F.kl_div, z, y, reduction="batchmean")


def test_extremes() -> None:
    x = torch.tensor([[100.0, -100.0, 0.0], [-torch.inf, 3.0, 1.0], [-1e38, 1e38, 0.0]])
    x = torch.cat([x, x, torch.tensor([[-torch.inf] * 3, [torch.nan] * 3])])
    y = torch.tensor([0, 1, 1, 2, 2, 2, 1, -100])
    for reduction in REDUCTIONS:
        rows = slice(None) if reduction == "none" else slice(0, 6)
        agrees(F.cross_entropy, x[rows], y[rows], reduction=reduction)
    z = torch.tensor([torch.inf, -torch.inf, torch.inf, 100.0, -100.0, 1e-30])
    hard = torch.tensor([1.0, 0.0, 0.0, 1.0, 1.0, 0.0])
    agrees(F.binary_cross_entropy_with_logits, z, hard, reduction="none")
    p = torch.tensor([0.0, 1.0, 1e-40, 1e-38, 1 - 2**-24, 0.5])
    agrees(F.binary_cross_entropy, p, torch.tensor([0.0, 1, 1, 1, 0, 0.5]), reduction="none")
    log_p = torch.tensor([[-torch.inf, 0.0], [-torch.inf, -1.0]])
    agrees(F.kl_div, log_p, torch.tensor([[0.0, 1.0], [0.5, 0.5]]), reduction="none")


def test_a_mean_over_nothing_is_0() -> None:
    x, y = torch.randn(4, 3, requires_grad=True), torch.full((4,), -100)
    loss = F.cross_entropy(x, y)
    loss.backward()
    assert loss == 0
    assert x.grad is not None
    assert not x.grad.any()


def test_what_it_declines_is_told_as_ever() -> None:
    x, y = torch.randn(4, 3, requires_grad=True), torch.tensor([0, 1, 2, 3])
    with pytest.raises(ClassIndexError, match="Target 3 is out of bounds"):
        F.cross_entropy(x, y)
    q = torch.full((4, 3), torch.nan)
    with pytest.raises(DomainError, match="12 NaN in the target"):
        F.cross_entropy(x, q)
    with pytest.raises(DomainError, match="between 0 and 1"):
        F.binary_cross_entropy(torch.tensor([1.5], requires_grad=True), torch.tensor([1.0]))
    with pytest.raises(DomainError, match="smallest entry of -1"):
        F.kl_div(x, torch.full((4, 3), -1.0), reduction="sum")
    with value_checks("strict"), pytest.raises(DomainError, match="rows that sum to 1"):
        F.cross_entropy(x, torch.ones(4, 3))


def test_a_graph_is_gone_through_twice_and_twice_over() -> None:
    x, y = torch.randn(6, 4, dtype=torch.float64, requires_grad=True), torch.randint(4, (6,))
    loss = F.cross_entropy(x, y) * 3
    first = torch.autograd.grad(loss, x, retain_graph=True)[0]
    again = torch.autograd.grad(loss, x)[0]
    assert torch.equal(first, again)
    q = torch.randn(6, 4, dtype=torch.float64).softmax(1)
    p = torch.rand(6, 4, dtype=torch.float64, requires_grad=True)
    for function, given, target in (
        (F.cross_entropy, x, y),
        (F.cross_entropy, x, q),
        (F.binary_cross_entropy_with_logits, x, q),
        (F.binary_cross_entropy, p, q),
    ):
        for reduction in REDUCTIONS:

            def loss_of(t: Tensor, f: Callable[..., Tensor] = function, r: str = reduction) -> Any:
                return f(t, target, reduction=r)  # noqa: B023

            assert torch.autograd.gradgradcheck(loss_of, given)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_a_graph_that_is_freed_is_gone(reduction: str) -> None:
    x, y = torch.randn(4, 3, requires_grad=True), torch.tensor([0, 1, 2, 0])
    loss = F.cross_entropy(x, y, reduction=reduction).sum()
    loss.backward()
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()


def test_scores_may_be_written_to_once_the_loss_is_made() -> None:
    x, y = torch.randn(4, 3, requires_grad=True), torch.tensor([0, 1, 2, 0])
    expected = torch.autograd.grad(F.cross_entropy(x * 1, y), x)[0]
    scores = x * 1
    loss = F.cross_entropy(scores, y)
    scores.zero_()  # as torch allows
    assert torch.equal(torch.autograd.grad(loss, x)[0], expected)


def test_an_item_that_was_masked_out_sends_0() -> None:
    p = torch.tensor([0.0, 0.5], requires_grad=True)
    losses = F.binary_cross_entropy(p, torch.tensor([1.0, 1.0]), reduction="none")
    losses[1:].sum().backward()
    assert p.grad is not None
    assert p.grad.tolist() == [0.0, -2.0]


def test_the_gradient_of_half_precision_is_rounded_once() -> None:
    x = torch.tensor([[0.0, 9.0]], dtype=torch.float16, requires_grad=True)
    # The slope alone, 1.2e-4 / 3000, would be 0 in float16.
    loss = F.cross_entropy(x.expand(3000, 2).contiguous(), torch.ones(3000, dtype=torch.int64))
    rows = torch.autograd.grad(loss, x, torch.tensor(2.0**15, dtype=torch.float16))[0]
    assert rows[0, 0] > 0


def test_inference_no_grad_and_autocast() -> None:
    x, y = torch.randn(4, 3, requires_grad=True), torch.tensor([0, 1, 2, 0])
    expected = F.cross_entropy(x, y).detach()
    with torch.no_grad():
        assert not F.cross_entropy(x, y).requires_grad
    with torch.inference_mode():
        assert torch.equal(F.cross_entropy(torch.randn(4, 3).copy_(x), y), expected)
    with torch.autocast("cpu", torch.bfloat16):
        assert F.cross_entropy(x.bfloat16(), y).dtype == torch.float32


def test_a_handful_of_losses_waits_for_no_compiler() -> None:
    code = (
        "import sys, torch, lossary.functional as F\n"
        "x, y = torch.randn(9, 3, requires_grad=True), torch.tensor([0, 1, 2] * 3)\n"
        "for k in range(5):\n"
        "    F.cross_entropy(x, y).backward()\n"
        "    print('numba' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.split() == ["False"] * 4 + ["True"]
