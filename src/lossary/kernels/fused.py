"""Run a kernel under autograd: forward keeps next to nothing, backward makes the gradient once.

A kernel is anything with ``losses(tensors, options, summed)``, which answers with the losses or
their sum and with notes, and ``gradient(tensors, options, notes, scale)``, which makes the first
tensor's slope times ``scale`` from them. Every other gradient, and every second derivative, goes
through the formula.

Two things a kernel may offer beside. ``losses_with_gradient(tensors, options, scale)`` answers with
the losses, the notes and the first tensor's slope times ``scale``, all from one reading, or with
None for the slope; ``gradient`` then takes that slope back as ``out``, with the ``upstream``
gradient, and need not touch it where that is exactly 1: the comparison is made on the device.
``gradients`` makes the slopes of several tensors at once.
"""

from typing import Any, Protocol

import torch
from torch import Tensor

from lossary.core.reduction import divide, share_of
from lossary.kernels.blocks import block_gradients, differentiable_gradients, must_trace
from lossary.kernels.formula import Formula
from lossary.kernels.unchanged import check_unchanged, versions

Notes = tuple[Tensor, ...]
Options = dict[str, Any]


class FusedKernel(Protocol):
    """What a module of ``kernels/cpu`` or ``kernels/triton`` offers."""

    def losses(
        self, tensors: tuple[Tensor, ...], options: Options, summed: bool
    ) -> tuple[Tensor, Notes]:
        """The losses, or their sum, and what the gradient needs of each item."""

    def gradient(
        self, tensors: tuple[Tensor, ...], options: Options, notes: Notes, scale: Tensor
    ) -> Tensor:
        """The first tensor's slope times each item's scale."""


def run_fused(
    formula: Formula,
    kernel: FusedKernel,
    options: Options,
    tensors: tuple[Tensor, ...],
    reduction: str,
    divisor: Tensor | float,
) -> Tensor:
    """Losses, their sum or their mean, in the first tensor's dtype."""
    at_once = reduction != "none" and torch.is_grad_enabled() and tensors[0].requires_grad
    result: Tensor = _Fused.apply(  # type: ignore[no-untyped-call]
        formula, kernel, options, reduction, divisor, at_once, *tensors
    )
    return result


class _Fused(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        formula: Formula,
        kernel: FusedKernel,
        options: Options,
        reduction: str,
        divisor: Tensor | float,
        at_once: bool,
        *tensors: Tensor,
    ) -> Tensor:
        if isinstance(divisor, Tensor) and divisor.device.type == "cpu":
            divisor = float(divisor)  # a number divides in one operation, a tensor in four
        # A divisor that is not read: a GPU's. Its reciprocal is made once, for loss and gradient.
        by = divisor if reduction == "mean" else 1
        share = share_of(by) if isinstance(by, Tensor) else None
        together = getattr(kernel, "losses_with_gradient", None) if at_once else None
        slope = None
        if together is None:
            result, notes = kernel.losses(tensors, options, reduction != "none")
        else:
            device = tensors[0].device
            scale = share_of(by, device) if share is None else share
            items, notes, slope = together(tensors, options, scale)
            result = items.sum(dtype=torch.float64)
        if any(ctx.needs_input_grad):
            ctx.formula, ctx.kernel, ctx.options = formula, kernel, options
            ctx.versions = versions(options.values())
            ctx.divisor, ctx.share = by, share
            ctx.summed, ctx.made = reduction != "none", slope is not None
            ctx.save_for_backward(*tensors, *notes, *(() if slope is None else (slope,)))
        if share is not None:
            # Where no item counts the sum is 0; where weights sum to 0 it may be anything.
            if isinstance(by, Tensor) and by.is_floating_point():
                result = result.masked_fill_(share == 0, 0)
            result = result * share
        elif reduction == "mean":
            result = divide(result, divisor)
        return result.to(tensors[0].dtype)

    @staticmethod
    def backward(ctx: Any, *upstreams: Tensor) -> Any:
        check_unchanged(ctx.versions)
        wanted = [i for i, needed in enumerate(ctx.needs_input_grad[6:]) if needed]
        count = len(ctx.needs_input_grad) - 6
        saved = ctx.saved_tensors  # read once: checkpointing makes them anew at each reading
        tensors, notes = saved[:count], saved[count : len(saved) - ctx.made]
        scale = _scale(upstreams[0], ctx.divisor, ctx.share)
        grads: list[Tensor | None] = [None] * count
        rest = wanted
        traced = must_trace(scale)
        if not traced and hasattr(ctx.kernel, "gradients"):
            made = ctx.kernel.gradients(tensors, ctx.options, notes, scale, wanted)
            for i, grad in zip(wanted, made, strict=True):
                grads[i] = grad
            rest = []
        elif not traced and 0 in wanted:
            ready = {}
            # Where the graph is kept, a later backward wants the slope as it was made.
            if ctx.made and not torch._C._autograd._get_current_graph_task_keep_graph():
                ready = {"out": saved[-1], "upstream": upstreams[0].contiguous()}
            grads[0] = ctx.kernel.gradient(tensors, ctx.options, notes, scale, **ready)
            rest = wanted[1:]
        slowly = differentiable_gradients if traced else block_gradients
        if rest:
            made = slowly(ctx.formula, ctx.options, ctx.summed, tensors, rest, scale)
            for i, grad in zip(rest, made, strict=True):
                grads[i] = grad
        return (None, None, None, None, None, None, *grads)


def _scale(upstream: Tensor, divisor: Tensor | float, share: Tensor | None) -> Tensor:
    """What every item's slope is multiplied by, in float64, in few operations."""
    if share is not None:
        return upstream * share
    wide = upstream.double()
    return wide if isinstance(divisor, int) and divisor == 1 else divide(wide, divisor)
