"""Measure every loss against arbitrary precision and write docs/accuracy.md.

Every item of every case is compared with the mpmath oracles of ``tests/oracles``: no faster
reference stands in between. Seeds are fixed, so two runs write the same page.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "accuracy.md"
sys.path[:0] = [str(ROOT), str(ROOT / "src")]
os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch  # noqa: E402
from mpmath import isfinite, mpf  # noqa: E402
from torch import Tensor  # noqa: E402

from lossary.kernels import explain_choice, select  # noqa: E402
from tests.cases import BY_NAME, LOSSES  # noqa: E402
from tests.checking import neighbours  # noqa: E402
from tests.oracles import Answer  # noqa: E402
from tests.oracles.compare import Neighbours  # noqa: E402
from tests.rows import FLOATS, Loss, leaves  # noqa: E402

# Draws per cell: rows of five items need more of them than twenty entries do.
DRAWS = {True: 8, False: 16}
PROMISE = {
    torch.float32: 1e-5,
    torch.float64: 1e-13,
    torch.bfloat16: 2.0**-8 * 1.02,
    torch.float16: 2.0**-11 * 1.02,
}
FAILURES = ("NaN", "infinite", "finite", "wrong sign", "0", "not 0")
Cell = tuple[str, int, str]


@dataclass
class Worst:
    """The worst of many entries: kinds of failure counted, and the largest relative error."""

    error: float = 0.0
    entries: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    hard_entries: int = 0
    hard_error: float = 0.0

    def merge(self, other: Worst) -> None:
        """Take in another cell's worst."""
        self.error = max(self.error, other.error)
        self.entries += other.entries
        self.failures += other.failures
        self.hard_entries += other.hard_entries
        self.hard_error = max(self.hard_error, other.hard_error)

    def text(self) -> str:
        """The worst failure with its count, else the largest error."""
        if not self.entries and not self.hard_entries:
            return "not offered"
        for kind in FAILURES:
            if self.failures[kind]:
                return f"**{kind}** ({sum(self.failures.values())})"
        return f"{self.error:.1e}"


@dataclass
class Measured:
    """One cell: Lossary and torch, value and gradient, and how many items were compared."""

    items: int = 0
    ours: tuple[Worst, Worst] = field(default_factory=lambda: (Worst(), Worst()))
    torchs: tuple[Worst, Worst] = field(default_factory=lambda: (Worst(), Worst()))
    compiled: tuple[Worst, Worst] = field(default_factory=lambda: (Worst(), Worst()))

    def merge(self, other: Measured) -> None:
        """Take in another cell."""
        self.items += other.items
        for mine, theirs in zip(self.all(), other.all(), strict=True):
            mine.merge(theirs)

    def all(self) -> tuple[Worst, ...]:
        """Every measurement of the cell."""
        return (*self.ours, *self.torchs, *self.compiled)


def judge(worst: Worst, got: float, exact: Any, dtype: torch.dtype, slack: Any) -> None:
    """Count one entry."""
    info = torch.finfo(dtype)
    right: Any = exact
    if isfinite(exact) and abs(exact) > mpf(info.max) * (1 + mpf(info.eps) / 4):
        right = mpf("inf") if exact > 0 else -mpf("inf")
    kind = failure(got, right, info.tiny)
    if kind is None and isfinite(right) and abs(right) >= info.tiny:
        off = abs(mpf(got) - right)
        if slack > mpf(PROMISE[dtype]) / 4 * abs(right):
            worst.hard_entries += 1
            worst.hard_error = max(worst.hard_error, float(off / slack))
            return
        worst.error = max(worst.error, float(off / abs(right)))
    elif kind in ("0", "wrong sign", "not 0") and slack > abs(right):
        worst.hard_entries += 1
        worst.hard_error = max(worst.hard_error, float(abs(mpf(got) - right) / slack))
        return
    worst.entries += 1
    if kind is not None:
        worst.failures[kind] += 1


def failure(got: float, right: Any, tiny: float) -> str | None:
    """What is wrong with an entry beyond a matter of digits; None if nothing is."""
    if math.isnan(got):
        return "NaN"
    if not isfinite(right):
        return None if got == float(right) else "finite"
    if math.isinf(got):
        return "infinite"
    if abs(right) < tiny:
        return "not 0" if abs(got) > 2 * tiny else None
    if got == 0:
        return "0"
    return "wrong sign" if (got > 0) != (right > 0) else None


