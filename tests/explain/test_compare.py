"""Comparisons of losses against gradients that are written out by hand."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import torch
from torch.nn import functional as F

import lossary
from lossary.core.errors import DtypeError, OptionError, ShapeError
from lossary.explain.comparing import Comparison


def given() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = 2 * torch.randn(200, 5, generator=generator, dtype=torch.float64)
    y = torch.randint(5, (200,), generator=generator)
    y[:120] = x[:120].argmax(1)
    return x, y


def squared(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return F.mse_loss(x.softmax(1), F.one_hot(y, 5).double())


def three() -> Comparison:
    losses: dict[str, Any] = {
        "cross-entropy": "cross_entropy",
        "squared": squared,
        "margin": torch.nn.MultiMarginLoss(),
    }
    return lossary.compare(losses, *given())


def by_hand() -> dict[str, torch.Tensor]:
    """The gradients, from their formulas."""
    x, y = given()
    p, q = x.softmax(1), F.one_hot(y, 5).double()
    gap = 2 * (p - q) / p.numel()
    truth = x.gather(1, y[:, None])
    missed = ((1 - truth + x) > 0).double().scatter(1, y[:, None], 0) / 5
    return {
        "cross-entropy": (p - q) / len(x),
        "squared": p * (gap - (p * gap).sum(1, keepdim=True)),
        "margin": (missed - q * missed.sum(1, keepdim=True)) / len(x),
    }


def test_values_and_directions_are_those_of_the_formulas() -> None:
    found, slopes = three(), by_hand()
    x, y = given()
    values = [F.cross_entropy(x, y), squared(x, y), F.multi_margin_loss(x, y)]
    for one, value in zip(found.losses, values, strict=True):
        g = slopes[one.name]
        assert one.value == pytest.approx(float(value), rel=1e-12)
        assert one.gradient_norm == pytest.approx(float(g.norm()), rel=1e-9)
        sizes = g.abs().sum(1)
        assert one.without_gradient == int((sizes == 0).sum())
        ranked = sizes.sort(descending=True).values
        assert one.cumulative[1] == pytest.approx(float(ranked[:20].sum() / ranked.sum()))
        assert one.cumulative[0] == 0
        assert one.cumulative[-1] == pytest.approx(1)
        assert one.cares[0].gradient_share == pytest.approx(float(ranked[0] / ranked.sum()))
    for pair in found.pairs:
        g, h = slopes[pair.first].flatten(), slopes[pair.second].flatten()
        assert pair.cosine == pytest.approx(float(F.cosine_similarity(g, h, dim=0)), rel=1e-9)


def test_the_order_of_the_examples_moves_their_numbers_only() -> None:
    x, y = given()
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(1))
    one = lossary.compare(["cross_entropy", torch.nn.MultiMarginLoss()], x, y)
    two = lossary.compare(["cross_entropy", torch.nn.MultiMarginLoss()], x[order], y[order])
    assert one.pairs[0].cosine == pytest.approx(two.pairs[0].cosine)
    assert order[two.losses[0].cares[0].index] == one.losses[0].cares[0].index


@pytest.mark.parametrize(
    ("losses", "words"),
    [
        ({"a": torch.nn.MSELoss(), "b": lambda x, t: -F.mse_loss(x, t)}, "pull against each other"),
        ({"a": torch.nn.MSELoss(), "b": lambda x, t: 3 * F.mse_loss(x, t)}, "almost exactly"),
        ({"a": torch.nn.MSELoss(), "b": torch.nn.SmoothL1Loss()}, "much the same way"),
        ({"a": torch.nn.MSELoss(), "b": torch.nn.HuberLoss(delta=1e-3)}, "different directions"),
    ],
)
def test_what_is_said_of_the_directions(losses: dict[str, Any], words: str) -> None:
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(50, 1, generator=generator) ** 3
    if "much" in words:
        x = 1.5 * torch.randn(50, 1, generator=generator)
    found = lossary.compare(losses, x, torch.zeros(50, 1))
    assert words in found.sentences()[0]
    assert len(found.sentences("ko")) == len(found.sentences("en"))


def test_a_loss_without_gradient_has_no_direction() -> None:
    found = lossary.compare(
        {"hinge": torch.nn.MultiMarginLoss(), "ce": torch.nn.CrossEntropyLoss()},
        torch.tensor([[9.0, 0.0]]),
        torch.tensor([0]),
    )
    assert found.pairs[0].cosine is None
    assert found.losses[0].gradient_norm == 0
    assert any("no gradient to 1 of 1" in line for line in found.sentences())
    assert "\N{EN DASH}" in str(found)


def test_it_shows_itself_in_both_languages() -> None:
    for language in ("en", "ko"):
        found = three().into(language)
        assert "cross-entropy" in str(found)
        assert "<script" not in found._repr_html_()
        assert len(found.figure().axes) == 2
        told = json.loads(found.to_json())
        assert told["schema_version"] == 1
        assert told["sentences"] == found.sentences()
    assert three() == three()


def test_inputs_are_left_as_they_are() -> None:
    x, y = given()
    leaf = x.clone().requires_grad_()
    with torch.no_grad():
        lossary.compare(["cross_entropy", torch.nn.MultiMarginLoss()], leaf, y)
    assert leaf.grad is None
    assert torch.equal(leaf.detach(), x)


def test_wrong_use_is_refused() -> None:
    x, y = given()
    with pytest.raises(OptionError, match="two or more"):
        lossary.compare(["cross_entropy"], x, y)
    with pytest.raises(OptionError, match="one name"):
        lossary.compare([torch.nn.MSELoss(), torch.nn.MSELoss()], x, x)
    with pytest.raises(OptionError, match="does not lead"):
        lossary.compare(["cross_entropy", lambda x, y: math.pi], x, y)
    with pytest.raises(OptionError, match="does not lead"):
        lossary.compare(["cross_entropy", lambda x, y: x.detach().sum()], x, y)
    with pytest.raises(OptionError, match="language"):
        lossary.compare(["cross_entropy", squared], x, y, language="fr")
    with pytest.raises(ShapeError):
        lossary.compare(["cross_entropy", squared], x[:0], y[:0])
    with pytest.raises(DtypeError):
        lossary.compare(["cross_entropy", squared], y, y)
