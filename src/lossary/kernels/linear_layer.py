"""A linear layer taken in chunks: scores in one buffer, gradients added up as they are made."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lossary.core.dtypes import accumulation_dtype
from lossary.kernels.softcap import slope_of_cap

# Scores in the buffer: 64 MB of float32. A smaller one rewrites the matrix's gradient more often.
CHUNK_SCORES = 2**24
# On a GPU: tokens, whatever the width. Each chunk reads and writes the matrix's gradient, 8 V D
# bytes beside 6 n V D operations. Measured on an H100 (V = 128,256, D = 4,096): the product that
# is added to it makes 459, 576, 662 and 675 TFLOP/s for n = 1,024, 2,048, 4,096 and 8,192.
CHUNK_TOKENS = 2**12


@dataclass(frozen=True)
class Layer:
    """What makes scores of the input: a matrix (V, D) and a bias (V), and the scores' shape."""

    matrix: Tensor
    bias: Tensor | None
    shape: tuple[int, ...]
    softcap: float | None

    def scores(self, x: Tensor, out: Tensor | None = None) -> Tensor:
        """The scores of some tokens before any cap, (n, C, ...)."""
        flat = None if out is None else out[: len(x)]
        if flat is not None and flat.dtype != x.dtype:
            made = torch.mm(x, self.matrix.t(), out_dtype=flat.dtype, out=flat)
            made = made if self.bias is None else made.add_(self.bias)
        elif self.bias is None:
            made = torch.mm(x, self.matrix.t(), out=flat)
        else:
            made = torch.addmm(self.bias, x, self.matrix.t(), out=flat)
        return made.view(len(x), *self.shape)

    def slope(self, made: Callable[[Tensor], Tensor], scores: Tensor, raw: Tensor) -> Tensor:
        """The slope of the product, in the scores' place; a cap adds its own."""
        if self.softcap is None:
            return made(scores)
        return made(scores).mul_(slope_of_cap(raw, self.softcap))


def widened(t: Tensor | None, multiplied: bool = False) -> Tensor | None:
    """The values in the dtype of sums, or that of products, row by row in memory.

    A GPU's tensor cores multiply bfloat16 as it is, exactly, and add in float32: there it stays.
    float16 does not: its slopes, divided by the number of tokens, would underflow.
    """
    if t is None:
        return None
    as_it_is = multiplied and t.is_cuda and t.dtype == torch.bfloat16
    return t.detach().to(t.dtype if as_it_is else accumulation_dtype(t.dtype)).contiguous()


class Gradients:
    """The gradients of input, matrix and bias, as far as they are wanted, added up in float32."""

    def __init__(self, x: Tensor, layer: Layer, wanted: tuple[bool, ...]) -> None:
        self.layer = layer
        matrix, dtype = layer.matrix, accumulation_dtype(x.dtype)
        self.input = torch.empty_like(x, dtype=dtype) if wanted[0] else None
        # The first chunk's product overwrites it; without any chunk it is 0.
        new = torch.empty_like if len(x) else torch.zeros_like
        self.matrix = new(matrix, dtype=dtype) if wanted[1] else None
        self.bias = x.new_zeros(len(matrix), dtype=dtype) if wanted[2] else None
        self.added = False
        self.narrow: Tensor | None = None

    def room(self, scores: Tensor) -> Tensor:
        """Where the slopes of these scores go: in their place, if they are not to be narrower."""
        matrix = self.layer.matrix
        as_scores = matrix.dtype == scores.dtype or self.bias is not None
        if as_scores or self.layer.softcap is not None:
            return scores
        if self.narrow is None:
            self.narrow = torch.empty_like(scores, dtype=matrix.dtype)
        return self.narrow[: len(scores)]

    def add(self, rows: slice, x: Tensor, slope: Tensor, again: bool = False) -> None:
        """Take in the slopes of some tokens' scores; ``again`` if not the first for them."""
        flat = slope.reshape(len(x), -1)
        if self.bias is not None:
            self.bias += flat.sum(0)
        flat = flat.to(x.dtype)
        if self.input is not None:
            _product(self.input[rows], flat, self.layer.matrix, add=again)
        if self.matrix is not None:
            _product(self.matrix, flat.t(), x, add=self.added)
        self.added = True

    def all(self) -> list[Tensor | None]:
        """In the order of the tensors."""
        return [self.input, self.matrix, self.bias]


def _product(out: Tensor, a: Tensor, b: Tensor, add: bool) -> None:
    """``a @ b``, added to what ``out`` holds or in its place; of bfloat16 in float32."""
    wide: Any = {} if out.dtype == a.dtype else {"out_dtype": out.dtype}
    if add:
        torch.addmm(out, a, b, out=out, **wide)
    else:
        torch.mm(a, b, out=out, **wide)


def chunks(
    x: Tensor, layer: Layer, targets: tuple[Tensor, ...]
) -> Iterator[tuple[slice, Tensor, tuple[Tensor, ...], Tensor]]:
    """Rows, their scores in a buffer that the next chunk takes over, their targets, raw scores.

    The raw scores are those before a cap, which has a buffer of its own; without one, the same.
    """
    width = len(layer.matrix)
    tokens = CHUNK_TOKENS if x.is_cuda else CHUNK_SCORES // max(1, width)
    if layer.softcap is not None:
        tokens //= 3  # raw scores, capped ones, and the slope of the cap
    step = max(1, min(len(x), tokens))
    dtype = accumulation_dtype(x.dtype)
    buffer = torch.empty((step, width), dtype=dtype, device=x.device)
    bounded = None if layer.softcap is None else torch.empty_like(buffer)
    for start in range(0, len(x), step):
        rows = slice(start, start + step)
        scores = raw = layer.scores(x[rows], buffer)
        if bounded is not None and layer.softcap is not None:
            flat = raw.view(len(raw), width)
            scores = torch.div(flat, layer.softcap, out=bounded[: len(raw)])
            scores = scores.tanh_().mul_(layer.softcap).view(raw.shape)
        yield rows, scores, tuple(t[rows] for t in targets), raw
