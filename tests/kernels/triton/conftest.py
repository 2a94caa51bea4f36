"""Triton asked for by name, in its interpreter, which computes with numpy and lets it warn.

``LOSSARY_TEST_DEVICE=cuda TRITON_INTERPRET=0`` runs the same tests on a GPU.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pytest
import torch

pytest.importorskip("triton", reason="the extra gpu is not installed")


@pytest.fixture(autouse=True)
def by_name(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    device = os.environ.get("LOSSARY_TEST_DEVICE", "cpu")
    if device == "cpu" and os.environ.get("TRITON_INTERPRET") != "1":
        pytest.skip("TRITON_INTERPRET=1 was not set")
    monkeypatch.setenv("LOSSARY_KERNELS", "triton")
    with np.errstate(all="ignore"), torch.device(device):
        yield


@pytest.fixture(params=["one block", "many blocks"])
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows held whole, and rows that take many blocks, the last one not full."""
    from lossary.kernels.triton import _launch

    if request.param == "many blocks":
        monkeypatch.setattr(_launch, "ON_CHIP_BYTES", 0)
        names = "READ_ONCE", "TWICE", "STREAMED", "STREAMED_WIDE", "TOKENS", "SLOPES", "SLOPES_WIDE"
        for name in names:
            monkeypatch.setattr(_launch, name, 512)