def measure(cell: Cell) -> tuple[Cell, Measured]:
    """All draws and options of one loss, dtype and regime."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    name, which, regime = cell
    loss, dtype = BY_NAME[name], FLOATS[which]
    found = Measured()
    for salt in range(DRAWS[loss.elementwise]):
        tensors = loss.tensors(regime, dtype, salt)
        for options in loss.options(tensors):
            exact = neighbours(loss, tensors, options, regime)
            found.items += len(exact.base.items)
            for worsts, call in ((found.ours, loss.call), (found.torchs, loss.call_torch)):
                compare(worsts, loss, tensors, options, exact, call)
            with small_entries(0):
                if is_compiled(loss, tensors, options):
                    compare(found.compiled, loss, tensors, options, exact, loss.call)
    return cell, found


@contextmanager
def small_entries(limit: int) -> Iterator[None]:
    """Let the way of large tensors begin at another size."""
    before, select.SMALL_ENTRIES = select.SMALL_ENTRIES, limit
    try:
        yield
    finally:
        select.SMALL_ENTRIES = before


def is_compiled(loss: Loss, tensors: tuple[Tensor, ...], options: dict[str, Any]) -> bool:
    """Whether compiled loops serve this call."""
    choices = explain_choice(loss.call, tensors, options, reduction="none")
    return [choice.path for choice in choices] == ["fused"]


def compare(
    worsts: tuple[Worst, Worst],
    loss: Loss,
    tensors: tuple[Tensor, ...],
    options: dict[str, Any],
    exact: Neighbours,
    call: Callable[..., Tensor],
) -> None:
    """Judge every item and every gradient entry of one call."""
    inputs = leaves(loss, tensors)
    try:
        value = call(inputs, options, reduction="none")
        grads = torch.autograd.grad(value.sum(), [inputs[i] for i in loss.differentiable])
    except (RuntimeError, NotImplementedError, IndexError):
        if call == loss.call:
            raise
        return  # torch offers no half precision here, or clamps with an error

    values = value.detach().double().reshape(-1).tolist()
    room = exact.slack(lambda a: a.value("none")) or [mpf(0)] * len(values)
    for got, right, slack in zip(values, exact.base.value("none"), room, strict=True):
        judge(worsts[0], got, right, value.dtype, slack)
    for i, grad in zip(loss.differentiable, grads, strict=True):
        rights = slopes(exact.base, tensors, i)
        entries = grad.double().reshape(-1).tolist()
        room = exact.slack(partial(slopes, tensors=tensors, which=i)) or [mpf(0)] * len(entries)
        for got, right, slack in zip(entries, rights, room, strict=True):
            judge(worsts[1], got, right, grad.dtype, slack)


def slopes(answer: Answer, tensors: tuple[Tensor, ...], which: int) -> list[Any]:
    """The exact gradient of the sum for one tensor."""
    return answer.gradient("sum", tensors)[which]


def cells() -> Iterator[Cell]:
    """Every loss, dtype and regime, in the order of the table."""
    for loss in LOSSES:
        for which in range(len(FLOATS)):
            for regime in loss.regimes:
                yield loss.name, which, regime


def page(results: dict[Cell, Measured], items: int, entries: int) -> str:
    """The page, from the measurements alone: no date and no timing, so that runs agree."""
    lines = [
        "# Accuracy certificate",
        "",
        "Made by `make certificate`; do not edit. Every number below is the worst of its cell.",
        "",
        f"**{items:,} losses and {entries:,} gradient entries**, each compared with mpmath at 360",
        "working digits on the exact floating-point inputs (`tests/oracles`; no faster reference",
        "stands in between). The oracles are themselves held to finite differences, to torch where",
        "torch is right, and to planted faults (`tests/oracles/test_oracles.py`,",
        "`tests/meta/test_planted.py`). CPU, torch "
        f"{torch.__version__.partition('+')[0]}, seeds fixed, `reduction='none'`; upstream",
        "gradient 1.",
        "",
        "- *value*, *gradient*: largest relative error over all items, or all gradient entries",
        "  for every differentiable input. The promise: 1e-5 in float32, 1e-13 in float64,",
        f"  one rounding in bfloat16 ({2.0**-8:.1e}) and float16 ({2.0**-11:.1e}).",
        "- **NaN**, **infinite**, **finite** (where the answer is infinite), **wrong sign**, **0**",
        "  (where the answer is a normal number), **not 0**: failures that no relative error",
        "  describes, with the number of entries that have one.",
        "- *not offered*: torch has no kernel for this dtype on CPU.",
        "- torch documents Stirling's approximation for `poisson_nll_loss` in full, a clamp for",
        "  `binary_cross_entropy`, an eps for `cosine_embedding_loss`, and for `ctc_loss` it gives",
        "  the gradient of the scores behind a log_softmax; the exact number judges all four.",
        "- Answers below the smallest normal number of the dtype may be flushed to 0.",
        "",
        "## What conditioning allows",
        "",
        "float32 is computed in float64 wherever a difference of nearly equal numbers occurs, so",
        "its columns count every entry, however badly conditioned. The one exception is",
        "`linear_cross_entropy`, whose logits are a float32 matrix product.",
        "float64 has nothing wider, and half precision is computed in float32. There an entry is",
        "called *cancelling* if moving every input by four units of that arithmetic's last place",
        "moves the exact answer by more than a quarter of the promise: no algorithm without a",
        "wider type gives its digits. Cancelling entries are left out of the first columns and",
        "counted in the last two: how many there are, and the worst error as a multiple of that",
        "movement (below 1: as good as the inputs allow).",
        "",
    ]
    for which, dtype in enumerate(FLOATS):
        lines += table(results, which, dtype)
    lines += compiled_tables(results)
    lines += ["## The grid", "", "| loss | inputs | regimes |", "|---|---|---|"]
    lines += [f"| `{s.name}` | {s.domain} | {', '.join(s.regimes)} |" for s in LOSSES]
    lines += ["", "The generators are in `tests/inputs.py`, the options in `tests/cases.py`.", ""]
    return "\n".join(lines)


def table(results: dict[Cell, Measured], which: int, dtype: torch.dtype) -> list[str]:
    """One dtype: a row per loss."""
    lines = [
        f"## {str(dtype).removeprefix('torch.')}",
        "",
        "| loss | value | gradient | torch: value | torch: gradient | cancelling | their error |",
        "|---|---|---|---|---|---|---|",
    ]
    for loss in LOSSES:
        row = Measured()
        for regime in loss.regimes:
            row.merge(results[loss.name, which, regime])
        hard = sum(w.hard_entries for w in row.ours)
        error = max(w.hard_error for w in row.ours)
        texts = [w.text() for w in (*row.ours, *row.torchs)]
        texts += [f"{hard:,}", f"{error:.2f}" if hard else ""]
        lines.append(f"| `{loss.name}` | " + " | ".join(texts) + " |")
    return [*lines, ""]


def compiled_tables(results: dict[Cell, Measured]) -> list[str]:
    """The same cases through the compiled loops that serve large tensors."""
    lines = [
        "## Compiled loops",
        "",
        "Tensors above 2**15 entries run through compiled loops where a loss has them. The same",
        "cases, sent through these: value / gradient.",
        "",
        "| loss | " + " | ".join(str(d).removeprefix("torch.") for d in FLOATS) + " |",
        "|---|" + "---|" * len(FLOATS),
    ]
    for loss in LOSSES:
        texts = []
        for which in range(len(FLOATS)):
            row = Measured()
            for regime in loss.regimes:
                row.merge(results[loss.name, which, regime])
            texts.append(" / ".join(w.text() for w in row.compiled))
        if any("not offered" not in text for text in texts):
            lines.append(f"| `{loss.name}` | " + " | ".join(texts) + " |")
    return [*lines, ""]


def write(path: Path, text: str) -> None:
    """Replace the page in one step, so that no half-written one is ever read."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        file.write(text)
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)


