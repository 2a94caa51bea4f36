"""Labels that name no class, where nothing read them before the compiled loops did."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import lossary.functional as F
from lossary.core.checks import value_checks
from lossary.core.errors import ClassIndexError
from lossary.kernels import explain_choice
from lossary.losses.linear_cross_entropy import linear_cross_entropy
from lossary.losses.token_statistics import token_statistics

pytestmark = pytest.mark.usefixtures("only_small_at_once")

LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "hard": lambda x, y: F.cross_entropy(x, y, reduction="sum"),
    "none": lambda x, y: F.cross_entropy(x, y, reduction="none").sum(),
    "smoothed": lambda x, y: F.cross_entropy(x, y, label_smoothing=0.1),
    "classes second": lambda x, y: F.cross_entropy(x.unsqueeze(2), y.unsqueeze(1)),
    "tokens": lambda x, y: torch.stack(token_statistics(x, y)).sum(),
}
WRONG = [12, -1, 10**9, 2**32 + 3, -(2**62), 2**63 - 1]


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("classes", [10, 100, 400])
@pytest.mark.parametrize("name", LOSSES)
def test_unchecked_labels_are_refused(name: str, classes: int, wrong: int) -> None:
    loss, x = LOSSES[name], torch.randn(40_000 // classes, classes, requires_grad=True)
    y = torch.arange(len(x)) % classes
    assert explain_choice(loss, x, y)[0].path == "fused"
    y[5] = wrong + (classes if wrong == 12 else 0)
    with value_checks("off"), pytest.raises(ClassIndexError, match=rf"Target {int(y[5])} is out"):
        loss(x, y)


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("classes", [10, 100, 400])
@pytest.mark.parametrize("name", LOSSES)
def test_labels_that_went_wrong_before_backward(name: str, classes: int, wrong: int) -> None:
    x = torch.randn(40_000 // classes, classes, requires_grad=True)
    y = torch.arange(len(x)) % classes
    loss = LOSSES[name](x, y)
    y.data.fill_(wrong + (classes if wrong == 12 else 0))  # past the version counter
    with pytest.raises(ClassIndexError, match="is out of bounds"):
        loss.backward()


@pytest.mark.parametrize("name", LOSSES)
def test_labels_that_counted_for_nothing_in_forward(name: str) -> None:
    """What the loss kept of an ignored row leads nowhere, should the row count in backward."""
    x = torch.randn(400, 100, requires_grad=True)
    y = torch.full((400,), -100)
    loss = LOSSES[name](x, y)
    y.data.fill_(3)
    loss.backward()
    assert x.grad is not None


def test_labels_of_a_linear_layer() -> None:
    x, matrix = torch.randn(1200, 16), torch.randn(1000, 16, requires_grad=True)
    y = torch.arange(1200) % 1000
    loss = linear_cross_entropy(x, matrix, y, reduction="none").sum()
    y.data.fill_(10**9)  # past the version counter
    with pytest.raises(ClassIndexError, match="is out of bounds"):
        loss.backward()
    with value_checks("off"), pytest.raises(ClassIndexError, match="is out of bounds"):
        linear_cross_entropy(x, matrix, y)
