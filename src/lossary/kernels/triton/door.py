"""Whether a Triton kernel serves a call; without Triton this can still be asked."""

import importlib
import os
import sys
from functools import cache
from typing import Any

import torch
from torch import Tensor

INSTALL = 'pip install "lossary[gpu]"'


def reason_against(
    name: str | None, tensors: tuple[Tensor, ...], options: dict[str, Any]
) -> str | None:
    """Why the kernel of this name cannot take these tensors; None if it can."""
    reason = reason_against_device(tensors[0])
    if reason is not None:
        return reason
    if name is None:
        return "this loss has no kernel in Triton"
    found = kernel(name)
    if isinstance(found, str):
        return found
    against: str | None = found.reason_against(tensors, options)
    return against


def reason_against_linear(input: Tensor, matrix: Tensor) -> str | None:
    """Why the scores of a linear layer cannot be taken in chunks; None if they can."""
    reason = reason_against_device(input)
    if reason is None and matrix.dim() != 2:
        reason = "the classes are not the last of two dimensions"
    if reason is None and input.dtype == torch.float64:
        reason = f"{input.dtype} takes the formula"
    found = kernel("hard_cross_entropy")
    return found if reason is None and isinstance(found, str) else reason


def reason_against_device(t: Tensor) -> str | None:
    """Why Triton cannot run where this tensor is; None if it can."""
    if t.device.type == "cuda":
        return None
    if t.device.type != "cpu":
        return f"no Triton of ours for {t.device.type}"
    if os.environ.get("TRITON_INTERPRET") != "1":
        return "on a CPU Triton runs in its interpreter alone, TRITON_INTERPRET=1"
    return _reason_against_interpreter()


def _reason_against_interpreter() -> str | None:
    """Triton decides at its own import whether its functions are interpreted."""
    language = sys.modules.get("triton.language")
    if language is None or type(language.cdiv).__name__ == "InterpretedFunction":
        return None
    return "Triton was imported before TRITON_INTERPRET=1 was set"


@cache
def kernel(name: str) -> Any:
    """The module of a Triton kernel, or why there is none."""
    try:
        importlib.import_module("triton")
    except ImportError as error:
        return f"Triton cannot be imported ({error}): {INSTALL}"
    try:
        return importlib.import_module(f"lossary.kernels.triton.{name}")
    except ModuleNotFoundError:
        return "this loss has no kernel in Triton"
