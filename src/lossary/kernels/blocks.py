"""Run a formula block by block, so that its wide intermediates never leave the cache.

Floor: the inputs are read once forward, and one gradient is written. A formula with a kernel
makes the unscaled gradient in forward, where the exponentials are at hand, and backward scales
it in place (anew if the graph is retained); a formula without one is recomputed block by block
in backward and keeps only its inputs.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from lossary.core.dtypes import accumulation_dtype, wide_dtype
from lossary.core.transforms import reason_not_plain
from lossary.kernels.formula import Formula


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
    result: Tensor = _InBlocks.apply(  # type: ignore[no-untyped-call]
        formula, options, summed, *tensors
    )
    return result


class _InBlocks(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, formula: Formula, options: dict[str, Any], summed: bool, *tensors: Tensor
    ) -> Tensor:
        ctx.formula, ctx.options, ctx.summed = formula, options, summed
        needed = [i for i, n in enumerate(ctx.needs_input_grad[3:]) if n]
        ctx.by_kernel = formula.kernel is not None and set(needed) <= set(formula.slopes_for)
        wanted = tuple(needed) if ctx.by_kernel else ()
        result, slopes = _run(formula, options, summed, tensors, wanted)
        ctx.save_for_backward(*slopes, *tensors)
        return result

    @staticmethod
    def backward(ctx: Any, *upstreams: Tensor) -> Any:
        (upstream,) = upstreams
        wanted = [i for i, needed in enumerate(ctx.needs_input_grad[3:]) if needed]
        made = len(wanted) if ctx.by_kernel else 0
        slopes, tensors = ctx.saved_tensors[:made], ctx.saved_tensors[made:]
        if torch.is_grad_enabled():
            grads = _differentiable_gradients(ctx, upstream, tensors, wanted)
        elif ctx.by_kernel:
            grads = [_scaled(ctx.formula, slope, upstream, tensors[0].dtype) for slope in slopes]
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
    wanted: tuple[int, ...],
) -> tuple[Tensor, list[Tensor]]:
    """The losses, summed or per item, and the wanted slopes."""
    pieces = []
    slopes = _Gathered(formula, tensors, wanted)
    for rows, block in _blocks(formula, tensors):
        if formula.kernel is None:
            losses = formula.losses(*widen(formula, block), **options)
        else:
            plain = _cast(block, accumulation_dtype(block[0].dtype))
            losses, made = formula.kernel(wanted, *plain, **options)
            slopes.put(rows, made)
        total = losses.sum(dtype=torch.float64)
        if formula.kernel is not None and bool(total.isnan()):
            # 0 * inf: what a kernel passes over, the formula knows to be 0.
            losses = formula.losses(*widen(formula, block), **options)
            total = losses.sum(dtype=torch.float64)
        pieces.append(total if summed else losses.to(tensors[0].dtype))
    if summed:
        return torch.stack(pieces).sum(), slopes.whole
    items = torch.cat(pieces)
    return items.view(tensors[0].shape) if formula.elementwise else items, slopes.whole


class _Gathered:
    """The blocks' slopes put together; a slope made in one piece is kept as it is."""

    def __init__(
        self, formula: Formula, tensors: tuple[Tensor, ...], wanted: tuple[int, ...]
    ) -> None:
        self.flat = _is_flat(formula, tensors)
        self.like = [tensors[i] for i in wanted]
        self.whole: list[Tensor] = []

    def put(self, rows: slice, made: tuple[Tensor, ...]) -> None:
        """Take the slopes of one block."""
        # Half precision keeps its slopes in float32: scaling them later is the one rounding.
        dtypes = [accumulation_dtype(t.dtype) for t in self.like]
        if not self.whole:
            if all(m.numel() == t.numel() for m, t in zip(made, self.like, strict=True)):
                pairs = zip(made, self.like, dtypes, strict=True)
                self.whole = [m.view(t.shape).to(d) for m, t, d in pairs]
                return
            pairs = zip(made, self.like, dtypes, strict=True)
            self.whole = [torch.empty(t.shape, dtype=d) for _, t, d in pairs]
        for whole, slope in zip(self.whole, made, strict=True):
            (whole.view(-1) if self.flat else whole)[rows] = slope


def _scaled(formula: Formula, slope: Tensor, upstream: Tensor, dtype: torch.dtype) -> Tensor:
    """The slope times the upstream gradient; in place where no later backward can want it."""
    if upstream.dim() and not formula.elementwise:
        upstream = upstream.unsqueeze(1)
        upstream = upstream.reshape(*upstream.shape, *[1] * (slope.dim() - upstream.dim()))
    last = not torch._C._autograd._get_current_graph_task_keep_graph()
    if last and reason_not_plain(upstream) is None:
        return slope.mul_(upstream).to(dtype)
    return (slope * upstream).to(dtype)


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
    step = max(1, formula.block_entries * count // max(1, views[0].numel()))
    for start in range(0, count, step):
        rows = slice(start, start + step)
        yield rows, tuple(v[rows] for v in views)
