"""Sparsemax of large scores by compiled loops, differentiable like its torch operations."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lossary.core.dtypes import wide_dtype
from lossary.core.transforms import reason_not_plain
from lossary.kernels import select
from lossary.kernels.blocks import must_trace

Projection = Callable[[Tensor], Tensor]


def project(composed: Projection, x: Tensor) -> Tensor | None:
    """The projection of the last dimension; None where no compiled loops run.

    ``composed`` is the same projection by torch operations, in the dtype it is given.
    """
    choice = _choose(x)
    select.note("sparsemax", choice)
    if choice.path != "fused":
        return None
    rows = x.reshape(-1, x.shape[-1]).contiguous()
    found: Tensor = _Project.apply(composed, rows)  # type: ignore[no-untyped-call]
    return found.view(x.shape)


def _choose(x: Tensor) -> select.Choice:
    reason = reason_not_plain(x)
    if reason is not None:
        return select.Choice("formula", reason)
    if x.device.type != "cpu":
        return select.Choice("formula", f"no kernel of our own for {x.device.type} yet")
    if x.numel() <= select.SMALL_ENTRIES:
        return select.Choice("formula", f"{x.numel()} entries are few enough to sort")
    if not select.level_is("fused"):
        return select.Choice("formula", "LOSSARY_KERNELS names no compiled loops")
    module = select.compiled_module("sparsemax")
    if isinstance(module, str):
        return select.Choice("formula", module)
    return select.Choice("fused", f"{x.numel()} entries, in compiled loops without sorting")


class _Project(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, composed: Projection, rows: Tensor) -> Tensor:
        found: Tensor = select.compiled_module("sparsemax").project(rows)
        ctx.composed = composed
        ctx.save_for_backward(rows, found)
        return found

    @staticmethod
    def backward(ctx: Any, *upstreams: Tensor) -> Any:
        (upstream,) = upstreams
        rows, found = ctx.saved_tensors
        if not must_trace(upstream):
            return None, select.compiled_module("sparsemax").gradient(found, upstream)
        again = torch.is_grad_enabled()
        leaf = rows if again else rows.detach().requires_grad_()
        with torch.enable_grad():
            p = ctx.composed(leaf.to(wide_dtype(leaf)))
        sent = upstream.to(p.dtype)
        (grad,) = torch.autograd.grad(p, leaf, sent, create_graph=again)
        return None, grad
