"""The door of the kernels: picks how a formula runs, and can say why."""

import importlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import torch
from torch import Tensor

from lossary.core.level import level
from lossary.core.reduction import divide, reduce
from lossary.core.transforms import reason_not_plain
from lossary.kernels.blocks import composed, in_blocks
from lossary.kernels.formula import Formula
from lossary.kernels.fused import run_fused
from lossary.kernels.once import Once
from lossary.kernels.triton import door

# Up to here an operation's overhead is all there is, and nothing need be split or compiled.
SMALL_ENTRIES = 2**15
# Up to here (4 MB of float32) the scores of a linear layer are simply held.
SMALL_SCORES = 2**20


@dataclass(frozen=True)
class Choice:
    """The way a call runs (``path``), and why none of the quicker ones does."""

    path: str
    reason: str


_recorded: list[Choice] | None = None
log = logging.getLogger("lossary.kernels")


def choose(formula: Formula, tensors: tuple[Tensor, ...], options: dict[str, Any]) -> Choice:
    """The way these tensors will run, and the reason."""
    reason = reason_not_plain(*tensors)
    if reason is not None:
        return Choice("formula", reason)
    allowed = level()
    if allowed == "formula":
        return Choice("formula", "LOSSARY_KERNELS=formula")
    if not _takes_triton(tensors[0], allowed):
        return _without_triton(formula, tensors, options, allowed)
    against = door.reason_against(formula.fused, tensors, options)
    if against is None:
        return Choice("triton", f"{tensors[0].numel()} entries, in Triton")
    choice = _without_triton(formula, tensors, options, "fused")
    return replace(choice, reason=f"{choice.reason}; no Triton: {against}")


def _takes_triton(t: Tensor, allowed: str) -> bool:
    """Triton is the way on CUDA, and anywhere else where it is asked for by name."""
    return allowed == "triton" or (allowed == "fused" and t.device.type == "cuda")


def _without_triton(
    formula: Formula, tensors: tuple[Tensor, ...], options: dict[str, Any], allowed: str
) -> Choice:
    """The way of plain tensors by torch's operations or by loops compiled for the CPU."""
    first = tensors[0]
    if first.device.type != "cpu":
        return Choice("formula", _no_loops(first))
    entries = first.numel()
    if entries <= SMALL_ENTRIES:
        if formula.kernel is not None and first.dtype == torch.float32 and entries:
            return Choice("once", f"{entries} entries are few enough to keep the slope")
        return Choice("formula", f"{entries} entries are few enough to keep every intermediate")
    reason = (
        "LOSSARY_KERNELS=blocks" if allowed == "blocks" else _against(formula, tensors, options)
    )
    if reason is None:
        return Choice("fused", f"{entries} entries, in compiled loops")
    return Choice("blocks", f"{entries} entries, in blocks that stay in cache: {reason}")


def _no_loops(t: Tensor) -> str:
    return f"the compiled loops and blocks are for the CPU, not for {t.device.type}"


def level_is(name: str) -> bool:
    """Whether LOSSARY_KERNELS is this, or unset where this is the default."""
    return level() == name


def _against(formula: Formula, tensors: tuple[Tensor, ...], options: dict[str, Any]) -> str | None:
    if formula.fused is None:
        return "this loss has no compiled loops"
    kernel = compiled_module(formula.fused)
    if isinstance(kernel, str):
        return kernel
    reason: str | None = kernel.reason_against(tensors, options)
    return reason


def fused_kernel(formula: Formula, path: str = "fused") -> Any:
    """The compiled loops, or the Triton kernel, of a formula that :func:`choose` sent there."""
    return (door.kernel if path == "triton" else compiled_module)(str(formula.fused))


@cache
def compiled_module(name: str) -> Any:
    """The module of a compiled kernel, or why there is none."""
    try:
        return importlib.import_module(f"lossary.kernels.cpu.{name}")
    except ModuleNotFoundError as error:
        if error.name == f"lossary.kernels.cpu.{name}":
            return "this loss has no compiled loops"
        return f"numba cannot be imported ({error})"
    except ImportError as error:
        return f"numba cannot be imported ({error})"


def choose_linear(
    input: Tensor,
    matrix: Tensor,
    bias: Tensor | None,
    target: Tensor,
    weight: Tensor | None,
) -> Choice:
    """Whether a linear layer's loss runs in chunks, and the reason if not."""
    choice = _for_linear(input, matrix, bias, target, weight)
    note("linear_cross_entropy", choice)
    return choice


