"""Divergences of two softmaxes by Triton: at 50 digits, and against the formula."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from lossary.core.distributions import Logits
from lossary.information.jensen_shannon import jensen_shannon_divergence
from lossary.information.kl_divergence import kl_divergence
from tests.information import oracle
from tests.information.measures import TWO, Case
from tests.information.regimes import FAR, MASKED, ORDINARY, score_rows
from tests.information.test_exact import check
from tests.kernels.triton.agreeing import FLOATS, agrees

CASES = [case for case in TWO if case.name.startswith(("kl_divergence", "jensen_shannon"))]


def kl(x: Tensor, y: Tensor, **options: Any) -> Tensor:
    return kl_divergence(Logits(x), Logits(y), **options)


def js(x: Tensor, y: Tensor, **options: Any) -> Tensor:
    return jensen_shannon_divergence(Logits(x), Logits(y), **options)


BOTH = [kl, js]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
@pytest.mark.parametrize("regime", [*ORDINARY, *MASKED, *FAR])
def test_at_fifty_digits(case: Case, regime: str) -> None:
    device = torch.get_default_device()
    with torch.device("cpu"):  # where the rows are drawn
        x, y = score_rows(regime, torch.float32)
    check(case, ("logits", "logits"), (x.to(device), y.to(device)), 1e-5)


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("function", BOTH)
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("classes", [1, 33, 1000])
def test_classes_of_every_number(classes: int, dtype: torch.dtype, function: Any) -> None:
    torch.manual_seed(classes)
    x, y = ((torch.randn(3, classes) * 4).to(dtype) for _ in range(2))
    agrees(function, x, y, wanted=(0, 1), cancels=True)


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("function", BOTH)
def test_nearly_equal_and_masked(function: Any) -> None:
    x = torch.randn(2, 600) * 4
    near = torch.nextafter(x, x + torch.randn_like(x))
    agrees(function, x, near, wanted=(0, 1))
    agrees(function, x, near + 50, wanted=(0, 1), cancels=True)
    assert not function(x, x.clone()).any()
    assert float(function(x, near).min()) > 0
    p, q = x.clone(), torch.randn(2, 600) * 4
    p[:, 3] = -torch.inf
    agrees(function, p, q, wanted=(0, 1), cancels=True)
    q[:, 3:5] = -torch.inf  # the fifth outcome p alone has
    agrees(function, p, q, wanted=(0, 1), cancels=True)


@pytest.mark.parametrize("function", BOTH)
def test_options_dimensions_and_one_gradient_alone(function: Any) -> None:
    x, y = torch.randn(2, 3, 40), torch.randn(2, 3, 40)
    agrees(function, x, y, base=2, wanted=(1,), cancels=True)
    agrees(function, x, y, wanted=(0,), cancels=True)
    agrees(js, x, y, weight=0.1, wanted=(0, 1), cancels=True)


def test_other_kinds_of_arguments_take_the_formula() -> None:
    from lossary.kernels import explain_choice

    x = torch.randn(3, 4)
    assert explain_choice(kl_divergence, Logits(x), x.softmax(-1)) == []
    assert explain_choice(kl_divergence, Logits(x), Logits(x.double())) == []
    with pytest.raises(ValueError, match="shape"):
        kl_divergence(Logits(x), Logits(torch.randn(3, 5)))


def test_a_planted_fault_would_be_seen() -> None:
    wrong = Case("reversed", lambda p, q: kl_divergence(q, p), oracle.kl)
    with torch.device("cpu"), pytest.raises(AssertionError):
        check(wrong, ("logits", "logits"), score_rows("random", torch.float32, 0), 1e-5)
