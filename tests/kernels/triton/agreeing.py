"""A loss by its Triton kernel, in its own dtype, against its formula in float64."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from lossary.kernels import explain_choice
from tests.oracles.compare import RELATIVE
from tests.rows import quietly

FLOATS = [torch.float32, torch.bfloat16, torch.float16]
# Lengths on either side of a block's, and of what divides evenly.
CLASSES = [1, 2, 3, 31, 33, 127, 129, 1000, 4097]
# What is left of terms of order 1 that cancel in float64.
CANCELS = 1e-15


def results(
    function: Any, tensors: tuple[Tensor, ...], wanted: tuple[int, ...], **options: Any
) -> list[Tensor]:
    """Value and slopes under an uneven upstream gradient."""
    leaves = [
        t.detach().clone().requires_grad_() if i in wanted else t for i, t in enumerate(tensors)
    ]
    value = quietly(function, *leaves, **options)
    # Numbers that every dtype holds.
    upstream = torch.linspace(-1, 2, value.numel()).bfloat16().view(value.shape)
    slopes = torch.autograd.grad(value, [leaves[i] for i in wanted], upstream.to(value.dtype))
    return [value.detach(), *slopes]


def exactly(
    function: Any, tensors: tuple[Tensor, ...], wanted: tuple[int, ...], **options: Any
) -> list[Tensor]:
    """The same by the formula in float64."""

    def wide(t: Any) -> Any:
        return t.double() if isinstance(t, Tensor) and t.is_floating_point() else t

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOSSARY_KERNELS", "formula")
        options = {name: wide(value) for name, value in options.items()}
        return results(function, tuple(wide(t) for t in tensors), wanted, **options)


def agrees(
    function: Any,
    *tensors: Tensor,
    wanted: tuple[int, ...] = (0,),
    cancels: bool = False,
    **options: Any,
) -> None:
    """Ours, by Triton, is the exact answer to a rounding or to the promised five digits."""
    assert [c.path for c in explain_choice(function, *tensors, **options)] == ["triton"]
    before = [t.clone() for t in tensors]
    found = results(function, tensors, wanted, **options)
    dtype = tensors[0].dtype
    tiny, largest = torch.finfo(dtype).tiny, torch.finfo(dtype).max
    rounding = 2 * torch.finfo(dtype).eps if dtype.itemsize == 2 else RELATIVE[dtype]
    for a, b in zip(found, exactly(function, tensors, wanted, **options), strict=True):
        assert a.dtype == dtype
        torch.testing.assert_close(
            a.double().clamp(-largest, largest),
            b.clamp(-largest, largest),
            rtol=rounding,
            # Half precision computes in float32, float32's slopes that cancel in float64: what is
            # left of terms of order 1 there is nobody's digit.
            atol=max(2 * tiny, (CANCELS if dtype == torch.float32 else 1e-6) if cancels else 0),
            equal_nan=True,
        )
    assert all(torch.equal(a.nan_to_num(), b.nan_to_num())
               for a, b in zip(before, tensors, strict=True))  # fmt: skip


def faulty_module(source: str, old: str, new: str, at: Path) -> Any:
    """A module of kernels with one fault in its text, from a file, as Triton reads its sources."""
    text = Path(source).read_text(encoding="utf-8")
    assert text.count(old) == 1
    at.write_text(text.replace(old, new), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(at.stem, at)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
