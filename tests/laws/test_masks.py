"""A mask is a slice: what is ignored might as well not be there, whatever it holds."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.cases import BY_NAME
from tests.rows import FLOATS, with_gradient

NAMES = ("cross_entropy", "cross_entropy[smoothed]", "nll_loss")
POISONS = (torch.nan, torch.inf, -torch.inf, 3e38)
WEIGHT = torch.tensor([0.5, 2.0, 1.25, 1.0])
OPTIONS: tuple[dict[str, Any], ...] = ({}, {"weight": WEIGHT})


def options_of(name: str, options: dict[str, Any], dtype: torch.dtype) -> dict[str, Any]:
    """The options in the input's dtype, smoothed where the row says so."""
    drawn = {k: v.to(dtype) for k, v in options.items()}
    return {**drawn, "label_smoothing": 0.2} if "smoothed" in name else drawn


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("poison", POISONS)
@pytest.mark.parametrize("rows", [6, 20_000])
def test_ignored_rows_equal_sliced_rows(
    name: str, options: dict[str, Any], reduction: str, poison: float, rows: int
) -> None:
    loss = BY_NAME[name]
    settings = options_of(name, options, torch.float32)
    rng = loss.rng("mask", rows)
    x = torch.randn(rows, 4, generator=rng)
    y = torch.randint(0, 4, (rows,), generator=rng)
    ignored = torch.rand(rows, generator=rng) < 0.5
    ignored[0] = True
    x[ignored] = poison
    masked, sliced = with_gradient(x), with_gradient(x[~ignored])
    whole = loss.call((masked, y.masked_fill(ignored, 7)), settings | {"ignore_index": 7},
                      reduction=reduction)  # fmt: skip
    part = loss.call((sliced, y[~ignored]), settings, reduction=reduction)
    kept = whole[~ignored] if reduction == "none" else whole
    torch.testing.assert_close(kept, part, rtol=1e-6, atol=0)
    if reduction == "none":
        assert torch.equal(whole[ignored], torch.zeros_like(whole[ignored]))
    torch.autograd.backward(whole.sum())
    torch.autograd.backward(part.sum())
    assert masked.grad is not None
    assert sliced.grad is not None
    assert torch.equal(masked.grad[ignored], torch.zeros_like(x[ignored]))
    torch.testing.assert_close(masked.grad[~ignored], sliced.grad, rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", FLOATS)
def test_ignored_pixels_equal_sliced_pixels(name: str, dtype: torch.dtype) -> None:
    loss = BY_NAME[name]
    settings = options_of(name, {}, dtype)
    rng = loss.rng("pixels")
    x = torch.randn(2, 4, 3, generator=rng).to(dtype)
    y = torch.randint(0, 4, (2, 3), generator=rng)
    y[0, 1] = -100
    x[0, :, 1] = torch.nan
    whole = loss.call((x, y), settings)
    flat = x.movedim(1, -1).reshape(-1, 4)
    keep = y.reshape(-1) != -100
    part = loss.call((flat[keep], y.reshape(-1)[keep]), settings)
    torch.testing.assert_close(whole, part)


def test_ignore_index_may_name_a_class() -> None:
    x = with_gradient(torch.randn(4, 3))
    y = torch.tensor([0, 2, 0, 1])
    value = BY_NAME["cross_entropy"].call((x, y), {"ignore_index": 0}, reduction="sum")
    torch.autograd.backward(value)
    assert x.grad is not None
    assert torch.equal(x.grad[[0, 2]], torch.zeros(2, 3))
    # The class is only ignored as a target: it stays in the normaliser.
    assert (x.grad[[1, 3], 0] > 0).all()


@pytest.mark.parametrize(
    "name", ["binary_cross_entropy_with_logits", "mse_loss", "huber_loss", "l1_loss"]
)
def test_entries_left_out_by_indexing_leave_no_trace(name: str) -> None:
    loss = BY_NAME[name]
    x, y = loss.tensors("ordinary", torch.float32)
    keep = torch.ones_like(x, dtype=torch.bool)
    keep[1] = False
    x[1] = torch.nan
    leaf = with_gradient(x)
    torch.autograd.backward(loss.call((leaf[keep], y[keep]), {}))
    assert leaf.grad is not None
    assert torch.equal(leaf.grad[1], torch.zeros_like(x[1]))
    assert leaf.grad.isfinite().all()


def test_nan_in_an_unmasked_row_of_none_stays_in_its_row() -> None:
    x, y = BY_NAME["cross_entropy"].tensors("ordinary", torch.float32)
    x[2, 1] = torch.nan
    leaf = with_gradient(x)
    value = BY_NAME["cross_entropy"].call((leaf, y), {}, reduction="none")
    assert value.isnan().tolist() == [False, False, True, False, False]
    torch.autograd.backward(value[[0, 1, 3, 4]].sum())
    assert leaf.grad is not None
    assert leaf.grad[[0, 1, 3, 4]].isfinite().all()
