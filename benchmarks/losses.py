"""Time and memory of every loss beside torch's: forward and backward, as ratios in one run.

Calls alternate between the two, so that whatever else the machine does meets both alike;
the table shows medians and their ratio. Memory is the growth of the process's peak resident
size over one forward and backward. Machines are noisy: read ratios, not milliseconds.

    python benchmarks/losses.py [--rounds 21] [--only NAME ...] [--csv FILE]
"""

import argparse
import csv
import io
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as torch_functional
from torch import Tensor

import lossary.functional as lossary_functional
from lossary.bench.clock import milliseconds
from lossary.bench.machine import describe
from lossary.bench.memory import peak_bytes
from lossary.bench.text import machine_line
from lossary.bench.words import Words
from lossary.console.whole import write_whole

SHAPES = ((65_536, 10), (2_000, 1_000))


@dataclass(frozen=True)
class Case:
    """One loss on one set of tensors; gradients go to the first of them."""

    name: str
    function: str
    tensors: tuple[Tensor, ...]
    options: dict[str, Any]

    def step(self, module: Any) -> Callable[[], None]:
        """A forward and backward pass through one module's function."""
        function = getattr(module, self.function)

        def run() -> None:
            self.tensors[0].grad = None
            function(*self.tensors, **self.options).backward()

        return run


def cases(rows: int, classes: int) -> list[Case]:
    torch.manual_seed(0)
    x, r = torch.randn(rows, classes).requires_grad_(), torch.randn(rows, classes)
    y = torch.randint(classes, (rows,))
    q = torch.randn(rows, classes).softmax(1)
    hard = (torch.rand(rows, classes) < 0.1).float()
    sign, pair = hard * 2 - 1, (y % 2 * 2 - 1)
    log_p = torch.randn(rows, classes).log_softmax(1).requires_grad_()
    p = torch.rand(rows, classes).requires_grad_()
    weight, batch = torch.rand(classes), {"reduction": "batchmean"}
    labels = torch.full((rows, classes), -1)
    labels[:, 0], labels[:, 1] = y, (y + 1) % classes
    table: list[tuple[str, str, tuple[Tensor, ...], dict[str, Any]]] = [
        ("cross-entropy", "cross_entropy", (x, y), {}),
        ("cross-entropy, weighted", "cross_entropy", (x, y), {"weight": weight}),
        ("cross-entropy, smoothed", "cross_entropy", (x, y), {"label_smoothing": 0.1}),
        ("cross-entropy, soft", "cross_entropy", (x, q), {}),
        ("nll", "nll_loss", (log_p, y), {}),
        ("bce", "binary_cross_entropy", (p, hard), {}),
        ("bce with logits", "binary_cross_entropy_with_logits", (x, hard), {}),
        (
            "  with pos_weight",
            "binary_cross_entropy_with_logits",
            (x, hard),
            {"pos_weight": weight},
        ),
        ("kl_div", "kl_div", (log_p, q), batch),
        ("kl_div, log target", "kl_div", (log_p, q.log()), {**batch, "log_target": True}),
        ("mse", "mse_loss", (x, r), {}),
        ("l1", "l1_loss", (x, r), {}),
        ("smooth l1", "smooth_l1_loss", (x, r), {}),
        ("huber", "huber_loss", (x, r), {}),
        ("poisson nll", "poisson_nll_loss", (x, q), {}),
        ("gaussian nll", "gaussian_nll_loss", (x, r, q), {}),
        ("soft margin", "soft_margin_loss", (x, sign), {}),
        ("multilabel soft margin", "multilabel_soft_margin_loss", (x, hard), {}),
        ("multi margin", "multi_margin_loss", (x, y), {}),
        ("multilabel margin", "multilabel_margin_loss", (x, labels), {}),
        ("hinge embedding", "hinge_embedding_loss", (x, sign), {}),
        ("margin ranking", "margin_ranking_loss", (x, r, sign), {}),
        ("cosine embedding", "cosine_embedding_loss", (x, r, pair), {}),
        ("triplet margin", "triplet_margin_loss", (x, r, q), {}),
    ]
    return [Case(*row) for row in table]


def ctc_case() -> Case:
    torch.manual_seed(0)
    log_p = torch.randn(200, 16, 64).log_softmax(2).requires_grad_()
    targets = torch.randint(1, 64, (16, 40))
    lengths = (torch.full((16,), 200), torch.full((16,), 40))
    return Case("ctc (200 x 16 x 64)", "ctc_loss", (log_p, targets, *lengths), {})


def peak_megabytes(step: Callable[[], None], case: Case) -> float | None:
    """What one step takes at its highest; the last one's gradient is dropped first."""
    case.tensors[0].grad = None
    peak = peak_bytes(step)
    return None if peak is None else round(peak / 1e6, 1)


def measure(case: Case, rounds: int, shape: str) -> dict[str, Any]:
    steps = [case.step(torch_functional), case.step(lossary_functional)]
    (theirs, ours), _ = milliseconds(steps, rounds)
    their_peak, our_peak = (peak_megabytes(step, case) for step in steps)
    return {
        "shape": shape,
        "loss": case.name,
        "torch_ms": round(theirs, 3),
        "lossary_ms": round(ours, 3),
        "time_ratio": round(ours / theirs, 2),
        "torch_peak_mb": their_peak,
        "lossary_peak_mb": our_peak,
    }


def show(row: dict[str, Any]) -> None:
    peaks = (row["torch_peak_mb"], row["lossary_peak_mb"])
    memory = "".join(f"{'-' if peak is None else peak:>10}" for peak in peaks)
    print(
        f"{row['shape']:>13}  {row['loss']:<24}{row['torch_ms']:>9.2f}{row['lossary_ms']:>9.2f}"
        f"{row['time_ratio']:>7.2f}{memory}",
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=21, help="timed calls of each (21)")
    parser.add_argument("--only", nargs="*", default=None, help="names of losses, or their parts")
    parser.add_argument("--csv", type=Path, default=None, help="write the rows to this file")
    wishes = parser.parse_args()
    wanted = [(f"{n:,} x {c:,}", case) for n, c in SHAPES for case in cases(n, c)]
    wanted.append(("", ctc_case()))
    if wishes.only:
        wanted = [(s, c) for s, c in wanted if any(part in c.name for part in wishes.only)]
    if not wanted:
        print(
            "No loss of that name; --only takes parts of the names in the table.", file=sys.stderr
        )
        return 2
    print(f"{machine_line(describe('cpu'), Words('en'))}; float32, forward + backward\n")
    print(f"{'':>13}  {'':<24}{'torch':>9}{'Lossary':>9}{'ratio':>7}{'torch':>10}{'Lossary':>10}")
    print(f"{'shape':>13}  {'loss':<24}{'ms':>9}{'ms':>9}{'':>7}{'peak MB':>10}{'peak MB':>10}")
    rows = []
    for shape, case in wanted:
        rows.append(measure(case, wishes.rounds, shape))
        show(rows[-1])
    if wishes.csv is not None:
        file, machine = io.StringIO(), asdict(describe("cpu"))
        writer = csv.DictWriter(file, [*rows[0], *machine], lineterminator="\n")
        writer.writeheader()
        writer.writerows(row | machine for row in rows)
        write_whole(wishes.csv, file.getvalue())
    return 0


if __name__ == "__main__":
    sys.exit(main())
