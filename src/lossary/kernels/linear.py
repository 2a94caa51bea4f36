"""A linear layer and the loss of its scores in one pass: all the scores are never held.

Floor: three matrix products, 6 N V D operations, for a reduced loss with its gradients; one for
the loss alone. Tokens come in chunks whose scores share one buffer, and the gradient of the
scores is made in that buffer. For a reduced loss the gradients of input and matrix are added up
as the chunks go by, for an upstream gradient of 1; for ``reduction="none"`` the scores are made
again in backward. Half precision is multiplied, added up and kept in float32.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lossary.core.dtypes import accumulation_dtype, wide_dtype
from lossary.core.reduction import divide
from lossary.kernels.blocks import must_trace
from lossary.kernels.formula import Formula

# Scores in the buffer: 64 MB of float32. A smaller one rewrites the matrix's gradient more often.
CHUNK_SCORES = 2**24


@dataclass(frozen=True)
class Layer:
    """What makes scores of the input: a matrix (V, D) and a bias (V), and the scores' shape."""

    matrix: Tensor
    bias: Tensor | None
    shape: tuple[int, ...]
    softcap: float | None

    def scores(self, x: Tensor, out: Tensor | None = None) -> Tensor:
        """The scores of some tokens, (n, C, ...)."""
        flat = None if out is None else out[: len(x)]
        if self.bias is None:
            made = torch.mm(x, self.matrix.t(), out=flat)
        else:
            made = torch.addmm(self.bias, x, self.matrix.t(), out=flat)
        if self.softcap is not None:
            made.div_(self.softcap).tanh_().mul_(self.softcap)
        return made.view(len(x), *self.shape)

    def slope(self, made: Callable[[Tensor], Tensor], scores: Tensor) -> Tensor:
        """The slope of the product, in the scores' place; a cap adds its own, 1 - tanh^2."""
        if self.softcap is None:
            return made(scores)
        inside = 1 - (scores / self.softcap).square_()
        return made(scores).mul_(inside)


def run_linear(
    formula: Formula,
    kernel: Any,
    options: dict[str, Any],
    tensors: tuple[Tensor, Tensor, Tensor | None],
    targets: tuple[Tensor, ...],
    reduction: str,
    divisor: Tensor | float,
    shape: tuple[int, ...],
    softcap: float | None = None,
) -> Tensor:
    """The loss of ``tensors = (input, matrix, bias)`` against the targets."""
    result: Tensor = _Linear.apply(  # type: ignore[no-untyped-call]
        (formula, kernel, options, targets, reduction, divisor, shape, softcap), *tensors
    )
    return result


def _wide(t: Tensor | None) -> Tensor | None:
    return None if t is None else t.detach().to(accumulation_dtype(t.dtype)).contiguous()


class _Gradients:
    """The gradients of input, matrix and bias, as far as they are wanted, added up in float32."""

    def __init__(self, x: Tensor, layer: Layer, wanted: tuple[bool, ...]) -> None:
        self.layer = layer
        self.input = torch.empty_like(x) if wanted[0] else None
        self.matrix = torch.zeros_like(layer.matrix) if wanted[1] else None
        self.bias = torch.zeros(len(layer.matrix), dtype=x.dtype) if wanted[2] else None

    def add(self, rows: slice, x: Tensor, slope: Tensor) -> None:
        """Take in the slopes of some tokens' scores."""
        flat = slope.reshape(len(x), -1)
        if self.input is not None:
            torch.mm(flat, self.layer.matrix, out=self.input[rows])
        if self.matrix is not None:
            self.matrix.addmm_(flat.t(), x)
        if self.bias is not None:
            self.bias += flat.sum(0)

    def all(self) -> list[Tensor | None]:
        """In the order of the tensors."""
        return [self.input, self.matrix, self.bias]


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, how: tuple[Any, ...], input: Tensor, matrix: Tensor, bias: Tensor | None
    ) -> Tensor:
        _, kernel, options, targets, reduction, divisor, shape, softcap = ctx.how = how
        x, wide_matrix = _wide(input), _wide(matrix)
        assert x is not None
        assert wide_matrix is not None
        layer = Layer(wide_matrix, _wide(bias), shape, softcap)
        wanted = ctx.needs_input_grad[1:]
        made = _Gradients(x, layer, wanted) if any(wanted) and reduction != "none" else None
        scale = divide(torch.ones((), dtype=torch.float64), divisor if reduction == "mean" else 1)
        pieces = []
        for rows, scores, part in _chunks(x, layer, targets):
            losses, notes = kernel.losses((scores, *part), options, False)
            pieces.append(losses)
            if made is not None:
                make = _maker(kernel, part, options, notes, scale)
                made.add(rows, x[rows], layer.slope(make, scores))
        items = torch.cat(pieces)
        ctx.kept = 0 if made is None else 3
        ctx.save_for_backward(input, matrix, bias, *(made.all() if made is not None else ()))
        if reduction == "none":
            return items.to(input.dtype)
        total = items.sum(dtype=torch.float64)
        return (divide(total, divisor) if reduction == "mean" else total).to(input.dtype)

    @staticmethod
    def backward(ctx: Any, *upstreams: Tensor) -> Any:
        (upstream,) = upstreams
        saved = ctx.saved_tensors
        tensors, kept = saved[:3], saved[3:]
        wanted = ctx.needs_input_grad[1:]
        if must_trace(upstream):
            return None, *_traced(ctx.how, tensors, wanted, upstream)
        if ctx.kept:
            last = not torch._C._autograd._get_current_graph_task_keep_graph()
            grads = [None if g is None else (g.mul_(upstream) if last else g * upstream)
                     for g in kept]  # fmt: skip
        else:
            grads = _again(ctx.how, tensors, wanted, upstream)
        pairs = zip(grads, tensors, strict=True)
        return None, *(None if g is None else g.to(t.dtype) for g, t in pairs)


