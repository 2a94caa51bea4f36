"""Memory: inputs are never written to, and neither strides nor size change the answer."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.cases import BY_NAME, LOSSES
from tests.inputs import Tensors
from tests.rows import Loss, leaves, upstream_for, value_and_gradients, with_gradient

ROWS = [pytest.param(loss, id=loss.name) for loss in LOSSES]
# Above 2**15 entries a plain call runs in blocks; these two sizes are one and three of them.
SIZES = (2**15 + 77, 2**18 + 2**17 + 5)


@pytest.mark.parametrize("loss", ROWS)
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_inputs_are_untouched(loss: Loss, reduction: str) -> None:
    for regime in loss.regimes:
        tensors = loss.tensors(regime, torch.float32)
        for options in loss.options(tensors):
            call = leaves(loss, tuple(t.clone() for t in tensors))
            given = [*call, *(v for v in options.values() if isinstance(v, Tensor))]
            before = [t.detach().clone() for t in given]
            versions = [t._version for t in given]
            value = loss.call(call, options, reduction=reduction)
            wanted = [call[i] for i in loss.differentiable]
            torch.autograd.grad(value, wanted, upstream_for(value))
            assert [t._version for t in given] == versions
            for t, b in zip(given, before, strict=True):
                assert torch.equal(t.detach().nan_to_num(9), b.nan_to_num(9))


@pytest.mark.parametrize("loss", ROWS)
@pytest.mark.parametrize("layout", ["transposed", "strided", "expanded back"])
def test_strides_change_nothing(loss: Loss, layout: str) -> None:
    tensors = loss.tensors(loss.regimes[0], torch.float32)

    def laid_out(t: Tensor) -> Tensor:
        if t.dim() < 2:
            return t
        if layout == "transposed":
            return t.transpose(0, 1).contiguous().transpose(0, 1)
        if layout == "strided":
            return torch.stack([t, t * 0 - 3 if t.is_floating_point() else t], -1)[..., 0]
        return t.unsqueeze(0).expand(2, *t.shape)[1]

    plain = value_and_gradients(loss, tensors, lambda t: loss.call(t, loss.always))
    call = leaves(loss, tensors)
    value = loss.call(tuple(laid_out(t) for t in call), loss.always)
    grads = torch.autograd.grad(value, [call[i] for i in loss.differentiable], upstream_for(value))
    torch.testing.assert_close(value.detach(), plain[0], rtol=1e-6, atol=0, equal_nan=True)
    for a, b in zip(grads, plain[1], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-9, equal_nan=True)


@pytest.mark.parametrize("loss", [p for p, r in zip(ROWS, LOSSES, strict=True) if r.elementwise])
def test_expanded_inputs_sum_their_gradient(loss: Loss) -> None:
    tensors = loss.tensors(loss.regimes[0], torch.float64)
    i = loss.differentiable[0]
    row = with_gradient(tensors[i][:1])
    copies = with_gradient(tensors[i][:1].repeat(5, 1))
    grads = []
    for leaf, x in ((row, row.expand(5, -1)), (copies, copies)):
        call = [*tensors[:i], x, *tensors[i + 1 :]]
        value = loss.call(tuple(call), loss.always, reduction="sum")
        (g,) = torch.autograd.grad(value, leaf)
        grads.append(g)
    torch.testing.assert_close(grads[0], grads[1].sum(0, keepdim=True), rtol=1e-12, atol=1e-15)


def tiled(loss: Loss, tensors: Tensors, entries: int) -> Tensors:
    """The rows again and again, until there are more than ``entries`` entries."""
    times = entries // tensors[0].numel() + 1
    return tuple(t.repeat(times, *[1] * (t.dim() - 1)) for t in tensors)


LARGE = [
    pytest.param(loss, id=loss.name)
    for loss in LOSSES
    if loss.function_name not in ("ctc_loss", "linear_cross_entropy")
]


@pytest.mark.parametrize("loss", LARGE)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("entries", SIZES)
def test_large_inputs_equal_many_small_ones(loss: Loss, dtype: torch.dtype, entries: int) -> None:
    for regime in (r for r in loss.regimes if r not in ("single", "spatial")):
        check_tiles(loss, loss.tensors(regime, dtype), loss.always, entries)


@pytest.mark.parametrize("loss", LARGE)
def test_large_inputs_with_options_equal_many_small_ones(loss: Loss) -> None:
    tensors = loss.tensors(loss.regimes[0], torch.float32)
    for options in loss.options(tensors):
        if all(not isinstance(v, Tensor) or v.dim() < 2 for v in options.values()):
            check_tiles(loss, tensors, options, SIZES[0])


def check_tiles(loss: Loss, tensors: Tensors, options: dict[str, Any], entries: int) -> None:
    """Item for item and slope for slope, a tile in the block path is the small answer."""
    small = value_and_gradients(loss, tensors, lambda t: loss.call(t, options, reduction="none"))
    big = tiled(loss, tensors, entries)
    call = leaves(loss, big)
    value = loss.call(call, options, reduction="none")
    times = value.shape[0] // small[0].shape[0]
    upstream = upstream_for(small[0]).repeat(times, *[1] * (small[0].dim() - 1))
    grads = torch.autograd.grad(value, [call[i] for i in loss.differentiable], upstream)
    close = partial(
        torch.testing.assert_close,
        rtol=5e-6 if value.dtype == torch.float32 else 8e-3,
        atol=1e-30,
        equal_nan=True,
    )
    for got, tile in zip((value.detach(), *grads), (small[0], *small[1]), strict=True):
        expected = tile.repeat(times, *[1] * (tile.dim() - 1))
        close(got, expected)
    mean = loss.call(big, options, reduction="mean")
    close(mean, loss.call(tensors, options, reduction="mean"))


@pytest.mark.parametrize("name", ["cross_entropy", "cross_entropy[soft]", "nll_loss"])
@pytest.mark.parametrize("contiguous", [True, False])
def test_large_images_equal_large_rows(name: str, contiguous: bool) -> None:
    loss = BY_NAME[name]
    rng = loss.rng("image")
    x = torch.randn(3, 7, 40, 50, generator=rng)
    y = torch.randint(0, 7, (3, 40, 50), generator=rng)
    if "soft" in name:
        y = torch.randn(x.shape, generator=rng).softmax(1)
    if not contiguous:
        x = x.to(memory_format=torch.channels_last)
    rows = x.movedim(1, -1).reshape(-1, 7)
    labels = y.movedim(1, -1).reshape(-1, 7) if "soft" in name else y.reshape(-1)
    weight = torch.rand(7, generator=rng)
    for options in ({}, {"weight": weight}):
        image = value_and_gradients(loss, (x, y), lambda t, o=options: loss.call(t, o))
        flat = value_and_gradients(loss, (rows, labels), lambda t, o=options: loss.call(t, o))
        torch.testing.assert_close(image[0], flat[0], rtol=1e-6, atol=0)
        grad = image[1][0].movedim(1, -1).reshape(-1, 7)
        torch.testing.assert_close(grad, flat[1][0], rtol=1e-5, atol=1e-12)
