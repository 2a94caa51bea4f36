"""Places beyond 2**31 are found: by the sources' shape, and on memory that is never touched."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

import lossary.functional as F

SOURCES = Path(__file__).resolve().parents[3] / "src" / "lossary" / "kernels" / "triton"
NARROW = re.compile(r"tl\.program_id\(\d\)(?!\.to\(tl\.int64\))")


def test_a_program_counts_in_64_bits() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in SOURCES.glob("*.py")}
    assert sum("tl.program_id" in text for text in texts.values()) >= 7
    assert not [name for name, text in texts.items() if NARROW.search(text)]
    assert NARROW.search("i = tl.program_id(0)\n")


@pytest.mark.slow
def test_rows_two_to_the_31_entries_apart() -> None:
    stride = 2**31 + 64
    memory = torch.empty(stride + 64, dtype=torch.bfloat16)
    x = memory.as_strided((2, 40), (stride, 1))
    x.copy_(torch.randn(2, 40))
    y = torch.tensor([3, 7])
    expected = torch.nn.functional.cross_entropy(x.float(), y, reduction="none")
    found = F.cross_entropy(x, y, reduction="none")
    torch.testing.assert_close(found, expected.bfloat16(), rtol=8e-3, atol=0)
