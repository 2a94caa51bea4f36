"""Dtypes: any integer for classes, the input's own for the answer, autocast's where it is on."""

from __future__ import annotations

import pytest
import torch

from tests.cases import BY_NAME, LOSSES
from tests.rows import FLOATS, Loss, for_torch, leaves

INTEGERS = (torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64)
ROWS = [pytest.param(loss, id=loss.name) for loss in LOSSES]
CLASSES = [
    "cross_entropy",
    "cross_entropy[smoothed]",
    "nll_loss",
    "multi_margin_loss",
    "linear_cross_entropy",
]


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("rows", [5, 20_000])
def test_any_integer_dtype_names_classes(name: str, dtype: torch.dtype, rows: int) -> None:
    loss = BY_NAME[name]
    *scores, y = loss.tensors("ordinary", torch.float32)
    if rows > 5:
        scores[0] = scores[0].repeat(rows // len(y) + 1, 1)[:rows]
        y = y.repeat(rows // len(y) + 1)[:rows]
    for options in ({}, {"ignore_index": 2}) if name != "multi_margin_loss" else ({},):
        call = leaves(loss, (*scores, y.to(dtype)))
        same = leaves(loss, (*scores, y))
        found, expected = loss.call(call, options), loss.call(same, options)
        assert torch.equal(found, expected)
        (a,) = torch.autograd.grad(found, call[0])
        (b,) = torch.autograd.grad(expected, same[0])
        assert torch.equal(a, b)


@pytest.mark.parametrize("dtype", [torch.int8, torch.int16, torch.int32, torch.int64])
def test_the_default_ignore_index_is_ignored_in_signed_dtypes(dtype: torch.dtype) -> None:
    x = torch.randn(3, 4)
    y = torch.tensor([1, -100, 2])
    loss = BY_NAME["cross_entropy"]
    assert torch.equal(loss.call((x, y.to(dtype)), {}), loss.call((x[[0, 2]], y[[0, 2]]), {}))


def test_uint8_classes_above_127_are_classes() -> None:
    x = torch.randn(2, 256)
    y = torch.tensor([200, 255])
    loss = BY_NAME["cross_entropy"]
    assert torch.equal(loss.call((x, y.to(torch.uint8)), {}), loss.call((x, y), {}))
    # 156 is -100 modulo 256: it is a class here, never an ignored row.
    y = torch.tensor([156, 3])
    assert torch.equal(loss.call((x, y.to(torch.uint8)), {}), loss.call((x, y), {}))


@pytest.mark.parametrize("loss", ROWS)
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_the_answer_has_the_inputs_dtype(loss: Loss, dtype: torch.dtype, reduction: str) -> None:
    tensors = loss.tensors(loss.regimes[0], dtype)
    value = loss.call(tensors, loss.always, reduction=reduction)
    assert value.dtype == dtype


def mixed(loss: Loss) -> tuple[torch.Tensor, ...]:
    """A float32 prediction with every other floating tensor in float64."""
    tensors = loss.tensors(loss.regimes[0], torch.float32)
    rest = (t.double() if t.is_floating_point() else t for t in tensors[1:])
    return tensors[0], *rest


@pytest.mark.parametrize("loss", ROWS)
def test_mixed_dtypes_promote_or_are_refused_as_in_torch(loss: Loss) -> None:
    tensors = mixed(loss)
    try:
        expected = loss.call_torch(tensors, loss.always)
    except RuntimeError as refused:
        if "not implemented" in str(refused) and "'Int'" in str(refused):
            return
        with pytest.raises((RuntimeError, TypeError, ValueError)):
            loss.call(tensors, loss.always)
        return
    found = loss.call(tensors, loss.always)
    assert found.dtype == expected.dtype
    if not loss.name.endswith(("masked]", "certain]")):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("loss", ROWS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_autocast_answers_in_torchs_dtype(loss: Loss, dtype: torch.dtype) -> None:
    tensors = loss.tensors(loss.regimes[0], dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        expected = loss.call_torch(tensors, loss.always)
        found = loss.call(tensors, loss.always)
    assert found.dtype == expected.dtype
    # A bfloat16 probability may round to 1, where torch clamps what is inf.
    if loss.regimes[0] not in ("masked", "certain") and "BCELoss" not in loss.module:
        torch.testing.assert_close(found, expected, rtol=3e-2, atol=1e-2)


@pytest.mark.parametrize("loss", ROWS)
def test_modules_inside_autocast_backpropagate(loss: Loss) -> None:
    call = leaves(loss, loss.tensors(loss.regimes[0], torch.float32))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = loss.function(*call, **for_torch(loss.always), reduction="sum")
    grads = torch.autograd.grad(value, [call[i] for i in loss.differentiable])
    assert all(g.dtype == torch.float32 for g in grads)
