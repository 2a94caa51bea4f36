"""Run a formula block by block, so that its wide intermediates never leave the cache.

Floor: the inputs are read once forward, and one gradient is written. A formula with a kernel
makes the unscaled gradient in forward, where the exponentials are at hand, and backward scales
it; a formula without one is recomputed block by block in backward and keeps only its inputs.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from lossary.core.dtypes import accumulation_dtype, wide_dtype
from lossary.kernels.formula import Formula

# Below 2**15 entries torch runs an operation on one thread; a block of 2**17 gives two
# threads full work, and its float64 intermediates (1 MB each) still fit a core's cache.
BLOCK_ENTRIES = 2**17


def widen(formula: Formula, tensors: tuple[Tensor, ...]) -> list[Tensor]:
    """Cast the floating tensors to the dtype that the formula computes in."""
    first = tensors[0]
    return _cast(tensors, wide_dtype(first) if formula.wide else accumulation_dtype(first.dtype))


def _cast(tensors: tuple[Tensor, ...], dtype: torch.dtype) -> list[Tensor]:
    return [t.to(dtype) if t.is_floating_point() else t for t in tensors]


def composed(formula: Formula, options: dict[str, Any], tensors: tuple[Tensor, ...]) -> Tensor:
    """The per-item losses as one graph of torch operations, differentiable any number of times."""
    return formula.losses(*widen(formula, tensors), **options)


def in_blocks(
    formula: Formula, options: dict[str, Any], summed: bool, tensors: tuple[Tensor, ...]
) -> Tensor:
    """The same numbers, per item or summed, without ever holding more than a block."""
    result: Tensor = _InBlocks.apply(formula, options, summed, *tensors)
    return result


class _InBlocks(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, formula: Formula, options: dict[str, Any], summed: bool, *tensors: Tensor
    ) -> Tensor:
        ctx.formula, ctx.options, ctx.summed = formula, options, summed
        needed = [i for i, n in enumerate(ctx.needs_input_grad[3:]) if n]
        slopes = _empty_slopes(formula, tensors) if formula.kernel and needed == [0] else None
        result = _run(formula, options, summed, tensors, slopes)
        ctx.save_for_backward(slopes, *tensors)
        return result

    @staticmethod
    def backward(ctx: Any, *upstreams: Tensor) -> Any:
        (upstream,) = upstreams
        slopes, *saved = ctx.saved_tensors
        tensors = tuple(saved)
        wanted = [i for i, needed in enumerate(ctx.needs_input_grad[3:]) if needed]
        if torch.is_grad_enabled():
            grads = _differentiable_gradients(ctx, upstream, tensors, wanted)
        elif slopes is not None:
            grads = [_scaled(ctx.formula, slopes, upstream, tensors[0])]
        else:
            grads = _block_gradients(ctx, upstream, tensors, wanted)
        by_input: list[Tensor | None] = [None] * len(tensors)
        for i, grad in zip(wanted, grads, strict=True):
            by_input[i] = grad
        return (None, None, None, *by_input)


def _run(
    formula: Formula,
    options: dict[str, Any],
    summed: bool,
    tensors: tuple[Tensor, ...],
    slopes: Tensor | None,
) -> Tensor:
    """The losses, summed or per item; fills ``slopes`` on the way where it is given."""
    pieces = []
    target = slopes.view(-1) if slopes is not None and _is_flat(formula, tensors) else slopes
    for rows, block in _blocks(formula, tensors):
        if formula.kernel is None:
            losses = formula.losses(*widen(formula, block), **options)
        else:
            plain = _cast(block, accumulation_dtype(block[0].dtype))
            losses, slope = formula.kernel(slopes is not None, *plain, **options)
            if target is not None:
                target[rows] = slope
        pieces.append(losses.sum(dtype=torch.float64) if summed else losses.to(tensors[0].dtype))
    if summed:
        return torch.stack(pieces).sum()
    items = torch.cat(pieces)
    return items.view(tensors[0].shape) if formula.elementwise else items


def _empty_slopes(formula: Formula, tensors: tuple[Tensor, ...]) -> Tensor:
    # Half precision keeps its slopes in float32: scaling them later is then the one rounding.
    dtype = accumulation_dtype(tensors[0].dtype)
    return torch.empty(tensors[0].shape, dtype=dtype, device=tensors[0].device)


def _scaled(formula: Formula, slopes: Tensor, upstream: Tensor, like: Tensor) -> Tensor:
    """A new tensor each time, so that a retained graph can be run backward again."""
    if upstream.dim() and not formula.elementwise:
        upstream = upstream.unsqueeze(1)
        upstream = upstream.reshape(*upstream.shape, *[1] * (slopes.dim() - upstream.dim()))
    return (slopes * upstream).to(like.dtype)


def _differentiable_gradients(
    ctx: Any, upstream: Tensor, tensors: tuple[Tensor, ...], wanted: list[int]
) -> list[Tensor]:
    """Gradients that can be differentiated again: through the composed formula."""
    losses = composed(ctx.formula, ctx.options, tensors)
    output = losses.sum() if ctx.summed else losses
    inputs = [tensors[i] for i in wanted]
    return list(torch.autograd.grad(output, inputs, upstream.to(output.dtype), create_graph=True))


def _block_gradients(
    ctx: Any, upstream: Tensor, tensors: tuple[Tensor, ...], wanted: list[int]
) -> list[Tensor]:
    """Gradients of any of the tensors: autograd on one block at a time."""
    formula = ctx.formula
    flat = _is_flat(formula, tensors)
    grads = [torch.empty(tensors[i].shape, dtype=tensors[i].dtype) for i in wanted]
    targets = [g.view(-1) if flat else g for g in grads]
    if upstream.dim() and flat:
        upstream = upstream.reshape(-1)
    for rows, block in _blocks(formula, tensors):
        wide = widen(formula, block)
        leaves = [wide[i].detach().requires_grad_() for i in wanted]
        for i, leaf in zip(wanted, leaves, strict=True):
            wide[i] = leaf
        with torch.enable_grad():
            losses = formula.losses(*wide, **ctx.options)
        part = (upstream[rows] if upstream.dim() else upstream).to(losses.dtype)
        pieces = torch.autograd.grad(losses, leaves, part.expand_as(losses))
        for target, grad in zip(targets, pieces, strict=True):
            target[rows] = grad
    return grads


def _is_flat(formula: Formula, tensors: tuple[Tensor, ...]) -> bool:
    return formula.elementwise and all(t.is_contiguous() for t in tensors)


def _blocks(
    formula: Formula, tensors: tuple[Tensor, ...]
) -> Iterator[tuple[slice, tuple[Tensor, ...]]]:
    """Numbered slices along the first dimension, or along all of them where entries are alone."""
    flat = _is_flat(formula, tensors)
    views = tuple(t.detach().view(-1) if flat else t.detach() for t in tensors)
    count = views[0].shape[0]
    step = max(1, BLOCK_ENTRIES * count // max(1, views[0].numel()))
    for start in range(0, count, step):
        rows = slice(start, start + step)
        yield rows, tuple(v[rows] for v in views)
