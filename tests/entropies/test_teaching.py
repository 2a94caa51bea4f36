"""A refusal names the likely cause and a fix that works, and no other."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from lossary.core.distributions import Logits, LogProbs
from lossary.core.errors import LossaryError
from lossary.entropies import (
    Burg,
    Poisson,
    Shannon,
    Squared,
    Tsallis,
    bregman_divergence,
    entmax,
    fenchel_young_loss,
    sparsemax,
)

SCORES = torch.tensor([[1.5, -2.0, 0.3], [0.1, 0.2, 0.3]])
ROWS = SCORES.softmax(-1)
INDEX = torch.tensor([0, 2])
SHARE = "fix: y / y.sum(-1, keepdim=True)"


def loss(entropy: Any, theta: Any, y: Any) -> Any:
    return fenchel_young_loss(entropy, theta, y)


def bregman(entropy: Any, y: Any, p: Any) -> Any:
    return bregman_divergence(entropy, y, p)


TAUGHT: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "Tsallis 0.5": (lambda: Tsallis(0.5), ("above 1", "fix: alpha=1.5", "alpha=1 is Shannon()")),
    "Tsallis 1": (lambda: Tsallis(1.0), ("above 1", "fix: alpha=1.5", "alpha=1 is Shannon()")),
    "entmax 0.5": (lambda: entmax(SCORES, 0.5), ("from 1 on", "fix: alpha=1 (softmax)")),
    "tensor order": (
        lambda: entmax(SCORES, torch.tensor(1.5)),  # type: ignore[arg-type]
        ("alpha.item()",),
    ),
    "counts": (lambda: Shannon().value(torch.ones(3)), (SHARE, "y.softmax(-1)")),
    "scores": (lambda: Shannon().value(SCORES), ("y.softmax(-1)",)),
    "logs": (lambda: Shannon().value(ROWS.log()), ("look like log-prob", "fix: y.exp()")),
    "few digits": (lambda: Shannon().value(torch.tensor([0.333] * 3)), (SHARE, "rounding")),
    "other dim": (lambda: Shannon(dim=0).value(ROWS), ("fix: dim=-1",)),
    "negative rate": (lambda: loss(Poisson(), SCORES, SCORES), ("y.exp()",)),
    "no rate": (lambda: loss(Burg(), -ROWS, 0 * ROWS), ("Poisson() takes 0",)),
    "nan rate": (lambda: loss(Poisson(), SCORES, ROWS * torch.nan), ("y.isnan()",)),
    "class": (lambda: loss(Shannon, SCORES, ROWS), ("the class Shannon", "fix: Shannon()")),
    "name": (lambda: loss("shannon", SCORES, ROWS), ("fix: Shannon() of lossary.entropies",)),
    "no name": (lambda: loss("kl", SCORES, ROWS), ("fenchel_young_loss(entropy, theta, y)",)),
    "order": (lambda: loss(SCORES, ROWS, Shannon()), ("torch's order", "(entropy, theta, y)")),
    "bregman class": (lambda: bregman(Tsallis, ROWS, ROWS), ("fix: Tsallis()",)),
    "bregman order": (lambda: bregman(ROWS, ROWS, Squared()), ("(entropy, y, p)",)),
    "bregman dim": (lambda: bregman(Shannon(dim=2), ROWS, ROWS), ("dim=2",)),
    "indices": (lambda: loss(Shannon(), SCORES, INDEX), ("class indices", "one_hot(y, 3)")),
    "indices, dim": (
        lambda: loss(Shannon(dim=0), SCORES.T, INDEX),
        ("one_hot(y, 3).movedim(-1, 0)",),
    ),
    "one target": (lambda: loss(Shannon(), SCORES, ROWS[0]), ("fix: y.expand_as(theta)",)),
    "column": (
        lambda: loss(Squared(), SCORES[:, :1], SCORES[:, 0]),
        ("fix: y.reshape(theta.shape)",),
    ),
    "wrapped scores": (lambda: loss(Shannon(), Logits(SCORES), ROWS), ("theta.tensor for scores",)),
    "wrapped target": (
        lambda: loss(Shannon(), SCORES, LogProbs(ROWS.log())),
        ("y.tensor.exp() for probabilities",),
    ),
    "list": (lambda: sparsemax([1.0, 2.0]), ("torch.tensor(x)",)),  # type: ignore[arg-type]
    "complex": (lambda: loss(Squared(), SCORES, SCORES * 1j), ("y.real",)),
    "integers": (lambda: sparsemax(INDEX), ("fix: x.float()",)),
    "one number": (lambda: sparsemax(SCORES[0, 0]), ("a dimension of outcomes",)),
}


@pytest.mark.parametrize(("call", "says"), TAUGHT.values(), ids=list(TAUGHT))
def test_the_likely_cause_is_named(call: Callable[[], Any], says: tuple[str, ...]) -> None:
    with pytest.raises(LossaryError) as caught:
        call()
    text = str(caught.value)
    assert "expected:" in text
    for words in says:
        assert words in text
    # These take tensors: no wrapper can be the fix, nor a swap.
    assert "Logits(" not in text
    assert "swap" not in text


def test_an_entropy_is_asked_for_with_a_type_error() -> None:
    with pytest.raises(TypeError, match="Shannon"):
        loss(Shannon, SCORES, ROWS)
