"""The losses of a language model's last layer on a GPU, at the sizes of real ones.

Ours beside torch's eager and compiled losses, Liger-Kernel where it imports, and the floor: the
time in which the GPU copies as many bytes as must be read and written once, or makes the matrix
products without which there is no gradient. Steps take turns; the table shows medians of the time
between two marks that the GPU itself passes: while it works, the next step is already being sent.

    python benchmarks/language_models.py [--rounds 15] [--only NAME ...] [--csv FILE]
"""

import argparse
import csv
import io
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as torch_functional
from torch import Tensor

import lossary.functional as lossary_functional
from lossary.bench.machine import describe
from lossary.bench.memory import peak_bytes
from lossary.bench.text import machine_line
from lossary.bench.words import Words
from lossary.console.whole import write_whole
from lossary.core.distributions import Logits
from lossary.information.jensen_shannon import jensen_shannon_divergence
from lossary.information.kl_divergence import kl_divergence
from lossary.losses.token_statistics import token_statistics

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
Function = Callable[..., Tensor]


@dataclass(frozen=True)
class Case:
    """One loss at one size: how its tensors are made, and the functions that compute it.

    ``touched`` is how often the first tensor's bytes must be read or written; 0 means that the
    floor is made of matrix products instead.
    """

    name: str
    sizes: tuple[int, ...]
    dtype: str
    make: Callable[[tuple[int, ...], torch.dtype], tuple[Tensor, ...]]
    functions: dict[str, Function]
    touched: float
    backward: bool = True


def labelled(sizes: tuple[int, ...], dtype: torch.dtype) -> tuple[Tensor, ...]:
    """Logits and labels."""
    rows, classes = sizes
    x = torch.randn(rows, classes, device="cuda", dtype=dtype)
    return x, torch.randint(classes, (rows,), device="cuda")


def paired(sizes: tuple[int, ...], dtype: torch.dtype) -> tuple[Tensor, ...]:
    """Two tensors of logits."""
    return tuple(torch.randn(*sizes, device="cuda", dtype=dtype) for _ in range(2))


def marked(sizes: tuple[int, ...], dtype: torch.dtype) -> tuple[Tensor, ...]:
    """Logits and a yes or no for each."""
    x = torch.randn(*sizes, device="cuda", dtype=dtype)
    return x, (torch.rand(*sizes, device="cuda") < 0.1).to(dtype)


def headed(sizes: tuple[int, ...], dtype: torch.dtype) -> tuple[Tensor, ...]:
    """Hidden states, the matrix of the last layer, labels."""
    rows, width, classes = sizes
    x = torch.randn(rows, width, device="cuda", dtype=dtype)
    matrix = torch.randn(classes, width, device="cuda", dtype=dtype) * width**-0.5
    return x, matrix.requires_grad_(), torch.randint(classes, (rows,), device="cuda")


def held(x: Tensor, matrix: Tensor, y: Tensor) -> Tensor:
    return torch_functional.cross_entropy(torch_functional.linear(x, matrix), y)


def of_tokens(x: Tensor, y: Tensor) -> Tensor:
    log_p = torch_functional.log_softmax(x.float(), 1)
    return log_p.gather(1, y[:, None]).sum() - (log_p.exp() * log_p).sum()


def kl_of_logits(x: Tensor, y: Tensor) -> Tensor:
    p, q = (torch_functional.log_softmax(t.float(), 1) for t in (x, y))
    return torch_functional.kl_div(q, p, reduction="batchmean", log_target=True)


def jensen_shannon(x: Tensor, y: Tensor) -> Tensor:
    p, q = (torch_functional.log_softmax(t.float(), 1) for t in (x, y))
    middle = torch.logaddexp(p, q) - torch.tensor(2.0).log()
    parts = (p.exp() * (p - middle)).sum(), (q.exp() * (q - middle)).sum()
    return (parts[0] + parts[1]) / (2 * len(x))


