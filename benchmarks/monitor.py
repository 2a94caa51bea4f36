"""What a monitor costs beside the loss that it wraps: calls take turns, medians are compared.

Between a loss and the same loss monitored lies less than a machine's noise, so that the loss alone
is measured twice: what its two medians differ by is how far the others can be trusted.

    python benchmarks/monitor.py [--rounds 100] [--csv FILE]
"""

import argparse
import csv
import io
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

import lossary
from lossary.bench.clock import milliseconds
from lossary.bench.machine import describe
from lossary.bench.text import machine_line
from lossary.bench.words import Words
from lossary.console.whole import write_whole

SHAPES = ((2_000, 1_000), (1_024, 32_000), (32_000, 100), (128, 10))
# A monitor looks at each sixteenth call of a large loss, so that sixteen calls are timed together.
CALLS = 16
SECONDS = 20.0
LOSSES = {"torch": torch.nn.CrossEntropyLoss, "lossary": lossary.nn.CrossEntropyLoss}


def step(loss: torch.nn.Module, x: torch.Tensor, y: torch.Tensor) -> Callable[[], None]:
    """Forward and backward passes."""

    def run() -> None:
        for _ in range(CALLS):
            x.grad = None
            loss(x, y).backward()

    return run


def forward(loss: torch.nn.Module, x: torch.Tensor, y: torch.Tensor) -> Callable[[], None]:
    """The loss, with what it keeps for its gradient."""

    def run() -> None:
        for _ in range(CALLS):
            loss(x, y)

    return run


def measure(rows: int, classes: int, kind: str, what: Any, rounds: int) -> dict[str, Any]:
    torch.manual_seed(0)
    x, y = torch.randn(rows, classes, requires_grad=True), torch.randint(classes, (rows,))
    loss = LOSSES[kind]()
    monitor = lossary.Monitor(loss)
    for _ in range(5):  # the kernel is compiled, or read from the disk
        monitor(x, y)
    steps = [what(loss, x, y), what(monitor, x, y), what(loss, x, y)]
    (alone, monitored, again), count = milliseconds(steps, rounds, SECONDS)
    base = (alone + again) / 2
    return {
        "shape": f"{rows:,} x {classes:,}",
        "loss": kind,
        "timed": "step" if what is step else "forward",
        "loss_ms": round(base / CALLS, 4),
        "monitored_ms": round(monitored / CALLS, 4),
        "added_share": round(monitored / base - 1, 4),
        "noise_share": round(abs(alone - again) / base, 4),
        "rounds": count,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=100, help="timed turns of 16 calls (100)")
    parser.add_argument("--csv", type=Path, default=None, help="write the rows to this file")
    wishes = parser.parse_args()
    machine = describe("cpu")
    print(f"{machine_line(machine, Words('en'))}; float32\n")
    print(f"{'shape':>14}  {'loss':<8}{'timed':<8}{'alone ms':>10}{'added':>9}{'noise':>9}")
    rows = []
    for shape in SHAPES:
        for kind in LOSSES:
            for what in (step, forward):
                row = measure(*shape, kind, what, wishes.rounds)
                rows.append(row)
                print(
                    f"{row['shape']:>14}  {kind:<8}{row['timed']:<8}{row['loss_ms']:>10.3f}"
                    f"{row['added_share']:>9.1%}{row['noise_share']:>9.1%}",
                    flush=True,
                )
    if wishes.csv is not None:
        file = io.StringIO()
        writer = csv.DictWriter(file, [*rows[0], *asdict(machine)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(row | asdict(machine) for row in rows)
        write_whole(wishes.csv, file.getvalue())
    return 0


if __name__ == "__main__":
    sys.exit(main())