def _for_linear(input: Tensor, matrix: Tensor, *others: Tensor | None) -> Choice:
    reason = reason_not_plain(input, matrix, *others)
    if reason is not None:
        return Choice("formula", reason)
    allowed = level()
    if allowed not in ("fused", "triton"):
        return Choice("formula", f"LOSSARY_KERNELS={allowed}")
    asked = _takes_triton(input, allowed)
    against = door.reason_against_linear(input, matrix) if asked else None
    path = "triton" if asked and against is None else "fused"
    more = "" if against is None else f"; no Triton: {against}"
    if path == "fused" and input.device.type != "cpu":
        return Choice("formula", _no_loops(input) + more)
    scores = input.shape[:-1].numel() * matrix.shape[:-1].numel()
    if scores <= SMALL_SCORES:
        return Choice("formula", f"{scores} scores are few enough to hold")
    if any(t is not None and t.requires_grad for t in others[1:]):
        return Choice("formula", "the target or a weight of classes wants a gradient")
    kernel = (compiled_module if path == "fused" else door.kernel)("hard_cross_entropy")
    if isinstance(kernel, str):
        return Choice("formula", kernel + more)
    return Choice(path, f"{scores} scores, in chunks that share one buffer{more}")


def evaluate(
    formula: Formula,
    tensors: tuple[Tensor, ...],
    options: dict[str, Any],
    reduction: str,
    divisor: Tensor | float | None = None,
) -> Tensor:
    """Run a formula and reduce; the result is rounded once, to the first tensor's dtype.

    ``divisor`` is what a mean divides by; None means the number of items.
    """
    if not tensors[0].numel() and not formula.elementwise and tensors[0].dim() == 2:
        # No items, or items of nothing: zeros, which every tensor still leads to.
        given = (t.sum() * 0 for t in tensors[1:] if t.is_floating_point())
        return reduce(sum(given, tensors[0].sum(1)), reduction, divisor)
    choice = choose(formula, tensors, options)
    note(getattr(formula.losses, "__name__", "a loss"), choice)
    count = _item_count(formula, tensors) if divisor is None else divisor
    if choice.path in ("once", "fused", "triton"):
        kernel = (
            Once(formula, tensors[0].requires_grad and torch.is_grad_enabled())
            if choice.path == "once"
            else fused_kernel(formula, choice.path)
        )
        return run_fused(formula, kernel, options, tensors, reduction, count)
    dtype = tensors[0].dtype
    if choice.path == "formula":
        losses = composed(formula, options, tensors)
        if reduction == "none":
            return losses.to(dtype)
        total = losses.sum()
    else:
        total = in_blocks(formula, options, reduction != "none", tensors)
        if reduction == "none":
            return total
    if reduction == "mean":
        total = divide(total, count)
    return total.to(dtype)


def items_by_kernel(
    formula: Formula, tensors: tuple[Tensor, ...], options: dict[str, Any]
) -> Tensor | None:
    """The items of a formula, where a kernel is the quicker way; None where none runs."""
    choice = choose(formula, tensors, options)
    if choice.path not in ("fused", "triton"):
        return None
    note(getattr(formula.losses, "__name__", "a loss"), choice)
    return run_fused(formula, fused_kernel(formula, choice.path), options, tensors, "none", 1)


@contextmanager
def recording() -> Iterator[list[Choice]]:
    """Collect the choices made inside."""
    global _recorded
    before, _recorded = _recorded, []
    try:
        yield _recorded
    finally:
        _recorded = before


def note(name: str, choice: Choice) -> None:
    """Say at debug level what runs; torch.compile cannot trace a logger."""
    if torch.compiler.is_compiling():
        return
    if _recorded is not None:
        _recorded.append(choice)
    if log.isEnabledFor(logging.DEBUG):
        log.debug("%s: %s (%s)", name, choice.path, choice.reason)


def note_express(entries: int) -> None:
    """Say that a small tensor's loss came from one compiled call."""
    if _recorded is not None or log.isEnabledFor(logging.DEBUG):
        note("express", Choice("once", f"{entries} entries, loss and slope in one compiled call"))


def _item_count(formula: Formula, tensors: tuple[Tensor, ...]) -> int:
    first = tensors[0]
    return first.numel() if formula.elementwise else first.shape[0]
