"""The promise by Triton: the table's own oracles at 50 digits, and planted faults that they see."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from tests.cases import LOSSES
from tests.checking import disagreements, neighbours
from tests.meta.test_planted import PLANTED
from tests.oracles.compare import assert_exact
from tests.rows import Loss

NAMES = ("cross_entropy", "binary_cross_entropy_with_logits", "kl_div")
HARD = ("saturated", "optimum", "masked")
CASES = [
    pytest.param(
        loss,
        regime,
        dtype,
        id=f"{loss.name}-{regime}-{str(dtype)[6:]}",
        marks=() if regime in HARD and dtype == torch.float32 else pytest.mark.slow,
    )
    for loss in LOSSES
    for regime in loss.regimes
    for dtype in (torch.float32, torch.bfloat16, torch.float16)
    if loss.name.split("[")[0] in NAMES
]


@pytest.mark.parametrize(("loss", "regime", "dtype"), CASES)
def test_value_and_gradient_agree_with_the_oracle(
    loss: Loss, regime: str, dtype: torch.dtype
) -> None:
    tensors = loss.tensors(regime, dtype)
    for options in loss.options(tensors):
        exact = neighbours(loss, tensors, options, regime)
        for reduction in loss.reductions:
            ours = partial(loss.call, options=options, reduction=reduction)
            found = disagreements(loss, tensors, exact, reduction, ours)
            assert_exact(found, f"{loss.name} {regime} {dtype} {options} {reduction}")


def test_every_kernel_of_the_table_is_planted_against() -> None:
    assert {p.row for p in PLANTED} >= set(NAMES)
