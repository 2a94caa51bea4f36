"""Monitors in processes of their own: what all ranks report is what one process would."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch.distributed

RANKS = 3
PROGRAM = """
import sys

import torch
import torch.distributed as dist

import lossary

place, rank, ranks, case = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
dist.init_process_group("gloo", init_method=f"file://{place}", rank=rank, world_size=ranks)
generator = torch.Generator().manual_seed(1)
x = 3 * torch.randn(500, 7, generator=generator)
y = torch.randint(7, (500,), generator=generator)
shares = [x[:100], x[100:500], x[:0]], [y[:100], y[100:500], y[:0]]
monitor = lossary.Monitor(torch.nn.CrossEntropyLoss(label_smoothing=0.1))
if case == "classes differ" and rank == 1:
    monitor(torch.zeros(2, 3), torch.tensor([0, 1]))
elif len(shares[0][rank]):  # the last rank meets nothing
    monitor(shares[0][rank], shares[1][rank])
try:
    found = monitor.report(all_ranks=True)
except lossary.core.errors.OptionError as error:
    print(error)
    sys.exit(0 if case == "classes differ" else 1)
alone = lossary.Monitor(torch.nn.CrossEntropyLoss(label_smoothing=0.1))
alone(x, y)
whole = alone.report()
assert found.count == whole.count, (found.count, whole.count)
assert abs(found.mean - whole.mean) <= 1e-12 * whole.mean
assert abs(found.classification.brier - whole.classification.brier) < 1e-12
assert found.classification.accuracy == whole.classification.accuracy
assert [c.examples for c in found.classification.confusion] == [
    c.examples for c in whole.classification.confusion
]
print("same")
"""


@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch was built without it")
@pytest.mark.parametrize("case", ["same", "classes differ"])
def test_all_ranks_report_what_one_process_would(case: str, tmp_path: Path) -> None:
    script, place = tmp_path / "rank.py", tmp_path / "meeting"
    script.write_text(PROGRAM)
    given = [sys.executable, str(script), str(place)]
    running = [
        subprocess.Popen(
            [*given, str(rank), str(RANKS), case],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(RANKS)
    ]
    for process in running:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert case.split()[0] in out
