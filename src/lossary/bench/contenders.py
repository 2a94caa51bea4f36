"""Who takes part: Lossary, torch's own ways, Liger-Kernel, and the floor.

The floor moves the bytes, or makes the matrix products, without which there is no gradient, in
torch's own calls. For cross-entropy that is to read the logits once and to write a fresh tensor
like them; for linear cross-entropy it is three matrix products. What stays in the processor's cache
can come out under it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import torch
import torch.nn.functional as torch_functional
from torch import Tensor

import lossary.functional as lossary_functional
from lossary.bench.problem import Problem

# torch's chunks in one contender: logits of 64 MB in float32, which is fast on a CPU.
CHUNK_LOGITS = 2**24
# These must run everywhere: what goes wrong in them is a fault, to be seen with its traceback.
SURE = ("lossary", "floor")


class UnavailableError(Exception):
    """A contender that cannot take part here; the status says why."""

    def __init__(self, status: str, detail: str = "") -> None:
        self.status, self.detail = status, detail
        super().__init__(status)


@dataclass(frozen=True)
class Contender:
    """One way to compute a loss: the loss alone, and a step that leaves fresh gradients."""

    name: str
    problem: Problem
    forward: Callable[[], None]
    step: Callable[[], None]
    answer: Callable[[], Tensor] | None  # the loss after backward; the floor has none


def contender(name: str, problem: Problem) -> Contender:
    """Set one up; nothing is compiled or computed yet."""
    if name == "floor":
        return _linear_floor(problem) if problem.point.width else _floor(problem)
    if name == "liger":
        problem = problem.apart()  # it writes the gradient over the logits it was given
    function = _FUNCTIONS[name](problem)

    def forward() -> None:
        with torch.no_grad():
            function(*problem.leaves, problem.target)

    def answer() -> Tensor:
        problem.forget_gradients()
        loss = function(*problem.leaves, problem.target)
        torch.autograd.backward(loss)
        return loss.detach()

    def step() -> None:
        answer()

    return Contender(name, problem, forward, step, answer)


def held(x: Tensor, matrix: Tensor, target: Tensor) -> Tensor:
    """A linear layer, then the loss of all its logits, as most models have it."""
    return torch_functional.cross_entropy(torch_functional.linear(x, matrix), target)


def _lossary(problem: Problem) -> Callable[..., Tensor]:
    return getattr(lossary_functional, problem.point.loss)  # type: ignore[no-any-return]


def _torch(problem: Problem) -> Callable[..., Tensor]:
    return held if problem.point.width else torch_functional.cross_entropy


def _compile(problem: Problem) -> Callable[..., Tensor]:
    # Each point anew and for its own shape: the fastest that torch.compile can do.
    torch.compiler.reset()
    compiled: Callable[..., Tensor] = torch.compile(_torch(problem), fullgraph=True, dynamic=False)
    return compiled


def _chunked(problem: Problem) -> Callable[..., Tensor]:
    """torch's own linear cross-entropy in chunks: of a given size."""
    point = problem.point
    return _in_chunks(batch_chunk_size=max(1, min(point.rows, CHUNK_LOGITS // point.vocabulary)))


def _chunked_auto(problem: Problem) -> Callable[..., Tensor]:
    """The same, in chunks of the size that torch chooses."""
    return _in_chunks()


def _in_chunks(**options: int) -> Callable[..., Tensor]:
    kind: Any = getattr(torch.nn, "LinearCrossEntropyOptions", None)
    if kind is None:
        raise UnavailableError("not_in_this_torch")
    chosen = kind(**options)

    def chunked(x: Tensor, matrix: Tensor, target: Tensor) -> Tensor:
        return torch_functional.linear_cross_entropy(x, matrix, target, options=chosen)

    return chunked


def _liger(problem: Problem) -> Callable[..., Tensor]:
    try:
        functions = import_module("liger_kernel.transformers.functional")
    except ImportError:
        raise UnavailableError("not_installed") from None
    if problem.device == "cpu":
        raise UnavailableError("needs_gpu")
    name = "liger_fused_linear_cross_entropy" if problem.point.width else "liger_cross_entropy"
    return getattr(functions, name)  # type: ignore[no-any-return]


_FUNCTIONS: dict[str, Callable[[Problem], Callable[..., Tensor]]] = {
    "lossary": _lossary,
    "torch": _torch,
    "compile": _compile,
    "chunked": _chunked,
    "chunked_auto": _chunked_auto,
    "liger": _liger,
}


def _floor(problem: Problem) -> Contender:
    (x,) = problem.leaves

    def forward() -> None:
        x.detach().sum()

    def step() -> None:
        x.grad = None
        x.grad = torch.neg(x.detach())

    return Contender("floor", problem, forward, step, None)


def _linear_floor(problem: Problem) -> Contender:
    x, matrix = problem.leaves
    a, b = x.detach(), matrix.detach()

    def forward() -> None:
        _ = a @ b.t()

    def step() -> None:
        problem.forget_gradients()
        scores = a @ b.t()
        x.grad, matrix.grad = scores @ b, scores.t() @ a

    return Contender("floor", problem, forward, step, None)