def _maker(
    kernel: Any, part: tuple[Tensor, ...], options: dict[str, Any], notes: Any, scale: Tensor
) -> Callable[[Tensor], Tensor]:
    """The kernel's gradient of some scores, made in their own memory."""
    return lambda scores: kernel.gradient((scores, *part), options, notes, scale, out=scores)


def _chunks(
    x: Tensor, layer: Layer, targets: tuple[Tensor, ...]
) -> Iterator[tuple[slice, Tensor, tuple[Tensor, ...]]]:
    """Rows, their scores in a buffer that the next chunk takes over, and their targets."""
    width = len(layer.matrix)
    step = max(1, min(len(x), CHUNK_SCORES // max(1, width)))
    buffer = torch.empty((step, width), dtype=x.dtype)
    for start in range(0, len(x), step):
        rows = slice(start, start + step)
        yield rows, layer.scores(x[rows], buffer), tuple(t[rows] for t in targets)


def _again(
    how: tuple[Any, ...], tensors: tuple[Any, ...], wanted: tuple[bool, ...], upstream: Tensor
) -> list[Tensor | None]:
    """Gradients under one upstream gradient a token, from scores made again."""
    _, kernel, options, targets, _, _, shape, softcap = how
    x, matrix, bias = (_wide(t) for t in tensors)
    assert x is not None
    assert matrix is not None
    layer = Layer(matrix, bias, shape, softcap)
    made = _Gradients(x, layer, wanted)
    for rows, scores, part in _chunks(x, layer, targets):
        _, notes = kernel.losses((scores, *part), options, False)
        make = _maker(kernel, part, options, notes, upstream[rows].double())
        made.add(rows, x[rows], layer.slope(make, scores))
    return made.all()


def _traced(
    how: tuple[Any, ...], tensors: tuple[Any, ...], wanted: tuple[bool, ...], upstream: Tensor
) -> list[Tensor | None]:
    """Gradients that can be differentiated again: all the scores, through the formula."""
    formula, _, options, targets, reduction, divisor, shape, softcap = how
    again = torch.is_grad_enabled()
    given = [
        t if t is None or again else t.detach().requires_grad_(w)
        for t, w in zip(tensors, wanted, strict=True)
    ]
    with torch.enable_grad():
        x, matrix, bias = (t if t is None else t.to(accumulation_dtype(t.dtype)) for t in given)
        assert x is not None
        assert matrix is not None
        scores = torch.nn.functional.linear(x, matrix, bias).reshape(len(x), *shape)
        scores = scores if softcap is None else softcap * torch.tanh(scores / softcap)
        wide = wide_dtype(scores) if formula.wide else scores.dtype
        masses = [t.to(wide) if t.is_floating_point() else t for t in targets]
        losses = formula.losses(scores.to(wide), *masses, **options)
        if reduction != "none":
            losses = divide(losses.sum(), divisor if reduction == "mean" else 1)
    inputs = [t for t, w in zip(given, wanted, strict=True) if w]
    grads = torch.autograd.grad(losses, inputs, upstream.to(losses.dtype), create_graph=again)
    found = iter(grads)
    return [next(found) if w else None for w in wanted]
