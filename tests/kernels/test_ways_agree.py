"""Every way to a number, at the ends of what floats hold: the same as the formula's."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import lossary.functional as F
from lossary.core.errors import DtypeError
from lossary.entropies.sparsemax import sparsemax
from lossary.kernels import express
from tests.rows import quietly

INF, NAN = math.inf, math.nan
DTYPES = [torch.float32, torch.float64, torch.bfloat16]
Answer = tuple[Tensor, Tensor]


def ways(
    function: Callable[..., Any], x: Tensor, *rest: Tensor, **options: Any
) -> Iterator[Answer]:
    """Value and slope of the first rows: once, express, in blocks, fused and by the formula."""
    many = [t.repeat(40_000 // x.numel() + 1, *[1] * (t.dim() - 1)) for t in (x, *rest)]
    small, large = (x, *rest), many
    plans = [("fused", 4, small), ("fused", 0, small), ("fused", 0, large)]
    plans += [("formula", 0, small), ("formula", 0, large)]
    for level, patience, tensors in plans:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("LOSSARY_KERNELS", level)
            patch.setattr(express, "PATIENCE", patience)
            express._calls.clear()
            leaf = tensors[0].clone().requires_grad_()
            value = quietly(function, leaf, *tensors[1:], reduction="none", **options)
            (slope,) = torch.autograd.grad(value, leaf, torch.ones_like(value))
        yield value.detach()[: len(x)], slope[: len(x)]


def all_are(found: Iterator[Answer], value: list[Any], slope: list[Any] | None = None) -> None:
    for got, got_slope in found:
        expected = torch.tensor(value, dtype=got.dtype)
        torch.testing.assert_close(got, expected, equal_nan=True)
        if slope is not None:
            expected = torch.tensor(slope, dtype=got.dtype)
            torch.testing.assert_close(got_slope, expected, equal_nan=True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_divergence_hides_no_nan(dtype: torch.dtype) -> None:
    x = torch.tensor([NAN, INF, -INF, -1.0, 2.0], dtype=dtype)
    for logs in (False, True):
        nothing = torch.full_like(x, -INF if logs else 0)
        found = ways(F.kl_div, x, nothing, log_target=logs)
        all_are(found, [NAN, NAN, 0, 0, 0])


@pytest.mark.parametrize("dtype", DTYPES)
def test_divergence_of_an_infinite_target(dtype: torch.dtype) -> None:
    x = torch.tensor([3e38, -3e38, 0.0, -INF, INF], dtype=dtype)
    found = ways(F.kl_div, x, torch.full_like(x, INF))
    all_are(found, [INF, INF, INF, INF, NAN], [-INF] * 5)


@pytest.mark.parametrize("classes", [10, 60, 100, 1000])
@pytest.mark.parametrize("upstream", [1.0, 1e-28, 1e-32, 1e-34])
def test_little_upstream_gradients_keep_their_digits(classes: int, upstream: float) -> None:
    x = torch.randn(40_000 // classes + 1, classes, requires_grad=True)
    y = torch.arange(len(x)) % classes
    by = torch.tensor(upstream).expand(len(x)).clone()
    by[::3] = 1
    loss = F.cross_entropy(x, y, reduction="none")
    (slope,) = torch.autograd.grad(loss, x, by)
    exact = x.detach().double().softmax(1)
    exact[torch.arange(len(x)), y] -= 1
    exact *= by.double().unsqueeze(1)
    torch.testing.assert_close(slope.double(), exact, rtol=1e-5, atol=2e-38)


@pytest.mark.parametrize("classes", [3, 63, 64, 100])
@pytest.mark.parametrize("place", [0, 1])
def test_an_infinite_score_under_spread_mass(classes: int, place: int) -> None:
    x = torch.zeros(1, classes)
    x[0, place] = INF
    certain = torch.nn.functional.one_hot(torch.tensor([place]), classes).float()
    right = [[0.0] * classes]
    all_are(ways(F.cross_entropy, x, certain), [0.0], right)
    wrong = -certain.roll(1, 1)
    wrong[0, place] = 1
    all_are(ways(F.cross_entropy, x, certain.roll(1, 1)), [INF], wrong.tolist())
    smooth = torch.full_like(x, -0.1 / classes)
    smooth[0, place] = 0.1 * (classes - 1) / classes
    found = ways(F.cross_entropy, x, torch.tensor([place]), label_smoothing=0.1)
    all_are(found, [INF], smooth.tolist())


def test_one_class_that_is_masked() -> None:
    x = torch.tensor([[-INF]])
    all_are(ways(F.cross_entropy, x, torch.ones(1, 1)), [0.0], [[0.0]])


@pytest.mark.parametrize("dtype", DTYPES)
def test_sparsemax_of_infinite_scores(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.randn(400, 100).to(dtype)
    x[0, 3] = x[1, 3] = x[1, 5] = INF
    x[2, 4], x[2, 5] = INF, NAN
    answers = []
    for level in ("fused", "formula"):
        monkeypatch.setenv("LOSSARY_KERNELS", level)
        leaf = x.clone().requires_grad_()
        p = sparsemax(leaf)
        answers.append((p.detach(), *torch.autograd.grad(p, leaf, torch.ones_like(p))))
    assert answers[0][0][0].isnan().sum() == 1
    for found, exact in zip(*answers, strict=True):
        torch.testing.assert_close(found, exact, equal_nan=True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_infinite_slope_that_was_masked_out(dtype: torch.dtype) -> None:
    """A weight of 0, and an upstream gradient of 0, take an entry out."""
    p = torch.tensor([0.0, 1.0, 0.0, 0.5], dtype=dtype)
    y = torch.tensor([1.0, 0.0, 0.5, 1.0], dtype=dtype)
    weight = torch.tensor([0.0, 0.0, 0.0, 1.0], dtype=dtype)
    bce = F.binary_cross_entropy
    all_are(ways(bce, p, y, weight), [0, 0, 0, math.log(2)], [0, 0, 0, -2])
    all_are(ways(bce, p, y), [INF, INF, INF, math.log(2)], [-INF, INF, -INF, -2])

    def masked(p: Tensor, y: Tensor, reduction: str) -> Tensor:
        return bce(p, y, reduction=reduction).where((p > 0) & (p < 1), 0)

    all_are(ways(masked, p, y), [0, 0, 0, math.log(2)], [0, 0, 0, -2])

    def by_nothing(p: Tensor, y: Tensor, reduction: str) -> Tensor:
        total = bce(p, y, reduction="sum")
        return total.where(total.isfinite(), 0).expand(len(p))

    all_are(ways(by_nothing, p, y), [0, 0, 0, 0], [0, 0, 0, 0])


def test_a_weight_of_0_knows_its_infinite_slope() -> None:
    weight = torch.zeros(1, requires_grad=True)
    loss = F.binary_cross_entropy(torch.zeros(1), torch.ones(1), weight, reduction="sum")
    assert torch.autograd.grad(loss, weight)[0] == INF


OPTIONS = [
    {"ignore_index": np.int64(3)},
    {"ignore_index": torch.tensor(3)},
    {"ignore_index": True},
    {"label_smoothing": torch.tensor(0.1)},
    {"label_smoothing": np.float32(0.1)},
    {"label_smoothing": 1},
]
REFUSED = [
    {"ignore_index": 3.0},
    {"ignore_index": torch.tensor([1, 2])},
    {"label_smoothing": torch.tensor([0.1])},
    {"label_smoothing": torch.tensor(0.1, requires_grad=True)},
    {"label_smoothing": "0.1"},
    {"label_smoothing": None},
]


@pytest.mark.parametrize("options", OPTIONS)
def test_numbers_of_other_kinds(options: dict[str, Any]) -> None:
    x, y = torch.randn(6, 5), torch.tensor([0, 1, 2, 3, 4, 1])
    ((name, given),) = options.items()
    plain: Any = {name: float(given) if name == "label_smoothing" else int(given)}
    alone = torch.nn.functional.cross_entropy(x, y, reduction="none", **plain)
    for value, _ in ways(F.cross_entropy, x, y, **options):
        torch.testing.assert_close(value, alone)


@pytest.mark.parametrize("options", REFUSED)
def test_what_is_no_number_is_refused(options: dict[str, Any]) -> None:
    x, y = torch.randn(6, 5), torch.tensor([0, 1, 2, 3, 4, 1])
    for _ in range(2):
        with pytest.raises(DtypeError, match=f"got {next(iter(options))}="):
            F.cross_entropy(x, y, **options)


def test_what_is_no_tensor_is_told() -> None:
    given: Any = [[1.0, 2.0]]
    with pytest.raises(DtypeError, match="got input of type list"):
        F.cross_entropy(given, torch.tensor([0]))
    with pytest.raises(DtypeError, match="got weight of type list"):
        F.cross_entropy(torch.zeros(1, 2), torch.tensor([0]), weight=given[0])


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", ["hard", "smoothed", "soft"])
def test_traced_by_jit(kind: str) -> None:
    y = torch.tensor([0, 1, 2, 3])
    target = torch.rand(4, 5).softmax(1) if kind == "soft" else y
    smoothing = 0.1 if kind == "smoothed" else 0.0

    def loss(x: Tensor) -> Tensor:
        return F.cross_entropy(x, target, label_smoothing=smoothing)

    traced = torch.jit.trace(loss, (torch.randn(4, 5),))
    x = torch.randn(4, 5)
    torch.testing.assert_close(traced(x), loss(x))


def test_a_masked_out_loss_sends_0_in_blocks_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOSSARY_KERNELS", "blocks")
    p = torch.zeros(300, 200, requires_grad=True)
    loss = F.binary_cross_entropy(p, torch.ones(300, 200), reduction="sum")
    (slope,) = torch.autograd.grad(loss, p, torch.tensor(0.0))
    assert not slope.any()
