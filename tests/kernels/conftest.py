"""What tests of kernels share."""

import pytest

from lossary.kernels import express


@pytest.fixture
def only_small_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send tensors that are not small to the loops, where tests of the loops can be quick."""
    monkeypatch.setitem(express.MOST_ENTRIES, "hard_medium", 0)
