"""A linear layer and the loss of its scores in one pass: all the scores are never held.

Floor: three matrix products, 6 N V D operations, for a reduced loss with its gradients; one for
the loss alone. Tokens come in chunks whose scores share one buffer, and the gradient of the
scores is made in that buffer. For a reduced loss the gradients of input and matrix are added up
as the chunks go by, for an upstream gradient of 1; for ``reduction="none"``, and for the
statistics of the tokens where they are differentiated, the scores are made again in backward. Half
precision is multiplied, added up and kept in float32, so that float16 never has to hold a slope
that was divided by the number of tokens.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lossary.core.dtypes import accumulation_dtype, wide_dtype
from lossary.core.reduction import divide
from lossary.kernels.blocks import must_trace
from lossary.kernels.formula import Formula
from lossary.kernels.linear_layer import Gradients, Layer, chunks, widened
from lossary.kernels.softcap import capped
from lossary.kernels.unchanged import check_unchanged, versions


@dataclass(frozen=True)
class Tokens:
    """The statistics that are asked of every token: their formula, their kernel, what to skip."""

    formula: Formula
    kernel: Any
    ignore_index: int


@dataclass(frozen=True)
class Plan:
    """What is computed of the scores, as the chunks of them go by."""

    formula: Formula
    kernel: Any
    options: dict[str, Any]
    targets: tuple[Tensor, ...]
    reduction: str
    divisor: Tensor | float
    shape: tuple[int, ...]
    softcap: float | None
    tokens: Tokens | None = None

    def scale(self, device: torch.device) -> Tensor:
        """The slope's scale under an upstream gradient of 1."""
        by = self.divisor if self.reduction == "mean" else 1
        return divide(torch.ones((), dtype=torch.float64, device=device), by)

    def reduced(self, items: Tensor) -> Tensor:
        """The losses themselves, their sum or their mean."""
        if self.reduction == "none":
            return items
        total = items.sum(dtype=torch.float64)
        return divide(total, self.divisor) if self.reduction == "mean" else total


def run_linear(plan: Plan, tensors: tuple[Tensor, Tensor, Tensor | None]) -> tuple[Tensor, ...]:
    """The loss of ``tensors = (input, matrix, bias)``, and the statistics if they are asked for."""
    # Inside the function below gradients are always off, and what it is told of them is not this.
    graded = torch.is_grad_enabled()
    results: tuple[Tensor, ...] = _Linear.apply(  # type: ignore[no-untyped-call]
        plan, graded, *tensors
    )
    return results


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, plan: Plan, graded: bool, input: Tensor, matrix: Tensor, bias: Tensor | None
    ) -> tuple[Tensor, ...]:
        ctx.plan = plan
        ctx.versions = versions((*plan.targets, *plan.options.values()))
        ctx.set_materialize_grads(False)
        x, layer = _laid_out(plan, input, matrix, bias)
        wanted = ctx.needs_input_grad[2:]
        made = None
        if graded and any(wanted) and plan.reduction != "none":
            made = Gradients(x, layer, wanted)
        pieces, told = [], []
        for rows, scores, part, raw in chunks(x, layer, plan.targets):
            if plan.tokens is not None:
                told.append(_told(plan.tokens, scores, part)[:2])
            losses, slope = _with_slope(plan, layer, scores, part, raw, made)
            pieces.append(losses)
            if made is not None:
                made.add(rows, x[rows], slope)
        ctx.kept = made is not None
        ctx.save_for_backward(input, matrix, bias, *(made.all() if made is not None else ()))
        results = plan.reduced(torch.cat(pieces)), *(torch.cat(t) for t in zip(*told, strict=True))
        return tuple(t.to(input.dtype) for t in results)

    @staticmethod
    def backward(ctx: Any, *upstreams: Tensor | None) -> Any:
        check_unchanged(ctx.versions)
        saved = ctx.saved_tensors
        tensors, kept = saved[:3], saved[3:]
        wanted = ctx.needs_input_grad[2:]
        given = [t for t in upstreams if t is not None]
        if any(must_trace(t) for t in given):
            return None, None, *_traced(ctx.plan, tensors, wanted, upstreams)
        grads: list[Tensor | None] = [None, None, None]
        upstream, *by_token = upstreams
        if upstream is not None and ctx.kept:
            last = not torch._C._autograd._get_current_graph_task_keep_graph()
            grads = [None if g is None else _times(g, upstream, t.dtype, last)
                     for g, t in zip(kept, tensors, strict=True)]  # fmt: skip
            upstream = None
        if upstream is not None or any(t is not None for t in by_token):
            more = _again(ctx.plan, tensors, wanted, upstream, by_token)
            grads = [a if b is None else b if a is None else a + b
                     for a, b in zip(grads, more, strict=True)]  # fmt: skip
        pairs = zip(grads, tensors, strict=True)
        return None, None, *(None if g is None else g.to(t.dtype) for g, t in pairs)


def _laid_out(
    plan: Plan, input: Tensor, matrix: Tensor, bias: Tensor | None
) -> tuple[Tensor, Layer]:
    x, wide_matrix = (widened(t, multiplied=True) for t in (input, matrix))
    assert x is not None
    assert wide_matrix is not None
    return x, Layer(wide_matrix, widened(bias), plan.shape, plan.softcap)


