"""Cross-entropy and linear cross-entropy beside torch's and the floor: time ratios in one run.

The floor of cross-entropy is to read the logits once and write a fresh gradient; that of linear
cross-entropy is its three matrix products. Calls take turns, and the table shows medians.

    python benchmarks/cross_entropy.py [--rounds 15] [--csv FILE]
"""

import argparse
import csv
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as torch_functional
from torch import Tensor

import lossary.functional as lossary_functional

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.losses import milliseconds

SHAPES = (
    (1_024, 32_000),
    (256, 128_256),
    (65_536, 10),
    (20_000, 100),
    (2_000, 1_000),
    (400, 5_000),
    (128, 10),
)
LINEAR = ((1_024, 512, 32_000),)
COLUMNS = ("loss", "shape", "dtype", "torch_ms", "lossary_ms", "floor_ms", "to_torch", "to_floor")

Step = Callable[[], None]


def cross_entropy_steps(rows: int, classes: int, dtype: torch.dtype) -> list[Step]:
    torch.manual_seed(0)
    x = torch.randn(rows, classes).to(dtype).requires_grad_()
    y = torch.randint(classes, (rows,))

    def step(module: Any) -> Step:
        def run() -> None:
            x.grad = None
            module.cross_entropy(x, y).backward()

        return run

    def floor() -> None:
        x.grad = None
        x.grad = torch.neg(x.detach())

    return [step(torch_functional), step(lossary_functional), floor]


def linear_steps(rows: int, width: int, classes: int) -> list[Step]:
    torch.manual_seed(0)
    x = torch.randn(rows, width, requires_grad=True)
    w = torch.randn(classes, width).mul(0.02).requires_grad_()
    y = torch.randint(classes, (rows,))

    def held() -> Tensor:
        return torch_functional.cross_entropy(torch_functional.linear(x, w), y)

    def chunked() -> Tensor:
        return lossary_functional.linear_cross_entropy(x, w, y)

    def step(loss: Callable[[], Tensor]) -> Step:
        def run() -> None:
            x.grad = w.grad = None
            torch.autograd.backward(loss())

        return run

    def products() -> None:
        scores = x.detach() @ w.detach().t()
        _ = scores @ w.detach(), scores.t() @ x.detach()

    return [step(held), step(chunked), products]


def row(loss: str, shape: tuple[int, ...], dtype: str, steps: list[Step], rounds: int) -> list[Any]:
    theirs, ours, floor = milliseconds(steps, rounds)
    times = [f"{t:.3f}" for t in (theirs, ours, floor)]
    ratios = [f"{ours / theirs:.2f}", f"{ours / floor:.2f}"]
    return [loss, " x ".join(f"{n:,}" for n in shape), dtype, *times, *ratios]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="timed calls of each (15)")
    parser.add_argument("--csv", type=Path, default=None, help="write the rows to this file")
    wishes = parser.parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {platform.machine()}\n")
    layout = "{:<22}{:>22}{:>10}" + "{:>13}" * 5
    print(layout.format(*COLUMNS))
    rows = []
    for dtype in (torch.float32, torch.bfloat16):
        for shape in SHAPES:
            steps, name = cross_entropy_steps(*shape, dtype), str(dtype).removeprefix("torch.")
            rows.append(row("cross_entropy", shape, name, steps, wishes.rounds))
            print(layout.format(*rows[-1]), flush=True)
    for linear in LINEAR:
        steps = linear_steps(*linear)
        rows.append(row("linear_cross_entropy", linear, "float32", steps, wishes.rounds))
        print(layout.format(*rows[-1]), flush=True)
    if wishes.csv is not None:
        with wishes.csv.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerows([COLUMNS, *rows])
    return 0


if __name__ == "__main__":
    sys.exit(main())
