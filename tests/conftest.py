"""What every test runs under: one thread, default value checks, a fixed seed."""

from collections.abc import Iterator

import pytest
import torch

from lossary.core import checks


@pytest.fixture(autouse=True)
def plain_world() -> Iterator[None]:
    """One thread (blocks are chosen by size, not by threads), and no state left behind."""
    threads, mode = torch.get_num_threads(), checks.value_check_mode()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)
    checks.value_checks(mode)