def compiled(function: Function) -> Function:
    torch.compiler.reset()
    made: Function = torch.compile(function, fullgraph=True, dynamic=False)
    return made


def liger(name: str) -> dict[str, Function]:
    """Liger-Kernel's function; nothing where it does not import."""
    try:
        functions = import_module("liger_kernel.transformers.functional")
    except ImportError:
        return {}
    return {"liger": getattr(functions, name)}


def smoothed(module: Any) -> Function:
    return lambda x, y: module.cross_entropy(x, y, label_smoothing=0.1)


def cases() -> Iterator[Case]:
    ours, theirs = lossary_functional, torch_functional
    plain: dict[str, Function] = {"lossary": ours.cross_entropy, "torch": theirs.cross_entropy}
    plain |= liger("liger_cross_entropy")
    large, half = (8_192, 128_256), "bfloat16"
    for dtype in DTYPES:
        more = {"compile": theirs.cross_entropy}
        yield Case("cross-entropy", large, dtype, labelled, plain | more, 2)
        for sizes in ((8_192, 50_257), (8_192, 32_000), (4_096, 1_000), (65_536, 10), (128, 10)):
            yield Case("cross-entropy", sizes, dtype, labelled, plain, 2)
    pair: dict[str, Function] = {"lossary": smoothed(ours), "torch": smoothed(theirs)}
    yield Case("cross-entropy, smoothed", large, half, labelled, pair, 2)
    pair = {"lossary": lambda x, y: token_statistics(x, y)[0], "torch": of_tokens}
    pair["compile"] = of_tokens
    yield Case("token statistics, forward", (8_192, 151_936), half, labelled, pair, 1, False)
    pair = {"lossary": lambda x, y: kl_divergence(Logits(x), Logits(y)).mean()}
    pair["torch"] = kl_of_logits
    yield Case("KL of logits", (4_096, 128_256), half, paired, pair, 3)
    pair = {"lossary": lambda x, y: jensen_shannon_divergence(Logits(x), Logits(y)).mean()}
    pair["torch"] = jensen_shannon
    yield Case("Jensen-Shannon of logits", (4_096, 128_256), half, paired, pair, 3)
    for dtype in DTYPES:
        name = "binary_cross_entropy_with_logits"
        pair = {"lossary": getattr(ours, name), "torch": getattr(theirs, name)}
        yield Case("BCE with logits", (8_192, 32_000), dtype, marked, pair, 3)
    heads: dict[str, Function] = {"lossary": ours.linear_cross_entropy, "torch": held}
    heads["compile"] = held
    for theirs_name, fused in liger("liger_fused_linear_cross_entropy").items():
        heads[theirs_name] = fused
    yield Case("linear cross-entropy", (8_192, 4_096, 128_256), half, headed, heads, 0)


def floor(case: Case, tensors: tuple[Tensor, ...]) -> tuple[Callable[[], None], float]:
    """A step of a GPU's bare work, and what its time is multiplied by."""
    if case.touched:
        x, out = tensors[0].detach(), torch.empty_like(tensors[0])

        def copy() -> None:
            out.copy_(x)

        return copy, case.touched / 2
    x, matrix = (t.detach() for t in tensors[:2])
    scores = x @ matrix.t()

    def products() -> None:
        torch.mm(x, matrix.t(), out=scores)
        _ = scores @ matrix, scores.t() @ x

    return products, 1.0


def step(case: Case, tensors: tuple[Tensor, ...], function: Function) -> Callable[[], None]:
    """The loss and, where it is asked for, fresh gradients."""

    def run() -> None:
        for t in tensors:
            t.grad = None
        with torch.set_grad_enabled(case.backward):
            loss = function(*tensors)
        if case.backward:
            loss.backward()

    return run


