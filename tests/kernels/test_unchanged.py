"""A target or weight that is written to before backward is refused, not used."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import lossary.functional as F

pytestmark = pytest.mark.usefixtures("only_small_at_once")

Call = Callable[[Tensor, Tensor, Tensor], Tensor]
MATRIX = torch.randn(1000, 16)


def linear(**options: object) -> Call:
    return lambda x, y, w: F.linear_cross_entropy(x, MATRIX, y, weight=w, **options)  # type: ignore[arg-type]


CALLS: dict[str, Call] = {
    "large": lambda x, y, w: F.cross_entropy(x, y, weight=w),
    "large, smoothed": lambda x, y, w: F.cross_entropy(x, y, weight=w, label_smoothing=0.1),
    "linear": linear(reduction="none"),
    "linear, smoothed": linear(reduction="none", label_smoothing=0.1),
}


@pytest.mark.parametrize("changed", [1, 2], ids=["target", "weight"])
@pytest.mark.parametrize("name", CALLS)
def test_what_was_written_to_is_refused(name: str, changed: int) -> None:
    width = 16 if name.startswith("linear") else 1000
    tensors = (
        torch.randn(1200, width).requires_grad_(),
        torch.zeros(1200).long(),
        torch.rand(1000),
    )
    loss = CALLS[name](*tensors)
    tensors[changed].fill_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.sum().backward()


@pytest.mark.parametrize("level", ["blocks", "fused"])
def test_blocks_too(level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOSSARY_KERNELS", level)
    x, y, w = torch.randn(300, 200).requires_grad_(), torch.zeros(300).long(), torch.rand(200)
    loss = F.cross_entropy(x, y, weight=w)
    w.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        torch.autograd.grad(loss, x, create_graph=True)
