"""Softmax collapse: what float32 drops from a cross-entropy, and what then becomes of the training.

A small network learns a + b mod 59 from 70 % of all pairs, full batch, without weight decay. Soon
every training pair is right, and the loss can fall only by making right answers surer. Four runs
start from the same weights and see the same pairs; only the loss and its arithmetic differ:

    torch float32      torch.nn.functional.cross_entropy
    Lossary float32    lossary.functional.cross_entropy
    StableMax float32  s(x) in place of exp(x): Prieto et al. (2025), arXiv 2501.04697
    torch float64      torch.nn.functional.cross_entropy, the whole network in float64

    python examples/softmax_collapse.py    # 60,000 steps of each: 10 to 30 minutes on one core
    python examples/softmax_collapse.py --redraw examples/results/softmax_collapse.csv

The figure goes to --out, and the table of every row beside it under the same name, in .csv, unless
--csv names another place. Folders that are missing are made.
"""

import argparse
import csv
import importlib.util
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import softmax_report as report
import torch
import torch.nn.functional as torch_functional
from softmax_report import NAMES, OURS, STABLEMAX, THEIRS, WIDE, Row
from torch import Tensor

import lossary.functional as lossary_functional

P, WIDTH, TRAINED_ON, RATE = 59, 200, 0.7, 1e-3


def stablemax(x: Tensor) -> Tensor:
    """s(x): x + 1 from 0 on, 1 / (1 - x) below; the clamp keeps 1 / 0 out of the gradient."""
    return torch.where(x >= 0, x + 1, 1 / (1 - x.clamp(max=0)))


def stablemax_cross_entropy(x: Tensor, y: Tensor) -> Tensor:
    """The mean of -log(s_y / sum_k s_k), step by step as it is written."""
    s = stablemax(x)
    return torch_functional.nll_loss((s / s.sum(1, keepdim=True)).log(), y)


def exact_cross_entropy(x: Tensor, y: Tensor) -> Tensor:
    """The mean of log(1 + sum of exp(x_k - x_y) over k other than y): no 1 swallows the sum."""
    y = y.unsqueeze(1)
    others = (x - x.gather(1, y)).scatter(1, y, -torch.inf).logsumexp(1)
    return torch.logaddexp(torch.zeros_like(others), others).mean()


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    THEIRS: torch_functional.cross_entropy,
    OURS: lossary_functional.cross_entropy,
    STABLEMAX: stablemax_cross_entropy,
    WIDE: torch_functional.cross_entropy,
}


