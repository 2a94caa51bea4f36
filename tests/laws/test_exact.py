"""The promise: every value and every gradient entry agrees with the oracle."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from tests.cases import LOSSES
from tests.checking import disagreements, neighbours
from tests.oracles.compare import assert_exact
from tests.rows import FLOATS, Loss

CASES = [
    pytest.param(loss, regime, dtype, id=f"{loss.name}-{regime}-{str(dtype)[6:]}")
    for loss in LOSSES
    for regime in loss.regimes
    for dtype in FLOATS
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
