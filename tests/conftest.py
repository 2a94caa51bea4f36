"""What every test runs under: one thread, default value checks, a fixed seed, no waiting."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from lossary.core import checks
from lossary.kernels import express

ROOT = Path(__file__).resolve().parents[1]


def compiled_cache() -> Path:
    """A cache of compiled kernels for this state of their sources, and no other."""
    sources = sorted((ROOT / "src/lossary/kernels/cpu").glob("*.py"))
    state = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    return ROOT / ".pytest_cache" / "kernels" / state[:16]


# Triton asks at its own import, which torch's compiler may cause, whether it interprets.
os.environ.setdefault("TRITON_INTERPRET", "1")
os.environ.setdefault("NUMBA_CACHE_DIR", str(compiled_cache()))


@pytest.fixture(autouse=True)
def plain_world() -> Iterator[None]:
    """One thread (blocks are chosen by size, not by threads), and no state left behind."""
    threads, mode = torch.get_num_threads(), checks.value_check_mode()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    # Compiled from the first call on, so that no number depends on which tests ran before.
    patience, express.PATIENCE = express.PATIENCE, 0
    yield
    express.PATIENCE = patience
    torch.set_num_threads(threads)
    checks.value_checks(mode)
