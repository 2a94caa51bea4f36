"""Two numbers an item from one reading: log-probability of the target and entropy of them all."""

from typing import Any

import torch
from torch import Tensor

from lossary.core.dtypes import wide_dtype
from lossary.kernels import select
from lossary.kernels.blocks import must_trace
from lossary.kernels.formula import Formula


def statistics(
    formula: Formula, x: Tensor, target: Tensor, ignore_index: int
) -> tuple[Tensor, Tensor]:
    """``formula.losses(x, target, ignore_index)`` as (N, 2), of scores (N, C), by columns."""
    choice = select.choose(formula, (x, target), {})
    select.note("token_statistics", choice)
    if choice.path not in ("fused", "triton"):
        return composed(formula, x, target, ignore_index)
    kernel = select.fused_kernel(formula, choice.path)
    found: tuple[Tensor, Tensor] = _Statistics.apply(  # type: ignore[no-untyped-call]
        formula, kernel, ignore_index, target, x
    )
    return found


def composed(
    formula: Formula, x: Tensor, target: Tensor, ignore_index: int
) -> tuple[Tensor, Tensor]:
    """The same by torch operations, in the dtype of the scores."""
    log_p, entropy = formula.losses(x.to(wide_dtype(x)), target, ignore_index).unbind(1)
    return log_p.to(x.dtype), entropy.to(x.dtype)


class _Statistics(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, formula: Formula, kernel: Any, ignore_index: int, target: Tensor, x: Tensor
    ) -> tuple[Tensor, Tensor]:
        log_p, entropy, notes = kernel.forward(x, target, ignore_index)
        ctx.how = formula, kernel, ignore_index
        ctx.save_for_backward(x, target, *notes)
        return log_p.to(x.dtype), entropy.to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *upstreams: Tensor) -> Any:
        x, target, *notes = ctx.saved_tensors
        formula, kernel, ignore_index = ctx.how
        if must_trace(upstreams[0]) or must_trace(upstreams[1]):
            again = torch.is_grad_enabled()
            leaf = x if again else x.detach().requires_grad_()
            with torch.enable_grad():
                found = composed(formula, leaf, target, ignore_index)
            (grad,) = torch.autograd.grad(found, leaf, upstreams, create_graph=again)
        else:
            grad = kernel.gradient(x, target, ignore_index, tuple(notes), *upstreams)
        return None, None, None, None, grad
