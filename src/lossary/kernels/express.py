"""The quick way for small tensors: checks, loss and slope in one compiled call.

Where all fits a cache many times over, what is done between the operations is all there is: a
loss of 128 x 10 scores takes torch thirty microseconds, of which its arithmetic is two. A kernel
gets addresses, makes loss and slope at once, and declines what it finds wrong; the slower way
then says what. The first few calls of each loss take that way too, so that a process with a
handful of losses never waits for a compiler.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lossary.core.reduction import divide
from lossary.core.transforms import has_memory, reason_not_plain
from lossary.kernels import select
from lossary.kernels.blocks import aligned, differentiable_gradients, must_trace

# How many calls of one loss go by before its kernel is compiled, or read from the disk.
PATIENCE = 4
# Up to so many entries one call on one processor is the quicker way, by kernel.
FEW_ENTRIES = select.SMALL_ENTRIES
MOST_ENTRIES = {
    "hard": FEW_ENTRIES,
    "hard_medium": 2**18,
    "smoothed": FEW_ENTRIES,
    "soft": FEW_ENTRIES,
}
MODES = {"none": 0, "mean": 1, "sum": 2}

# (formula, tensors, options, divisor), for derivatives of derivatives.
Question = tuple[Any, tuple[Tensor, ...], dict[str, Any], Tensor | float]
Again = Callable[..., Question]

_calls: dict[str, int] = {}


class _Declined(Exception):
    """The kernel found what the slower way must see."""


def serves(name: str, x: Tensor, *others: Tensor, most: int = select.SMALL_ENTRIES) -> Any:
    """The kernel of this name, if these tensors are plain, small and contiguous; else None."""
    if torch.compiler.is_compiling() or not select.level_is("fused"):
        return None
    if not is_plain(x) or not all(is_plain(t) for t in others):
        return None
    if not 0 < x.numel() <= most or not x.is_floating_point():
        return None
    if torch.is_autocast_enabled("cpu") or reason_not_plain() is not None:
        return None
    if torch.is_grad_enabled() and (any(t.requires_grad for t in others) or saves_are_watched()):
        return None
    count = _calls.get(name, 0)
    if count < PATIENCE:
        _calls[name] = count + 1
        return None
    kernels = select.compiled_module("express")
    return None if isinstance(kernels, str) else kernels.kernel(name, x.dtype)


def saves_are_watched() -> bool:
    """Whether someone keeps what is saved for backward: checkpointing, or offloading it.

    Checkpointing runs a loss twice and compares what the two runs save. The slower way saves its
    slope where they see it, and is the way of both runs, whichever call is the fifth.
    """
    return torch._C._autograd._top_saved_tensors_default_hooks(False) is not None


def is_plain(t: Tensor) -> bool:
    """Whether memory on this machine holds the numbers, in order."""
    kind = type(t)
    if (kind is not Tensor and kind is not torch.nn.Parameter) or not t.is_cpu:
        return False
    if t.layout is not torch.strided or not t.is_contiguous() or t.is_neg():
        return False
    return has_memory(t)


def run(
    kernel: Any, arguments: tuple[Any, ...], shape: tuple[int, ...], again: Again, *tensors: Tensor
) -> Tensor | None:
    """The loss; None if the kernel declines."""
    x = tensors[0]
    if torch.is_grad_enabled() and x.requires_grad:
        try:
            result: Tensor = _Express.apply(  # type: ignore[no-untyped-call]
                kernel, arguments, shape, again, *tensors
            )
        except _Declined:
            return None
    else:
        result = x.new_empty(shape)
        if kernel(*arguments, result.data_ptr(), 0):
            return None
    select.note_express(x.numel())
    return result


class _Express(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        kernel: Any,
        arguments: tuple[Any, ...],
        shape: tuple[int, ...],
        again: Again,
        *tensors: Tensor,
    ) -> Tensor:
        x = tensors[0]
        result = x.new_empty(shape)
        # Half precision keeps its slope in float32: scaling it later is the one rounding.
        slope = x.new_empty(x.shape, dtype=kernel.wide)
        if kernel(*arguments, result.data_ptr(), slope.data_ptr()):
            raise _Declined
        # The slope is all that a first derivative needs: unpacking what is saved would cost more.
        ctx.again, ctx.slope = again, slope
        ctx.save_for_backward(*tensors)
        return result

    @staticmethod
    def backward(ctx: Any, *upstreams: Tensor) -> Any:
        (upstream,) = upstreams
        nothing = (None,) * (len(ctx.needs_input_grad) - 5)
        if ctx.slope is None or must_trace(upstream):
            # Without a slope, the graph was gone through and is freed: this says so.
            return None, None, None, None, _traced(ctx, upstream), *nothing
        slope = ctx.slope
        last = not torch._C._autograd._get_current_graph_task_keep_graph()
        if last:
            ctx.slope = None
        # What the caller masked out sends 0; an infinite slope must not make it NaN.
        if upstream.dim():
            by = aligned(upstream, slope)
            grad = (slope * by).masked_fill_(by == 0, 0)
        elif upstream.item() == 0:
            grad = torch.zeros_like(slope)
        else:
            grad = slope.mul_(upstream) if last else slope * upstream
        dtype = upstream.dtype
        grad = grad if grad.dtype == dtype else grad.to(dtype)
        return None, None, None, None, grad, *nothing


def _traced(ctx: Any, upstream: Tensor) -> Tensor:
    """The gradient that can be differentiated again: through the formula."""
    formula, given, options, divisor = ctx.again(*ctx.saved_tensors)
    by = divide(upstream, divisor)
    summed = not upstream.dim()
    (grad,) = differentiable_gradients(formula, options, summed, given, [0], by)
    return grad
