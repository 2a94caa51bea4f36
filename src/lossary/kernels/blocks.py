"""Run a formula block by block, so that its wide intermediates never leave the cache.

Floor: the inputs are read once forward, and one gradient is written. A formula with a kernel
makes the unscaled gradient in forward, where the intermediates are at hand, and backward scales
it in place (anew if the graph is retained); a formula without one is recomputed block by block
in backward and keeps only its inputs.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from lossary.core.dtypes import accumulation_dtype, autocast_is_on, wide_dtype
from lossary.core.transforms import reason_not_plain
from lossary.kernels.formula import Formula
from lossary.kernels.unchanged import check_unchanged, versions


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
    # Inside the function below gradients are always off, and what it is told of them is not this.
    graded = torch.is_grad_enabled()
    result: Tensor = _InBlocks.apply(  # type: ignore[no-untyped-call]
        formula, options, summed, graded, *tensors
    )
    return result


class _InBlocks(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        formula: Formula,
        options: dict[str, Any],
        summed: bool,
        graded: bool,
        *tensors: Tensor,
    ) -> Tensor:
        ctx.formula, ctx.options, ctx.summed = formula, options, summed
        ctx.versions = versions(options.values())
        needed = [i for i, n in enumerate(ctx.needs_input_grad[4:]) if n and graded]
        by_kernel = formula.kernel is not None and set(needed) <= set(formula.slopes_for)
        wanted = tuple(needed) if by_kernel else ()
        result, slopes = _run(formula, options, summed, tensors, wanted)
        ctx.made = len(slopes)
        ctx.save_for_backward(*slopes, *tensors)
        return result

    @staticmethod
    def backward(ctx: Any, *upstreams: Tensor) -> Any:
        (upstream,) = upstreams
        saved = ctx.saved_tensors  # read once: checkpointing makes them anew at each reading
        slopes, tensors = saved[: ctx.made], saved[ctx.made :]
        wanted = [i for i, needed in enumerate(ctx.needs_input_grad[4:]) if needed]
        if slopes and not must_trace(upstream):
            grads = [_scaled(slope, upstream, tensors[0].dtype) for slope in slopes]
        else:
            check_unchanged(ctx.versions)
            slowly = differentiable_gradients if must_trace(upstream) else block_gradients
            grads = slowly(ctx.formula, ctx.options, ctx.summed, tensors, wanted, upstream)
        by_input: list[Tensor | None] = [None] * len(tensors)
        for i, grad in zip(wanted, grads, strict=True):
            by_input[i] = grad
        return (None, None, None, None, *by_input)


def _run(
    formula: Formula,
    options: dict[str, Any],
    summed: bool,
    tensors: tuple[Tensor, ...],
    wanted: tuple[int, ...],
) -> tuple[Tensor, list[Tensor]]:
    """The losses, summed or per item, and the wanted slopes."""
    # Half precision keeps its slopes in float32: scaling them later is the one rounding.
    slopes = [
        torch.empty(t.shape, dtype=accumulation_dtype(t.dtype), device=t.device)
        for t in (tensors[i] for i in wanted)
    ]
    flat = _is_flat(formula, tensors)
    pieces = []
    for rows, block in _blocks(formula, tensors):
        losses, made = kernel_or_formula(formula, options, wanted, block)
        pieces.append(losses.sum(dtype=torch.float64) if summed else losses.to(tensors[0].dtype))
        for whole, part in zip(slopes, made, strict=True):
            (whole.view(-1) if flat else whole)[rows] = part
    if summed:
        return torch.stack(pieces).sum(), slopes
    items = torch.cat(pieces)
    return items.view(tensors[0].shape) if formula.elementwise else items, slopes


def _scaled(slope: Tensor, upstream: Tensor, dtype: torch.dtype) -> Tensor:
    """The slope times the upstream gradient; in place where no later backward can want it."""
    by = aligned(upstream, slope)
    last = not torch._C._autograd._get_current_graph_task_keep_graph()
    found = slope.mul_(by) if last else slope * by
    # An item that the caller masked out sends 0; an infinite slope must not make it NaN.
    masked = upstream.dim() > 0 or not bool(upstream)
    return (found.masked_fill_(by == 0, 0) if masked else found).to(dtype)


def kernel_or_formula(
    formula: Formula, options: dict[str, Any], wanted: tuple[int, ...], block: tuple[Tensor, ...]
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The losses of one block, and the wanted slopes, as quickly as is known."""
    slopes: tuple[Tensor, ...] = ()
    if formula.kernel is not None:
        losses, slopes = _run_kernel(formula, options, wanted, block)
        if not bool(losses.sum().isnan()):
            return losses, slopes
    # 0 * inf, or no class at all: what a kernel passes over, the formula knows.
    losses = formula.losses(*widen(formula, block), **options)
    if slopes and any(bool(slope.isnan().any()) for slope in slopes):
        ones = torch.ones_like(losses)
        slopes = tuple(_autograd_pieces(formula, options, block, list(wanted), ones))
    return losses, slopes