def _with_slope(
    plan: Plan,
    layer: Layer,
    scores: Tensor,
    part: tuple[Tensor, ...],
    raw: Tensor,
    made: Gradients | None,
) -> tuple[Tensor, Tensor]:
    """The losses of some scores and, if it is to be made, their slope under an upstream of 1."""
    given, options = (scores, *part), plan.options
    if made is None:
        return plan.kernel.losses(given, options, False)[0], scores
    scale, room = plan.scale(scores.device), made.room(scores)
    together = getattr(plan.kernel, "losses_with_gradient", None)
    if together is not None and layer.softcap is None:
        losses, _, slope = together(given, options, scale, out=room)
        return losses, slope
    losses, notes = plan.kernel.losses(given, options, False)
    return losses, layer.slope(_maker(plan, part, notes, scale, room), scores, raw)


def _told(
    tokens: Tokens, scores: Tensor, part: tuple[Tensor, ...]
) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
    """Log-probability and entropy of some tokens, and the notes of their gradient."""
    found: tuple[Tensor, Tensor, tuple[Tensor, ...]]
    found = tokens.kernel.forward(scores, part[0], tokens.ignore_index)
    return found


def _maker(
    plan: Plan, part: tuple[Tensor, ...], notes: Any, scale: Tensor, out: Tensor
) -> Callable[[Tensor], Tensor]:
    """The kernel's gradient of some scores, made in ``out``, which may be their own memory."""
    return lambda scores: plan.kernel.gradient((scores, *part), plan.options, notes, scale, out=out)


def _times(grad: Tensor, upstream: Tensor, dtype: torch.dtype, last: bool) -> Tensor:
    """A kept gradient under its upstream one, rounded as it is written; in place if it may be."""
    if last and grad.dtype == dtype:
        return grad.mul_(upstream)
    return torch.mul(grad, upstream, out=torch.empty_like(grad, dtype=dtype))


def _again(
    plan: Plan,
    tensors: tuple[Any, ...],
    wanted: tuple[bool, ...],
    upstream: Tensor | None,
    by_token: list[Tensor | None],
) -> list[Tensor | None]:
    """Gradients under one upstream gradient a token, from scores made again."""
    x, layer = _laid_out(plan, *tensors)
    made = Gradients(x, layer, wanted)
    makers = [] if upstream is None else [_of_losses(plan, upstream, made)]
    if any(t is not None for t in by_token):
        makers.append(_of_tokens(plan, by_token, x, made))
    for number, make in enumerate(makers):
        for rows, scores, part, raw in chunks(x, layer, plan.targets):
            slope = layer.slope(make(rows, scores, part), scores, raw)
            made.add(rows, x[rows], slope, number > 0)
    return made.all()


Maker = Callable[[slice, Tensor, tuple[Tensor, ...]], Callable[[Tensor], Tensor]]


def _of_losses(plan: Plan, upstream: Tensor, made: Gradients) -> Maker:
    def make(rows: slice, scores: Tensor, part: tuple[Tensor, ...]) -> Callable[[Tensor], Tensor]:
        _, notes = plan.kernel.losses((scores, *part), plan.options, False)
        return _maker(plan, part, notes, upstream[rows].double(), made.room(scores))

    return make


def _of_tokens(plan: Plan, by_token: list[Tensor | None], x: Tensor, made: Gradients) -> Maker:
    tokens = plan.tokens
    assert tokens is not None
    none = torch.zeros(len(x), device=x.device)
    by = [none if t is None else t for t in by_token]

    def make(rows: slice, scores: Tensor, part: tuple[Tensor, ...]) -> Callable[[Tensor], Tensor]:
        notes = _told(tokens, scores, part)[2]
        upstreams = [t[rows] for t in by]
        out = made.room(scores)
        return lambda scores: tokens.kernel.gradient(
            scores, part[0], tokens.ignore_index, notes, *upstreams, out=out
        )

    return make


def _traced(
    plan: Plan,
    tensors: tuple[Any, ...],
    wanted: tuple[bool, ...],
    upstreams: tuple[Tensor | None, ...],
) -> list[Tensor | None]:
    """Gradients that can be differentiated again: all the scores, through the formula."""
    again = torch.is_grad_enabled()
    given = [
        t if t is None or again else t.detach().requires_grad_(w)
        for t, w in zip(tensors, wanted, strict=True)
    ]
    with torch.enable_grad():
        results = _composed(plan, *given)
    pairs = [(t, up) for t, up in zip(results, upstreams, strict=True) if up is not None]
    inputs = [t for t, w in zip(given, wanted, strict=True) if w]
    sent = [up.to(t.dtype) for t, up in pairs]
    grads = torch.autograd.grad([t for t, _ in pairs], inputs, sent, create_graph=again)
    found = iter(grads)
    return [next(found) if w else None for w in wanted]


def _composed(plan: Plan, *given: Tensor | None) -> tuple[Tensor, ...]:
    """Loss and statistics by torch operations on all the scores."""
    x, matrix, bias = (t if t is None else t.to(accumulation_dtype(t.dtype)) for t in given)
    assert x is not None
    assert matrix is not None
    scores = torch.nn.functional.linear(x, matrix, bias).reshape(len(x), *plan.shape)
    if plan.softcap is not None:
        scores = capped(scores, plan.softcap)
    wide = wide_dtype(scores) if plan.formula.wide else scores.dtype
    masses = [t.to(wide) if t.is_floating_point() else t for t in plan.targets]
    losses = plan.formula.losses(scores.to(wide), *masses, **plan.options)
    if plan.reduction != "none":
        losses = divide(losses.sum(), plan.divisor if plan.reduction == "mean" else 1)
    if plan.tokens is None:
        return (losses,)
    told = plan.tokens.formula.losses(
        scores.to(wide_dtype(scores)), plan.targets[0], plan.tokens.ignore_index
    )
    return losses, told[:, 0], told[:, 1]