def broken(results: dict[Cell, Measured]) -> list[str]:
    """The cells in which Lossary misses its promise."""
    missed = []
    for (name, which, regime), found in results.items():
        kinds = ("value", "gradient", "compiled value", "compiled gradient")
        for what, worst in zip(kinds, (*found.ours, *found.compiled), strict=True):
            if worst.failures or worst.error > PROMISE[FLOATS[which]]:
                missed.append(f"{name} {FLOATS[which]} {regime} {what}: {worst.text()}")
    return missed


def main() -> int:
    """Measure, write, and say whether the promise held: 0 if it did, 1 if not."""
    todo, start = list(cells()), time.monotonic()
    results: dict[Cell, Measured] = {}
    with multiprocessing.get_context("spawn").Pool(min(2, os.cpu_count() or 1)) as pool:
        for done, (cell, found) in enumerate(pool.imap_unordered(measure, todo), 1):
            results[cell] = found
            if done % 50 == 0 or done == len(todo):
                seconds = time.monotonic() - start
                print(f"{done} of {len(todo)} cells, {seconds:.0f} s", file=sys.stderr, flush=True)
    ordered = {cell: results[cell] for cell in todo}
    items = sum(m.items for m in ordered.values())
    entries = sum(m.ours[1].entries + m.ours[1].hard_entries for m in ordered.values())
    write(PAGE, page(ordered, items, entries))
    missed = broken(ordered)
    print(f"{PAGE.relative_to(ROOT)}: {items:,} losses, {entries:,} slopes", file=sys.stderr)
    for line in missed:
        print(f"missed: {line}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