def milliseconds(steps: list[Callable[[], None]], rounds: int) -> list[float]:
    """The median time that the GPU takes from one step to the next."""
    marks: list[tuple[int, Any, Any]] = []
    for number in range(rounds + 2):
        for place in range(len(steps)):
            which = (number + place) % len(steps)
            begins, ends = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begins.record()
            steps[which]()
            ends.record()
            if number >= 2:
                marks.append((which, begins, ends))
    torch.cuda.synchronize()
    times: list[list[float]] = [[] for _ in steps]
    for which, begins, ends in marks:
        times[which].append(begins.elapsed_time(ends))
    return [statistics.median(own) for own in times]


def measure(case: Case, rounds: int) -> list[dict[str, Any]]:
    """Everybody's median time and peak memory at one size."""
    torch.manual_seed(0)
    torch.cuda.empty_cache()
    tensors = case.make(case.sizes, DTYPES[case.dtype])
    tensors[0].requires_grad_(case.backward)
    functions = dict(case.functions)
    if "compile" in functions:
        functions["compile"] = compiled(functions["compile"])
    steps, fates = {}, {}
    for name, function in functions.items():
        own = tensors
        if name == "liger":  # it writes the gradient over the logits it was given
            own = (tensors[0].detach().clone().requires_grad_(), *tensors[1:])
        made = step(case, own, function)
        try:
            made()
        except Exception as error:  # a peer that fails takes no part; ours must not
            if name == "lossary":
                raise
            fates[name] = type(error).__name__
            continue
        steps[name] = made
    bare, times = floor(case, tensors)
    found = milliseconds([*steps.values(), bare], rounds)
    by_name = dict(zip(steps, found, strict=False)) | {"floor": found[-1] * times}
    shape = " x ".join(f"{n:,}" for n in case.sizes)
    head: dict[str, Any] = {"loss": case.name, "shape": shape, "dtype": case.dtype}
    rows = []
    for name, ms in by_name.items():
        peak = peak_bytes(steps[name], "cuda") if name in steps else None
        rows.append(head | {
            "contender": name, "ms": round(ms, 4), "to_torch": round(ms / by_name["torch"], 3),
            "to_floor": round(ms / by_name["floor"], 3),
            "peak_mb": "" if peak is None else round(peak / 1e6, 1), "fate": "",
        })  # fmt: skip
    rest = {"ms": "", "to_torch": "", "to_floor": "", "peak_mb": ""}
    return rows + [head | {"contender": n, **rest, "fate": fate} for n, fate in fates.items()]


def show(row: dict[str, Any]) -> None:
    print(
        f"{row['loss']:<26}{row['shape']:<24}{row['dtype']:<9} {row['contender']:<8}"
        f"{row['ms']!s:>10}{row['to_torch']!s:>8}{row['to_floor']!s:>8}{row['peak_mb']!s:>10}"
        f"  {row['fate']}",
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="timed calls of each (15)")
    parser.add_argument("--only", nargs="*", default=None, help="names of losses, or their parts")
    parser.add_argument("--csv", type=Path, default=None, help="write the rows to this file")
    wishes = parser.parse_args()
    if not torch.cuda.is_available():
        print("No GPU is here; `lossary bench` measures on the CPU.", file=sys.stderr)
        return 2
    wanted = [c for c in cases() if not wishes.only or any(part in c.name for part in wishes.only)]
    if not wanted:
        print("No loss of that name; --only takes parts of the names in the table.",
              file=sys.stderr)  # fmt: skip
        return 2
    machine = describe("cuda")
    print(f"{machine_line(machine, Words('en'))}\n")
    print(f"{'':<68}{'ms':>10}{'x torch':>8}{'x floor':>8}{'peak MB':>10}")
    rows = []
    for case in wanted:
        found = measure(case, wishes.rounds)
        for row in found:
            show(row)
        rows += found
    if wishes.csv is not None:
        file = io.StringIO()
        writer = csv.DictWriter(file, [*rows[0], *asdict(machine)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(row | asdict(machine) for row in rows)
        write_whole(wishes.csv, file.getvalue())
    return 0


if __name__ == "__main__":
    sys.exit(main())
