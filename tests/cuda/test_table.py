"""Every loss on a GPU against the oracle at 50 digits, by whichever way it takes there."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from lossary.kernels import explain_choice
from tests.cases import LOSSES
from tests.checking import disagreements, neighbours
from tests.oracles.compare import assert_exact
from tests.rows import Loss

CASES = [
    pytest.param(loss, regime, dtype, id=f"{loss.name}-{regime}-{str(dtype)[6:]}")
    for loss in LOSSES
    for regime in loss.regimes
    for dtype in (torch.float32, torch.bfloat16)
]


def on_gpu(value: Any) -> Any:
    return value.cuda() if isinstance(value, Tensor) else value


@pytest.mark.parametrize(("loss", "regime", "dtype"), CASES)
def test_value_and_gradient_agree_with_the_oracle(
    loss: Loss, regime: str, dtype: torch.dtype
) -> None:
    tensors = loss.tensors(regime, dtype)
    for options in loss.options(tensors):
        exact = neighbours(loss, tensors, options, regime)
        moved = {name: on_gpu(value) for name, value in options.items()}
        for reduction in loss.reductions:

            def ours(call: tuple[Tensor, ...], moved: Any = moved, how: str = reduction) -> Tensor:
                return loss.call(tuple(t.cuda() for t in call), moved, reduction=how).cpu()

            found = disagreements(loss, tensors, exact, reduction, ours)
            assert_exact(found, f"{loss.name} {regime} {dtype} {options} {reduction}")


def test_triton_is_the_way() -> None:
    import lossary.functional as F

    x, y = torch.randn(4, 30, device="cuda"), torch.tensor([0, 1, 2, 3], device="cuda")
    assert [c.path for c in explain_choice(F.cross_entropy, x, y)] == ["triton"]
    wrong = F.cross_entropy(x, torch.tensor([0, 1, 2, 30], device="cuda"), reduction="none")
    assert wrong.isnan().tolist() == [False, False, False, True]  # and no memory beside the row