def pairs(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Counts of a and b, and a + b mod P, to train on and to test on.

    Pairs have no order: tested on (b, a) after training on (a, b), a sum of embeddings cannot fail.
    """
    each = torch.combinations(torch.arange(P), with_replacement=True)
    each = each[torch.randperm(len(each), generator=torch.Generator().manual_seed(seed))]
    x, y = torch_functional.one_hot(each, P).sum(1).float(), each.sum(1) % P
    cut = int(TRAINED_ON * len(each))
    return x[:cut], y[:cut], x[cut:], y[cut:]


def network(seed: int) -> torch.nn.Sequential:
    """Two layers; of counts, the first makes the sum of two embeddings."""
    torch.manual_seed(seed)
    first, second = torch.nn.Linear(P, WIDTH), torch.nn.Linear(WIDTH, P)
    return torch.nn.Sequential(first, torch.nn.ReLU(), second)


def train(run: str, steps: int, every: int, seed: int) -> Iterator[Row]:
    """Train; at step 0, at every so many and at the last, say where the run stands."""
    dtype = torch.float64 if run == WIDE else torch.float32
    x, y, test_x, test_y = pairs(seed)
    x, test_x, model = x.to(dtype), test_x.to(dtype), network(seed).to(dtype)
    # An eps of AdamW's usual size would itself stop weights whose gradients are smaller.
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, eps=1e-30, weight_decay=0)
    for step in range(steps + 1):
        optimizer.zero_grad()
        logits = model(x)
        logits.retain_grad()
        loss = LOSSES[run](logits, y)
        loss.backward()
        if step % every == 0 or step == steps:
            assert logits.grad is not None
            absorbed = (logits.grad.gather(1, y.unsqueeze(1)) == 0).double().mean().item()
            accuracy = (model(test_x).argmax(1) == test_y).double().mean().item()
            logits, norm = logits.detach().double(), gradient_norm(model)
            exact, mean = exact_loss(run, logits, y), logits.mean().item()
            yield Row(run, step, loss.item(), exact, norm, absorbed, mean, accuracy)
        optimizer.step()


def exact_loss(run: str, logits: Tensor, y: Tensor) -> float:
    """A run's loss of logits in float64. StableMax's is the cross-entropy of log s(x)."""
    scores = stablemax(logits).log() if run == STABLEMAX else logits
    return exact_cross_entropy(scores, y).item()


def gradient_norm(model: torch.nn.Module) -> float:
    """Squared and summed in float64: in float32 the square of 1e-25 is 0."""
    gradients = [p.grad.double() for p in model.parameters() if p.grad is not None]
    return math.sqrt(sum(g.square().sum().item() for g in gradients))


def train_all(steps: int, every: int, seed: int) -> list[Row]:
    """All runs, one after the other, with progress on stderr: live on a terminal only."""
    rows, live = [], sys.stderr.isatty()
    for run in NAMES:
        for row in train(run, steps, every, seed):
            rows.append(row)
            if live:
                text = f"{run}: step {row.step:,} of {steps:,}, loss {row.reported_loss:.1e}"
                print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
        print(
            "\r\x1b[K" * live + f"{run}: {steps:,} step{'s' * (steps > 1)} done",
            file=sys.stderr,
            flush=True,
        )
    return rows


def number_from(least: int) -> Any:
    """A whole number of at least so much, for argparse."""

    def whole(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) < 2**63:
            raise argparse.ArgumentTypeError(f"expected a whole number from {least}, got {text!r}")
        return int(text)

    return whole


def options(arguments: list[str] | None) -> argparse.Namespace:
    """What was asked for; wrong use ends with 2 and says what to do, before any training."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=number_from(1), default=60_000, help="of each run")
    parser.add_argument("--every", type=number_from(1), default=200, help="steps between rows")
    parser.add_argument("--seed", type=number_from(0), default=0, help="of weights and split")
    out = "png, svg or pdf; default: out/softmax_collapse.png"
    parser.add_argument("--out", type=Path, metavar="FIGURE", help=out)
    table = "every row written down; default: beside the figure, with its name in .csv"
    parser.add_argument("--csv", type=Path, metavar="FILE", help=table)
    parser.add_argument("--redraw", type=Path, metavar="CSV", help="draw this table: no training")
    asked = parser.parse_args(arguments)
    if asked.redraw and asked.csv:
        parser.error("--redraw reads a table and trains nothing: leave out --csv")
    asked.out = asked.out or Path("out/softmax_collapse.png")
    asked.csv = asked.csv or (None if asked.redraw else asked.out.with_suffix(".csv"))
    for option, path, name in (("--out", asked.out, "png"), ("--csv", asked.csv, "csv")):
        if path is not None and path.is_dir():
            fix = f"{option} {path / f'softmax_collapse.{name}'}"
            parser.error(f"{option} {path}: this is a folder; name a file in it: {fix}")
    if asked.out.suffix.lower() not in (".png", ".svg", ".pdf"):
        fix = f"--out {asked.out.with_suffix('.png')}"
        parser.error(f"--out {asked.out}: name a picture in .png, .svg or .pdf, such as {fix}")
    if asked.out == asked.csv:
        parser.error(f"--out and --csv both name {asked.out}: the table needs a file of its own")
    if importlib.util.find_spec("matplotlib") is None:
        parser.error('the figure needs matplotlib: pip install "lossary[plot]"')
    try:
        asked.rows = report.read_rows(asked.redraw) if asked.redraw else None
    except (OSError, ValueError, TypeError, csv.Error) as error:
        parser.error(f"cannot redraw {asked.redraw}: {error}")
    for path in filter(None, (asked.out, asked.csv)):
        try:
            report.refuse_unwritable(path)
        except OSError as error:
            parser.error(f"cannot write {path}: {error.strerror}; choose another place")
    for path in filter(None, (asked.out, asked.csv)):
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True)
            print(f"made the folder {path.parent}", file=sys.stderr)
    return asked


def main(arguments: list[str] | None = None) -> int:
    """Train or read, write the rows and the figure, and say what came out."""
    asked = options(arguments)
    torch.set_num_threads(1)  # a second one would gain nothing here
    rows = asked.rows or train_all(asked.steps, asked.every, asked.seed)
    print(report.table(rows), report.conclusion(rows), sep="\n\n", flush=True)
    try:
        if asked.csv:
            report.write_whole(asked.csv, report.csv_text(rows).encode())
        report.write_whole(asked.out, report.picture(rows, asked.out.suffix[1:].lower()))
    except OSError as error:
        print(f"error: cannot write: {error}", file=sys.stderr)
        return 2
    print(f"\nwritten: {', '.join(str(path) for path in (asked.csv, asked.out) if path)}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        sys.exit(130)
