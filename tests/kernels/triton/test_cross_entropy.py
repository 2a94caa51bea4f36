"""Cross-entropy by Triton: lengths, layouts, dtypes, masks, extremes, and how it is called."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import lossary.functional as F
from tests.kernels.triton.agreeing import CLASSES, FLOATS, agrees, exactly, faulty_module, results

REDUCTIONS = ["none", "mean", "sum"]


def made(classes: int, dtype: torch.dtype = torch.float32, rows: int = 4) -> tuple[Tensor, Tensor]:
    """Scores and labels, one of them ignored."""
    torch.manual_seed(classes)
    y = torch.randint(classes, (rows,))
    y[rows // 2] = -100
    return (torch.randn(rows, classes) * 4).to(dtype), y


LENGTHS = [(c, d) for d in FLOATS for c in CLASSES if d == torch.float32 or c in (3, 129, 1000)]


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize(("classes", "dtype"), LENGTHS)
def test_classes_of_every_number(classes: int, dtype: torch.dtype) -> None:
    x, y = made(classes, dtype)
    agrees(F.cross_entropy, x, y, reduction="none")
    agrees(F.cross_entropy, x, y, weight=torch.rand(classes).to(dtype), reduction="mean")


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("classes", [2, 33, 1000])
def test_soft_and_smoothed_targets(classes: int, dtype: torch.dtype) -> None:
    x, y = made(classes, dtype)
    q = torch.randn(len(x), classes).softmax(1).to(dtype)
    weight = torch.rand(classes).to(dtype)
    agrees(F.cross_entropy, x, y, label_smoothing=0.1, weight=weight, cancels=True)
    agrees(F.cross_entropy, x, q, reduction="none", cancels=True)
    agrees(F.cross_entropy, x, q, label_smoothing=0.25, weight=weight, cancels=True)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("kind", ["hard", "smoothed", "soft"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_every_backward_gives_the_same(kind: str, reduction: str, dtype: torch.dtype) -> None:
    x, y = made(50, dtype)
    leaf = x.clone().requires_grad_()
    target = torch.randn(4, 50).softmax(1).to(dtype) if kind == "soft" else y
    options: dict[str, Any] = {"reduction": reduction}
    if kind == "smoothed":
        options["label_smoothing"] = 0.1

    def value() -> Tensor:
        return F.cross_entropy(leaf, target, **options)

    def slope(loss: Tensor, times: float, keep: bool) -> Tensor:
        up = torch.full_like(loss, times)
        return torch.autograd.grad(loss, leaf, up, retain_graph=keep)[0]

    for times in (1.0, 0.3):
        alone = slope(value(), times, keep=False)
        loss = value()
        first = slope(loss, times, keep=True).clone()
        between = slope(loss, 2.5, keep=True)
        again = slope(loss, times, keep=False)
        assert_same(alone, first)
        assert_same(alone, again)
        torch.testing.assert_close(between.double() * times / 2.5, first.double(),
                                   rtol=1e-2, atol=1e-6)  # fmt: skip


def assert_same(a: Tensor, b: Tensor) -> None:
    """To the bit; on a GPU to the last place, whose compiler joins operations as it likes."""
    room = 4e-7 if a.is_cuda and a.dtype == torch.float32 else 0
    torch.testing.assert_close(a, b, rtol=room, atol=0)


def test_a_slope_that_was_handed_out_is_not_needed_again() -> None:
    leaf = torch.randn(3, 20).requires_grad_()
    loss = F.cross_entropy(leaf, torch.tensor([1, 2, 3]))
    first = torch.autograd.grad(loss, leaf, retain_graph=True)[0]
    kept = first.clone()
    first.zero_()
    assert torch.equal(torch.autograd.grad(loss, leaf)[0], kept)


def test_layouts() -> None:
    x, y = made(200, rows=6)
    agrees(F.cross_entropy, x[:, :50], y % 50, reduction="none")
    agrees(F.cross_entropy, x[::2], y[::2], reduction="none")
    agrees(F.cross_entropy, torch.randn(1, 50).expand(6, 50), y % 50, reduction="mean")
    for dtype in (torch.uint8, torch.int16, torch.int32):
        agrees(F.cross_entropy, x, (y % 200).to(dtype), reduction="none")


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("gap", [17.0, 60.0, 87.4, 90.0, 100.0, 200.0])
def test_saturated_rows(gap: float) -> None:
    x = torch.zeros(4, 600)
    x[:, 0] = gap
    x[1::2] -= 50
    y = torch.tensor([0, 0, 1, 599])
    agrees(F.cross_entropy, x, y, reduction="none")
    agrees(F.cross_entropy, x, torch.nn.functional.one_hot(y, 600).float(), reduction="none")


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("classes", [5, 600])
def test_masked_and_infinite_rows_are_the_formulas(classes: int) -> None:
    x, y = torch.randn(10, classes), torch.randint(classes, (10,))
    x[0], y[0] = -torch.inf, 1
    x[1], x[1, 2], y[1] = -torch.inf, 0.5, 2
    x[2, y[2]] = -torch.inf
    x[3], y[3] = torch.nan, -100
    x[4, y[4]] = torch.inf
    x[5, 1], y[5] = torch.inf, 0
    x[7] = torch.finfo(torch.float32).min
    x[8:, 3], y[8:] = -torch.inf, 0
    agrees(F.cross_entropy, x, y, reduction="none")
    mass = torch.nn.functional.one_hot(y[7:], classes).float()
    agrees(F.cross_entropy, x[7:], mass, reduction="none")
    agrees(F.cross_entropy, x[1:5], y[1:5], label_smoothing=0.0, reduction="sum")


def test_near_the_optimum_soft_slopes_keep_their_digits() -> None:
    x = torch.randn(8, 20) * 5
    agrees(F.cross_entropy, x, x.double().softmax(1).float(), reduction="none", cancels=True)
    certain = torch.tensor([[0.0, -36.0]])
    agrees(F.cross_entropy, certain, certain.double().softmax(1).float(), reduction="none")


def test_no_worse_than_torch() -> None:
    x, y = made(1000, rows=8)
    ours = results(F.cross_entropy, (x, y), (0,), reduction="none")
    exact = exactly(F.cross_entropy, (x, y), (0,), reduction="none")
    torchs = results(torch.nn.functional.cross_entropy, (x, y), (0,), reduction="none")
    for a, b, c in zip(ours, torchs, exact, strict=True):
        off = [float(((t - c).abs() / c.abs().clamp_min(1e-37)).max()) for t in (a, b)]
        assert off[0] <= off[1] + 1e-6


def test_second_derivatives_are_the_formulas(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = made(9)

    def second() -> Tensor:
        leaf = x.clone().requires_grad_()
        loss = F.cross_entropy(leaf, y)
        (slope,) = torch.autograd.grad(loss, leaf, create_graph=True)
        return torch.autograd.grad(slope.square().sum(), leaf)[0]

    ours = second()
    monkeypatch.setenv("LOSSARY_KERNELS", "formula")
    torch.testing.assert_close(ours, second(), rtol=1e-6, atol=0)


def test_every_target_ignored() -> None:
    leaf = torch.full((2, 9), torch.nan, requires_grad=True)
    loss = F.cross_entropy(leaf, torch.tensor([-100, -100]))
    assert float(loss.detach()) == 0
    assert not torch.autograd.grad(loss, leaf)[0].any()


def test_float16_slopes_survive_a_loss_scale() -> None:
    leaf = (torch.randn(64, 100) * 2).half().requires_grad_()
    y = torch.randint(100, (64,))
    loss = F.cross_entropy(leaf, y)
    (slope,) = torch.autograd.grad(loss, leaf, torch.tensor(2.0**14).half())
    exact = (leaf.double().softmax(1) - torch.eye(100).double()[y]) * 2.0**14 / 64
    torch.testing.assert_close(slope.double(), exact.detach(), rtol=2e-3, atol=1e-7)


def test_a_nan_is_passed_on() -> None:
    x, y = made(9)
    x[0, 3] = torch.nan
    (slope,) = results(F.cross_entropy, (x, y), (0,), reduction="none")[1:]
    assert slope[0].isnan().all()
    assert slope[1:].isfinite().all()


def test_no_gradient_is_made_where_none_is_wanted() -> None:
    x, y = made(9)
    leaf = x.clone().requires_grad_()
    with torch.no_grad():
        assert F.cross_entropy(leaf, y).grad_fn is None
    assert F.cross_entropy(x, y).grad_fn is None


@pytest.mark.parametrize(
    "fault",
    [
        lambda x, y, **o: F.cross_entropy(x * (1 + 1e-4), y, **o),
        lambda x, y, **o: F.cross_entropy(x, y.clamp_min(0), **o),
        lambda x, y, **o: F.cross_entropy(x, y, **o) + 1e-4,
    ],
)
def test_a_planted_fault_would_be_seen(fault: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = made(50)
    right = exactly(F.cross_entropy, (x, y), (0,), reduction="none")
    monkeypatch.setattr("tests.kernels.triton.agreeing.exactly", lambda *a, **o: right)
    agrees(F.cross_entropy, x, y, reduction="none")
    with pytest.raises(AssertionError):
        agrees(fault, x, y, reduction="none")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("log1p(tl.where(leads, odds, 0.0))", "tl.log(1 + tl.where(leads, odds, 0.0))"),
        ("tl.where(leads, odds, rest) * unit", "1 - tl.where(leads, 1.0, small * DROP) * unit"),
        ("tl.where(lanes == y - first, -INF, score)", "score"),  # the truth counted twice
    ],
)
def test_a_fault_planted_in_the_kernel_would_be_seen(
    old: str, new: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """The kernel with one fault, run in place of the right one."""
    from lossary.kernels.triton import _hard_rows, hard_cross_entropy

    leads = torch.tensor([[20.0, 0.0, 1.0]]), torch.tensor([0])
    agrees(F.cross_entropy, *leads, reduction="none")
    faulty = faulty_module(str(_hard_rows.__file__), old, new, tmp_path / "faulty_rows.py")
    monkeypatch.setattr(hard_cross_entropy, "_hard_rows", faulty)
    with pytest.raises(AssertionError):
        agrees(F.cross_entropy, *leads, reduction="none")
