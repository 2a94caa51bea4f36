"""Log-probability and entropy of tokens by Triton, together and one by one."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from lossary.losses.token_statistics import token_statistics
from tests.kernels.triton.agreeing import FLOATS, agrees, faulty_module


def both(x: Tensor, y: Tensor) -> Tensor:
    return torch.stack(token_statistics(x, y), 1)


def log_probability(x: Tensor, y: Tensor) -> Tensor:
    return token_statistics(x, y).log_probability


def entropy(x: Tensor, y: Tensor) -> Tensor:
    return token_statistics(x, y).entropy


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("classes", [1, 33, 1000])
def test_classes_of_every_number(classes: int, dtype: torch.dtype) -> None:
    torch.manual_seed(classes)
    x, y = (torch.randn(4, classes) * 4).to(dtype), torch.randint(classes, (4,))
    y[1] = -100
    for function in (both, log_probability, entropy):
        agrees(function, x, y, cancels=True)


@pytest.mark.usefixtures("blocks")
def test_saturated_masked_and_ignored_rows() -> None:
    x, y = torch.randn(6, 600), torch.tensor([0, 1, 2, 599, -100, 3])
    x[0, 0] = 90
    x[1, 0] = 200
    x[2, 3:] = -torch.inf
    x[3] = -torch.inf
    x[4] = torch.nan
    for function in (both, log_probability, entropy):
        agrees(function, x, y, cancels=True)


def test_a_fault_planted_in_the_kernel_would_be_seen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """What is a small part of a row drowns beside its highest score, unless it is kept apart."""
    from lossary.kernels.triton import _token_rows
    from lossary.kernels.triton import token_statistics as kernel

    x, y = torch.tensor([[0.0, 20.0, 1.0]]), torch.tensor([0])
    agrees(entropy, x.bfloat16(), y)
    source = str(_token_rows.__file__)
    faulty = faulty_module(source, "log1p(odds)", "tl.log(1 + odds)", tmp_path / "faulty_rows.py")
    monkeypatch.setattr(kernel, "_token_rows", faulty)
    with pytest.raises(AssertionError):
        agrees(entropy, x.bfloat16(), y)
