"""Compile every kernel for a GPU that need not be there: a program of its own, uninterpreted.

The interpreter lets pass what the compiler does not: an annotation, a loop whose value changes its
type. Is given the dtypes; prints the names of what was compiled.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import product
from typing import Any

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from lossary.kernels.triton import (
    _divergence,
    _divergence_rows,
    _hard_rows,
    _jensen_rows,
    _logistic,
    _soft_rows,
    _token_rows,
)

# What the tensors of these names hold; all others hold what the loss is given.
HELD = {"target": "i64", "label": "i64", "by": "fp64", "sums": "fp64"}
FLOAT32 = ("out", "log_probability", "entropy", "items", "by_log", "by_entropy", "upstream")
NUMBERS = ("ignored", "classes", "entries", "weight_period", "positive_period")


def kernels() -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Each kernel, with what is fixed when it is compiled."""
    for whole, made in product((True, False), (None, {"slope": None, "by": None})):
        fixed = {"weight": None, "Z": 0.0, "WHOLE": whole, "BLOCK": 1024, **(made or {})}
        yield "hard losses", _hard_rows.losses, fixed
    yield "hard gradient", _hard_rows.gradient, {"weight": None, "BLOCK": 1024}
    yield "tokens", _token_rows.forward, {"BLOCK": 1024}
    yield "tokens gradient", _token_rows.gradient, {"BLOCK": 1024}
    for given, smoothing in (("mass", 0.1), ("label", 0.0)):
        fixed = {given: None, "SMOOTHING": smoothing, "BLOCK": 512}
        yield f"soft losses without {given}", _soft_rows.losses, {**fixed, "Z": 0.1}
        yield f"soft gradient without {given}", _soft_rows.gradient, fixed
    for name, rows, more in (("kl", _divergence_rows, {}), ("js", _jensen_rows, {"W": 0.25})):
        yield f"{name} losses", rows.losses, {"BLOCK": 512, **more}
        yield f"{name} gradients", rows.gradients, {"BLOCK": 512, **more}
    plain = {"weight": None, "weight_period": None, "items": None, "BLOCK": 512}
    yield "bce losses", _logistic.losses, plain
    yield "bce gradient", _logistic.gradient, plain
    for logs in (True, False):
        yield "kl_div losses", _divergence.losses, {"LOGS": logs, "sums": None, "BLOCK": 512}
        yield "kl_div gradient", _divergence.gradient, {"LOGS": logs, "BLOCK": 512}


def compiled(kernel: Any, fixed: dict[str, Any], dtype: str, classes: int | None) -> None:
    """Compile for tensors of a dtype; Triton treats a number that is 1 as fixed."""
    wide = dtype == "fp32"
    # The soft rows' notes are always wide, the hard ones' never.
    notes = {"hard": "fp32", "soft": "fp64"}.get(kernel.__module__.split("_")[-2], "")
    given = {"WIDE": wide, "HALF": not wide, "SIDE": 4 if wide else 8, "ALIGNED": classes is None}
    fixed = {**given, **fixed, **({} if classes is None else {"classes": classes})}
    signature = {}
    for name in kernel.arg_names:
        if name in fixed:
            signature[name] = "constexpr"
        elif name in NUMBERS or name.endswith("stride"):
            signature[name] = "i32"
        elif name == "notes":
            signature[name] = "*" + (notes or ("fp64" if wide else "fp32"))
        else:
            signature[name] = "*" + HELD.get(name, "fp32" if name in FLOAT32 else dtype)
    constants = {name: value for name, value in fixed.items() if name in kernel.arg_names}
    source = ASTSource(fn=kernel, signature=signature, constexprs=constants)
    triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"num_warps": 4})


if __name__ == "__main__":
    for name, kernel, fixed in kernels():
        for dtype in sys.argv[1:]:
            compiled(kernel, fixed, dtype, None)
        if "classes" in kernel.arg_names and "fp32" in sys.argv:
            compiled(kernel, fixed, "bf16", 1)
        print(name, flush=True)
