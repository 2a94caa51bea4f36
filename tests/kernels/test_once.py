"""A loss's first few small calls, by torch operations: the promise holds for them too."""

from __future__ import annotations

import pytest
import torch

from lossary.kernels import express
from tests.cases import LOSSES
from tests.laws.test_exact import test_value_and_gradient_agree_with_the_oracle as holds
from tests.rows import Loss

EXPRESS = {
    "cross_entropy",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "kl_div",
}
CASES = [
    pytest.param(loss, regime, id=f"{loss.name}-{regime}")
    for loss in LOSSES
    for regime in loss.regimes
    if loss.function_name in EXPRESS
]


@pytest.mark.parametrize(("loss", "regime"), CASES)
def test_the_first_calls_are_exact(
    loss: Loss, regime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(express, "PATIENCE", 10**9)
    holds(loss, regime, torch.float32)
