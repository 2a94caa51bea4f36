"""Rows that are nearly equal but for an outcome of tiny probability, which moves far."""

import pytest
import torch

from lossary.core.distributions import Logits
from tests.information import oracle
from tests.information.measures import TWO, Case
from tests.information.test_exact import assert_close

INF = float("inf")
ROWS = [
    ([0.5, -60.0, 0.9], [0.6, -50.0, 1.0]),
    ([0.5, -50.0, 0.9], [0.6, -60.0, 1.0]),
    ([0.0, 1e-12, -80.0], [2e-12, 0.0, -95.0]),
    ([0.0, 1e-9, -40.0, -INF], [2e-9, 0.0, -INF, -45.0]),
    ([0.0, 1e-3, -900.0, -30.0], [2e-3, 0.0, -30.0, -900.0]),
]
# The bounded ones, and the divergences that a far mover leaves finite.
CASES = [case for case in TWO if case.name not in ("cross_entropy", "alpha_divergence 5.0")]


@pytest.mark.parametrize("rows", ROWS, ids=range(len(ROWS)))
@pytest.mark.parametrize("case", CASES, ids=str)
def test_values(case: Case, rows: tuple[list[float], list[float]]) -> None:
    for dtype, tolerance in ((torch.float32, 1e-5), (torch.float64, 1e-9)):
        x, y = (torch.tensor(row, dtype=dtype) for row in rows)
        p, q = (oracle.probabilities("logits", t.tolist()) for t in (x, y))
        assert_close(case(Logits(x), Logits(y)).reshape(1), [case.oracle(p, q)[0]], tolerance)