def _run_kernel(
    formula: Formula, options: dict[str, Any], wanted: tuple[int, ...], block: tuple[Tensor, ...]
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The kernel's losses and slopes, in the arithmetic it was written for."""
    assert formula.kernel is not None
    plain = _cast(block, accumulation_dtype(block[0].dtype))
    if not autocast_is_on(block[0]):
        return formula.kernel(wanted, *plain, **options)
    with torch.autocast(block[0].device.type, enabled=False):
        return formula.kernel(wanted, *plain, **options)


def differentiable_gradients(
    formula: Formula,
    options: dict[str, Any],
    summed: bool,
    tensors: tuple[Tensor, ...],
    wanted: list[int],
    upstream: Tensor,
) -> list[Tensor]:
    """Gradients that can be differentiated again: through the composed formula."""
    again = torch.is_grad_enabled()
    given = tensors if again else tuple(_leaf(t, i in wanted) for i, t in enumerate(tensors))
    with torch.enable_grad():
        losses = composed(formula, options, given)
        output = losses.sum() if summed else losses
    inputs = [given[i] for i in wanted]
    return _gradients(output, inputs, upstream.to(output.dtype), create_graph=again)


def _leaf(t: Tensor, wanted: bool) -> Tensor:
    return t.detach().requires_grad_() if wanted else t.detach()


def must_trace(upstream: Tensor) -> bool:
    """Whether what comes from above wants torch operations: for a second derivative, or batched.

    ``is_grads_batched`` sends many gradients at once, as a tensor that hides its batch.
    """
    if torch.is_grad_enabled() or reason_not_plain(upstream) is not None:
        return True
    return torch._C._functorch.is_legacy_batchedtensor(upstream)


def _gradients(
    output: Tensor, inputs: list[Tensor], upstream: Tensor, create_graph: bool = False
) -> list[Tensor]:
    """Gradients; zeros for an input that a loss does not depend on, such as a label."""
    if not output.requires_grad:
        return [torch.zeros_like(t) for t in inputs]
    return list(
        torch.autograd.grad(
            output, inputs, upstream, create_graph=create_graph, materialize_grads=True
        )
    )


def block_gradients(
    formula: Formula,
    options: dict[str, Any],
    summed: bool,
    tensors: tuple[Tensor, ...],
    wanted: list[int],
    upstream: Tensor,
) -> list[Tensor]:
    """Gradients of any of the tensors, one block at a time."""
    flat = _is_flat(formula, tensors)
    grads = [
        torch.empty(tensors[i].shape, dtype=tensors[i].dtype, device=tensors[i].device)
        for i in wanted
    ]
    targets = [g.view(-1) if flat else g for g in grads]
    if upstream.dim() and flat:
        upstream = upstream.reshape(-1)
    for rows, block in _blocks(formula, tensors):
        part = upstream[rows] if upstream.dim() else upstream
        pieces = _autograd_pieces(formula, options, block, wanted, part)
        for target, piece in zip(targets, pieces, strict=True):
            target[rows] = piece
    return grads


def aligned(upstream: Tensor, slope: Tensor) -> Tensor:
    """What comes from above, one number an item, laid along the slope's entries."""
    if not upstream.dim() or upstream.shape == slope.shape:
        return upstream
    items = upstream.unsqueeze(1)
    return items.reshape(*items.shape, *[1] * (slope.dim() - items.dim()))


def _autograd_pieces(
    formula: Formula,
    options: dict[str, Any],
    block: tuple[Tensor, ...],
    wanted: list[int],
    upstream: Tensor,
) -> list[Tensor]:
    wide = widen(formula, block)
    leaves = [wide[i].detach().requires_grad_() for i in wanted]
    for i, leaf in zip(wanted, leaves, strict=True):
        wide[i] = leaf
    with torch.enable_grad():
        losses = formula.losses(*wide, **options)
    return _gradients(losses, leaves, upstream.to(losses.dtype).expand_as(losses))


def _is_flat(formula: Formula, tensors: tuple[Tensor, ...]) -> bool:
    return formula.elementwise and all(t.is_contiguous() for t in tensors)


def _blocks(
    formula: Formula, tensors: tuple[Tensor, ...]
) -> Iterator[tuple[slice, tuple[Tensor, ...]]]:
    """Numbered slices along the first dimension, or along all of them where entries are alone."""
    flat = _is_flat(formula, tensors)
    views = tuple(t.detach().view(-1) if flat else t.detach() for t in tensors)
    count = views[0].shape[0]
    step = max(1, formula.block_entries * count // max(1, views[0].numel()))
    for start in range(0, count, step):
        rows = slice(start, start + step)
        yield rows, tuple(v[rows] for v in views)
