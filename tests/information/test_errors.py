"""What is refused, before any work, and what the refusal says."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from lossary import information as info
from lossary.core.checks import value_checks
from lossary.core.distributions import Logits, LogProbs, Probs
from lossary.core.errors import DomainError, DtypeError, LossaryError, OptionError, ShapeError
from tests.information.measures import ONE, TWO, Case

P = torch.tensor([0.25, 0.75])
NOT_DISTRIBUTIONS = {
    "scores": (torch.tensor([1.5, 2.0]), r"did you mean Logits\(x\)\?"),
    "negative": (torch.tensor([-0.5, 1.5]), r"did you mean Logits\(x\)\?"),
    "nan": (torch.tensor([math.nan, 1.0]), r"isnan\(\)"),
    "almost": (torch.tensor([0.25, 0.7501]), r"rounding[^\0]*fix: . / .\.sum\(-1, keepdim=True\)"),
    "counts": (torch.tensor([3.0, 5.0]), r"counts[^\0]*fix: . / .\.sum\(-1, keepdim=True\)"),
}


@pytest.mark.parametrize("case", ONE + TWO, ids=str)
@pytest.mark.parametrize(("given", "says"), NOT_DISTRIBUTIONS.values(), ids=list(NOT_DISTRIBUTIONS))
def test_rows_that_are_no_distribution(case: Case, given: Tensor, says: str) -> None:
    with pytest.raises(DomainError, match=says):
        case(given, P)
    if case.arguments == 2:
        with pytest.raises(DomainError, match=says):
            case(P, Probs(given))


def test_value_checks_are_obeyed() -> None:
    scores, _ = NOT_DISTRIBUTIONS["scores"]
    with value_checks("off"):
        info.entropy(scores)
    torch.func.vmap(info.entropy)(scores.expand(3, 2))
    assert torch.compile(info.entropy, backend="eager", fullgraph=True)(scores).isfinite()


def test_tolerance_knows_dtype_and_length() -> None:
    rng = torch.Generator().manual_seed(0)
    for dtype in (torch.bfloat16, torch.float16, torch.float32, torch.float64):
        for n in (2, 100, 50_000):
            x = torch.randn(n, generator=rng, dtype=torch.float64).to(dtype)
            info.entropy(x.softmax(-1))
            info.entropy(LogProbs(x.log_softmax(-1)))
    with pytest.raises(DomainError, match=r"sums to 0\.9999999"):
        info.entropy(torch.tensor([0.1, 0.9]).double())


WRONG: list[tuple[Callable[[], Any], type[LossaryError], str]] = [
    (lambda: info.entropy(torch.tensor([1, 0])), DtypeError, "floating"),
    (lambda: info.entropy([0.5, 0.5]), DtypeError, r"torch\.tensor\(p\)"),  # type: ignore[arg-type]
    (lambda: info.entropy(torch.tensor(1.0)), ShapeError, "dimension"),
    (lambda: info.entropy(torch.zeros(3, 0)), ShapeError, "no outcome"),
    (lambda: info.entropy(P, dim=1), ShapeError, "dim=1"),
    (lambda: info.entropy(Logits(torch.zeros(2, 3)), dim=0), OptionError, "carries its own"),
    (lambda: info.entropy(P, base=1), OptionError, "base=1"),
    (lambda: info.entropy(P, base=-2.0), OptionError, "bits"),
    (lambda: info.kl_divergence(P, torch.full((3,), 1 / 3)), ShapeError, "equal shapes"),
    (lambda: info.kl_divergence(P, P.expand(2, 2)), ShapeError, "equal shapes"),
    (lambda: info.renyi_entropy(P, -1), OptionError, "alpha=-1"),
    (lambda: info.renyi_entropy(P, math.nan), OptionError, "alpha"),
    (lambda: info.tsallis_entropy(P, math.inf), OptionError, "finite|number"),
    (lambda: info.renyi_divergence(P, P, -0.5), OptionError, "from 0 on"),
    (lambda: info.alpha_divergence(P, P, math.inf), OptionError, "finite"),
    (lambda: info.jensen_shannon_divergence(P, P, weight=1), OptionError, "weight"),
    (lambda: info.f_divergence(P, P, 2), OptionError, "function"),  # type: ignore[arg-type]
    (lambda: info.kl_estimate(P, P, "k4"), OptionError, "k3"),
    (lambda: info.kl_estimate(P, P[:1]), ShapeError, "equal shapes"),
    (lambda: info.mutual_information(P), ShapeError, "dim"),
    (lambda: info.mutual_information(torch.eye(2) / 2, dims=(0, 0)), ShapeError, "different"),
    (lambda: info.mutual_information(torch.eye(2)), DomainError, "conditional"),
    (lambda: info.self_information(torch.tensor(1.5)), DomainError, "Logits"),
    (lambda: info.self_information(LogProbs(torch.tensor(0.5))), DomainError, "Logits"),
    (lambda: info.entropy(LogProbs(torch.zeros(2))), DomainError, "log-probabilities"),
    (lambda: info.entropy(Logits(torch.tensor([0.0, math.nan]))), DomainError, "nan"),
    (lambda: info.entropy(Logits(torch.tensor([0.0, math.inf]))), DomainError, "inf"),
    (lambda: info.entropy(Logits(torch.tensor([-math.inf]))), DomainError, "masked"),
]


@pytest.mark.parametrize(("call", "kind", "says"), WRONG)
def test_refusals_teach(call: Callable[[], Any], kind: type[LossaryError], says: str) -> None:
    with pytest.raises(kind, match=says) as caught:
        call()
    assert "expected:" in str(caught.value)
