"""What must hold of any explanation: order, blocks and language do not show in the numbers."""

from __future__ import annotations

import dataclasses
import math
from typing import Any
from unittest import mock

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lossary.explain import Explanation, explain, source
from lossary.explain.sentences import MOST

LOSSES = ("cross_entropy", "soft", "kl_div", "binary_cross_entropy_with_logits", "mse_loss")


def drawn(loss: str, rows: int, classes: int, seed: int) -> tuple[str, torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(seed)
    x = 3 * torch.randn(rows, classes, generator=g, dtype=torch.float64)
    other = torch.randn(rows, classes, generator=g, dtype=torch.float64)
    if loss == "cross_entropy":
        return loss, x, torch.randint(classes, (rows,), generator=g)
    if loss == "soft":
        return "cross_entropy", x, other.softmax(1)
    if loss == "kl_div":
        return loss, x.log_softmax(1), other.softmax(1)
    if loss == "mse_loss":
        return loss, x, other
    return loss, x, (other > 0).double()


def numbers(value: Any, path: str = "") -> dict[str, Any]:
    """All numbers of an explanation by where they stand, but for the places of examples."""
    if dataclasses.is_dataclass(value):
        return {
            k: v
            for f in dataclasses.fields(value)
            if f.name not in ("index", "hardest", "language")
            for k, v in numbers(getattr(value, f.name), f"{path}.{f.name}").items()
        }
    if isinstance(value, tuple):
        return {k: v for i, x in enumerate(value) for k, v in numbers(x, f"{path}[{i}]").items()}
    return {path: value}


def same(a: Explanation, b: Explanation) -> None:
    left, right = numbers(a), numbers(b)
    assert left.keys() == right.keys()
    for key, x in left.items():
        y = right[key]
        if isinstance(x, float) and isinstance(y, float):
            # A temperature is found to nine digits of itself, not of the loss.
            near = 1e-6 if "temperature" in key else 1e-9
            assert math.isclose(x, y, rel_tol=near, abs_tol=1e-12), (key, x, y)
        else:
            assert x == y, key


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(LOSSES), st.integers(1, 60), st.integers(2, 6), st.integers(0, 10**6))
def test_the_order_of_examples_does_not_show(loss: str, rows: int, classes: int, seed: int) -> None:
    name, x, t = drawn(loss, rows, classes, seed)
    order = torch.randperm(rows, generator=torch.Generator().manual_seed(seed))
    same(explain(name, x, t), explain(name, x[order], t[order]))


@pytest.mark.parametrize("loss", LOSSES)
def test_blocks_do_not_show(loss: str) -> None:
    name, x, t = drawn(loss, 50, 4, 3)
    whole = explain(name, x, t)
    with mock.patch.object(source, "BLOCK_ENTRIES", 28):
        same(whole, explain(name, x, t))


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(LOSSES), st.integers(1, 300), st.integers(2, 6), st.integers(0, 10**6))
def test_three_to_eight_sentences_in_both_languages(
    loss: str, rows: int, classes: int, seed: int
) -> None:
    found = explain(*drawn(loss, rows, classes, seed))
    english, korean = found.sentences("en"), found.sentences("ko")
    assert 3 <= len(english) <= MOST
    assert len(english) == len(korean)
    assert found.into("ko").sentences() == korean


@pytest.mark.parametrize("loss", LOSSES)
def test_shares_add_up_to_one(loss: str) -> None:
    found = explain(*drawn(loss, 200, 5, 1), hardest=1000)
    parts = [[e.loss_share for e in found.hardest], [e.gradient_share for e in found.hardest]]
    if found.classification is not None:
        parts += [
            [row.loss_share for row in found.classification.per_class],
            [row.gradient_share for row in found.classification.per_class],
            [cell.loss_share for cell in found.classification.confusion],
        ]
    for part in parts:
        assert math.fsum(part) == pytest.approx(1)


def test_no_random_stream_is_touched_and_no_gradient_kept() -> None:
    _, x, y = drawn("cross_entropy", 60, 4, 0)
    x.requires_grad_()
    before = torch.get_rng_state()
    found = explain("cross_entropy", x, y)
    assert torch.equal(before, torch.get_rng_state())
    assert x.grad is None
    assert isinstance(found.value, float)
