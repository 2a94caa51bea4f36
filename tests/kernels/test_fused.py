"""Compiled loops against the formula in float64: lengths, layouts, dtypes, masks, extremes."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

import lossary.functional as F
from lossary.kernels import explain_choice
from tests.oracles.compare import RELATIVE
from tests.rows import quietly

pytestmark = pytest.mark.usefixtures("only_small_at_once")

# Rows on either side of a lane's width, of a run, and of the switch between layouts.
CLASSES = [1, 2, 3, 10, 47, 48, 63, 64, 65, 127, 129, 383, 384, 500, 4095, 4097, 9001]
DTYPES = [torch.float32, torch.float64, torch.bfloat16, torch.float16]
ENTRIES = 40_000
# What is left of terms of order 1 that cancel in float64.
CANCELS = 1e-15


def rows_for(classes: int) -> int:
    """Enough rows of so many classes that the compiled loops run."""
    return max(5, ENTRIES // classes + 1)


def value_and_slope(function: Any, x: Tensor, *rest: Any, **options: Any) -> tuple[Tensor, Tensor]:
    leaf = x.detach().clone().requires_grad_()
    value = quietly(function, leaf, *rest, **options)
    upstream = torch.linspace(-1, 2, value.numel(), dtype=torch.float64).view(value.shape)
    (slope,) = torch.autograd.grad(value, leaf, upstream.to(value.dtype))
    return value.detach(), slope


def agrees(function: Any, x: Tensor, *rest: Any, **options: Any) -> None:
    """Ours in this dtype, by compiled loops, against the formula in float64."""
    assert [c.path for c in explain_choice(function, x, *rest, **options)] == ["fused"]
    found = value_and_slope(function, x, *rest, **options)
    wide = [t.double() if isinstance(t, Tensor) and t.is_floating_point() else t for t in rest]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOSSARY_KERNELS", "formula")
        exact = value_and_slope(function, x.double(), *wide, **options)
    tiny = torch.finfo(x.dtype).tiny
    soft = rest[0].is_floating_point() or options.get("label_smoothing", 0) > 0
    for a, b in zip(found, exact, strict=True):
        assert a.dtype == x.dtype
        b = b.clamp(-torch.finfo(x.dtype).max, torch.finfo(x.dtype).max)
        rounding = 2 * torch.finfo(x.dtype).eps if x.dtype.itemsize == 2 else RELATIVE[x.dtype]
        torch.testing.assert_close(
            a.double().clamp(b.min(), b.max()),
            b,
            rtol=rounding,
            # Slopes of soft targets cancel: both sides are float64 there, and neither is judge.
            atol=max(2 * tiny, CANCELS if soft else 0),
            equal_nan=True,
        )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("classes", CLASSES)
def test_classes_of_every_number(classes: int, dtype: torch.dtype) -> None:
    torch.manual_seed(classes)
    n = rows_for(classes)
    x, y = (torch.randn(n, classes) * 4).to(dtype), torch.randint(classes, (n,))
    y[::7] = -100
    agrees(F.cross_entropy, x, y, reduction="none")
    weight = torch.rand(classes, dtype=dtype)
    agrees(F.cross_entropy, x, y, weight=weight, reduction="sum")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("classes", [2, 10, 65, 500, 4097])
def test_soft_and_smoothed_targets(classes: int, dtype: torch.dtype) -> None:
    torch.manual_seed(classes)
    n = rows_for(classes)
    x = (torch.randn(n, classes) * 4).to(dtype)
    q = torch.randn(n, classes).softmax(1).to(dtype)
    y = torch.randint(classes, (n,))
    y[::7] = -100
    agrees(F.cross_entropy, x, y, label_smoothing=0.1, reduction="none")
    agrees(F.cross_entropy, x, q, reduction="none", label_smoothing=0.25)


@pytest.mark.parametrize("shape", [(3, 7, 50, 60), (2, 300, 5, 21), (16, 4096, 3), (9, 2, 5000)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_classes_in_the_second_of_many_dimensions(
    shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    x = (torch.randn(shape) * 4).to(dtype)
    y = torch.randint(shape[1], (shape[0], *shape[2:]))
    y[0, 0] = -100
    for layout in (x, x.transpose(0, -1).contiguous().transpose(0, -1)):
        agrees(F.cross_entropy, layout, y, reduction="none")
        agrees(F.cross_entropy, layout, y, reduction="mean", label_smoothing=0.1)


def test_layouts_that_are_not_contiguous() -> None:
    x, y = torch.randn(500, 200), torch.randint(100, (500,))
    agrees(F.cross_entropy, x[:, ::2], y, reduction="none")
    agrees(F.cross_entropy, x[:, :100], y, reduction="none")
    agrees(F.cross_entropy, x.t()[:100].t(), y, reduction="none")
    agrees(F.cross_entropy, torch.randn(1, 100).expand(500, 100), y, reduction="none")


@pytest.mark.parametrize("classes", [16, 64, 500])
@pytest.mark.parametrize("gap", [17.0, 60.0, 87.4, 90.0, 100.0, 200.0])
@pytest.mark.parametrize("truth", [0, 1])
def test_saturated_rows(classes: int, gap: float, truth: int) -> None:
    x = torch.zeros(rows_for(classes), classes)
    x[:, 0] = gap
    x[1::2] -= 50  # the same rows, elsewhere
    y = torch.full((len(x),), truth)
    agrees(F.cross_entropy, x, y, reduction="none")
    q = torch.nn.functional.one_hot(y, classes).float()
    agrees(F.cross_entropy, x, q, reduction="none")


@pytest.mark.parametrize("classes", [5, 500])
def test_masked_rows_are_the_formulas(classes: int) -> None:
    n = rows_for(classes)
    x, y = torch.randn(n, classes), torch.randint(classes, (n,))
    x[0], y[0] = -torch.inf, 1
    x[1], x[1, 2], y[1] = -torch.inf, 0.5, 2
    x[2, y[2]] = -torch.inf
    x[3], y[3] = torch.nan, -100
    x[4, y[4]] = torch.inf
    x[5:, 3], y[5:] = -torch.inf, 0
    agrees(F.cross_entropy, x, y, reduction="none")
    mass = torch.nn.functional.one_hot(y[5:], classes).float()
    agrees(F.cross_entropy, torch.cat([x[5:]] * 3), torch.cat([mass] * 3), reduction="none")


def test_near_the_optimum_soft_slopes_keep_their_digits() -> None:
    x = torch.randn(4000, 20) * 5
    q = x.double().softmax(1).float()
    agrees(F.cross_entropy, x, q, reduction="none")
    certain = torch.tensor([[0.0, -36.0]]).repeat(20_000, 1)
    agrees(F.cross_entropy, certain, certain.double().softmax(1).float(), reduction="none")


BINARY = "binary_cross_entropy_with_logits"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(40_001,), (50_000, 1), (400, 101), (3, 7, 2000)])
def test_binary_with_every_weight(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    z, y = (torch.randn(shape) * 20).to(dtype), torch.rand(shape).to(dtype)
    per_class, whole = torch.rand(shape[-1], dtype=dtype), torch.rand(shape, dtype=dtype)
    loss = F.binary_cross_entropy_with_logits
    for options in (
        {},
        {"pos_weight": per_class},
        {"weight": whole},
        {"weight": per_class, "pos_weight": whole},
    ):
        agrees(loss, z, y, reduction="none", **options)
        agrees(loss, z, y, reduction="mean", **options)


def test_binary_at_the_ends() -> None:
    z = torch.tensor([-torch.inf, -200, -90, -30, 0, 30, 90, 200, torch.inf]).repeat(5000)
    for target in (0.0, 1.0, 0.999, 2.0**-23):
        y = torch.full_like(z, target)
        agrees(F.binary_cross_entropy_with_logits, z, y, reduction="none")
    y = torch.tensor([1 - 2.0**-23]).expand(40_000).contiguous()
    z = torch.full((40_000,), 100.0)
    agrees(F.binary_cross_entropy_with_logits, z, y, pos_weight=torch.full((40_000,), 5.5))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(40_001,), (400, 101), (3, 7, 2000)])
def test_divergence(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    log_p = torch.randn(shape).mul(4).log_softmax(-1).to(dtype)
    q = torch.randn(shape).mul(4).softmax(-1).to(dtype)
    q[..., 0], q[..., 1], log_p[..., 0] = 0, 1, -torch.inf
    for reduction in ("none", "batchmean"):
        agrees(F.kl_div, log_p, q, reduction=reduction)
        agrees(F.kl_div, log_p, q.log(), reduction=reduction, log_target=True)


def test_log_masses_beyond_any_probability_take_the_blocks() -> None:
    log_p, t = torch.zeros(40_000), torch.full((40_000,), 650.0, dtype=torch.float64)
    (choice,) = explain_choice(F.kl_div, log_p.double(), t, reduction="sum", log_target=True)
    assert choice.path == "blocks"


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_any_number_of_threads_gives_one_number(threads: int) -> None:
    x, y = torch.randn(3000, 50), torch.randint(50, (3000,))
    before = torch.get_num_threads()
    expected = value_and_slope(F.cross_entropy, x, y, reduction="none")
    try:
        torch.set_num_threads(threads)
        found = value_and_slope(F.cross_entropy, x, y, reduction="none")
    finally:
        torch.set_num_threads(before)
    assert torch.equal(found[0], expected[0])
    assert torch.equal(found[1], expected[1])


def test_only_a_few_numbers_an_item_are_kept() -> None:
    kept: list[Tensor] = []
    x, y = torch.randn(1000, 500, requires_grad=True), torch.randint(500, (1000,))

    def keep(t: Tensor) -> Tensor:
        kept.append(t)
        return t

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
        F.cross_entropy(x, y)
    own = [t for t in kept if t.data_ptr() not in (x.data_ptr(), y.data_ptr())]
    assert sum(t.numel() for t in own) <= 4 * len(x)


def test_a_planted_fault_would_be_seen() -> None:
    x, y = torch.randn(1000, 50), torch.randint(50, (1000,))

    def wrong(x: Tensor, y: Tensor, **options: Any) -> Tensor:
        return F.cross_entropy(x * (1 + 1e-4), y, **options)

    with pytest.raises(AssertionError):
        agrees_with(wrong, F.cross_entropy, x, y)


def agrees_with(found: Any, exact: Any, x: Tensor, y: Tensor) -> None:
    a = value_and_slope(found, x, y, reduction="none")
    b = value_and_slope(exact, x.double(), y, reduction="none")
    for left, right in zip(a, b, strict=True):
        torch.testing.assert_close(left.double(), right, rtol=1e-5, atol=1e-37)
    assert math.isfinite(float(a[0].sum()))
