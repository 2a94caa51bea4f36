"""Everything here needs a GPU and its Triton: `TRITON_INTERPRET=0 pytest tests/cuda`."""

from __future__ import annotations

import os

import pytest
import torch


@pytest.fixture(autouse=True)
def on_a_gpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    if os.environ.get("TRITON_INTERPRET") == "1":
        pytest.skip("TRITON_INTERPRET=0 was not set before the tests began")
