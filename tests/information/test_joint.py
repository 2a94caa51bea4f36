"""Mutual information and conditional entropy of a table against their oracles."""

from collections.abc import Callable

import pytest
import torch
from mpmath import mp, mpf
from torch import Tensor

from lossary import information as info
from lossary.core.distributions import Logits, Probs
from tests.information import oracle
from tests.information.test_exact import assert_close

TableOracle = Callable[[list[list[mpf]]], tuple[mpf, list[list[mpf]]]]
MEASURES = [
    pytest.param(info.mutual_information, oracle.mutual_information, id="mutual"),
    pytest.param(info.conditional_entropy, oracle.conditional_entropy, id="conditional"),
]


def table_scores(regime: str) -> Tensor:
    rng = torch.Generator().manual_seed(1)
    x = torch.randn(3, 4, generator=rng, dtype=torch.float64)
    if regime == "nearly independent":
        x = x[:, :1] + x[:1] + 1e-4 * x
    elif regime == "saturated":
        x = 10 * x
    elif regime == "masked":
        x[1] = x[0, 2] = -torch.inf
    return x.float()


def table_of(kind: str, scores: Tensor) -> tuple[Tensor, list[list[mpf]]]:
    flat = oracle.probabilities("logits", scores.flatten().tolist())
    given = scores
    if kind == "probs":
        given = scores.double().flatten().softmax(0).reshape(scores.shape).float()
        flat = [mpf(v) for v in given.flatten().tolist()]
    width = scores.shape[1]
    return given.requires_grad_(), [flat[i : i + width] for i in range(0, len(flat), width)]


@pytest.mark.parametrize("kind", ["logits", "probs"])
@pytest.mark.parametrize("regime", ["random", "nearly independent", "saturated", "masked"])
@pytest.mark.parametrize(("measure", "truth"), MEASURES)
def test_table(measure: Callable[..., Tensor], truth: TableOracle, regime: str, kind: str) -> None:
    given, table = table_of(kind, table_scores(regime))
    value, slope_rows = truth(table)
    got = measure(Logits(given) if kind == "logits" else Probs(given))
    assert got >= 0
    if kind == "probs" and regime == "nearly independent":
        # Rounded probabilities of a nearly independent table: off by the square of the rounding.
        assert abs(got.item() - float(value)) < 1e-6
        return
    assert_close(got.reshape(1), [value], 1e-5)
    got.backward()
    flat_p = [v for row in table for v in row]
    slopes = [v for row in slope_rows for v in row]
    assert given.grad is not None
    if kind == "logits":
        assert_close(given.grad, oracle.by_entries(kind, flat_p, slopes), 1e-5)
        return
    # By probabilities the slope is known up to a constant of the table.
    grads = [mpf(g) for g in given.grad.flatten().tolist()]
    off = [g - s for g, s, v in zip(grads, slopes, flat_p, strict=True) if v]
    assert float(max(off) - min(off)) < 1e-4


def test_dims_are_x_then_y() -> None:
    joint = torch.tensor([[0.25, 0.25], [0.0, 0.5]])
    y_given_x = info.conditional_entropy(joint)
    x_given_y = info.conditional_entropy(joint, dims=(-1, -2))
    torch.testing.assert_close(y_given_x, 0.5 * torch.tensor(2.0).log())
    torch.testing.assert_close(x_given_y, info.conditional_entropy(joint.T))
    batch = torch.stack([joint, joint.T], 1)
    torch.testing.assert_close(
        info.conditional_entropy(batch, dims=(0, 2)), torch.stack([y_given_x, x_given_y])
    )


def test_a_planted_wrong_direction_is_seen() -> None:
    _, table = table_of("logits", table_scores("random"))
    given = torch.tensor([[float(v) for v in row] for row in table])
    wrong = info.conditional_entropy(given / given.sum(), dims=(-1, -2))
    assert abs(float(wrong) - float(oracle.conditional_entropy(table)[0])) > 1e-3
    assert mp.dps >= 50
