"""A refusal names the likely cause and a fix that works, and no other."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lossary import information as info
from lossary.core.checks import value_checks
from lossary.core.distributions import Logits, LogProbs, Probs
from lossary.core.errors import LossaryError

P = torch.tensor([0.25, 0.75])
ROWS = torch.tensor([[0.1, 0.2, 0.7], [0.3, 0.3, 0.4], [0.5, 0.25, 0.25], [0.8, 0.1, 0.1]])
SCORES = torch.tensor([[1.5, -2.0, 0.3]]).expand(4, 3)
INDEX = torch.tensor([0, 1, 2, 0])
COUNTS = torch.tensor([3, 5, 2])
NARROW = torch.linspace(0, 1, 100).softmax(-1)
TABLE = torch.arange(24.0).softmax(0).reshape(2, 3, 4)
SHARE = "p / p.sum(-1, keepdim=True)"
MEANT = "did you mean Logits(x)?"


def refusal(call: Callable[[], Any]) -> str:
    with pytest.raises(LossaryError) as caught:
        call()
    text = str(caught.value)
    assert "expected:" in text
    return text


def cause_and_fix(text: str) -> str:
    return text[text.index("likely cause:") :]


# What the advice says, and what it must not say.
SUMS: dict[str, tuple[Callable[[], Any], str, str]] = {
    "other dim": (lambda: info.entropy(ROWS, dim=0), "fix: dim=-1", "Logits"),
    "other dim, mid": (lambda: info.entropy(TABLE / TABLE.sum(1, True)), "fix: dim=1", "Logits"),
    "other dim, logs": (lambda: info.entropy(LogProbs(ROWS.log(), 0)), "fix: dim=-1", "Logits"),
    "other dims": (
        lambda: info.mutual_information(TABLE / TABLE.sum((0, 1), True)),
        "fix: dims=(0, 1)",
        "Logits",
    ),
    "conditional": (lambda: info.mutual_information(ROWS), "joint * p_x.unsqueeze(1)", "Logits"),
    "counts": (lambda: info.entropy(COUNTS.float()), f"fix: {SHARE}", MEANT),
    "zeros": (lambda: info.entropy(torch.zeros(3)), "a row of zeros", "/"),
    "few digits": (lambda: info.entropy(torch.tensor([0.333] * 3)), f"fix: {SHARE}", "Logits"),
    "narrow": (lambda: info.entropy(NARROW.double()), "float32 rounding", "Logits"),
    "narrow, pair": (
        lambda: info.kl_divergence(NARROW, NARROW.double()),
        "fix: q / q.sum(-1, keepdim=True)",
        "Logits",
    ),
    "narrow, logs": (
        lambda: info.entropy(LogProbs(NARROW.log().double())),
        "fix: p - p.logsumexp(-1, keepdim=True)",
        "Logits",
    ),
    "probabilities": (
        lambda: info.entropy(LogProbs(P)),
        "these look like probabilities: Probs(p)",
        "Logits",
    ),
    "log-probabilities": (lambda: info.entropy(P.log()), "fix: LogProbs(p)", "Logits"),
    "base 2": (lambda: info.entropy(LogProbs(P.log2())), "p * math.log(2)", "Logits"),
    "hardly negative": (lambda: info.entropy(torch.tensor([-1e-7, 1])), "clamp(min=0)", "Logits"),
    "overflow": (lambda: info.entropy(torch.tensor([math.inf, 1])), "overflow", "sum("),
    "scores": (lambda: info.entropy(SCORES), MEANT, "sum("),
    "scores, positive": (lambda: info.entropy(SCORES.exp()), MEANT, "counts"),
    "scores as logs": (lambda: info.entropy(LogProbs(SCORES)), MEANT, "sum("),
    "torch's order": (lambda: info.kl_divergence(P.log(), P), "the truth comes first", "Logits"),
    "event, logs": (lambda: info.self_information(P.log()), "LogProbs(p)", "sum("),
    "event, nan": (lambda: info.self_information(P / 0 * 0), "isnan()", "Logits"),
}


@pytest.mark.parametrize(("call", "says", "never"), SUMS.values(), ids=list(SUMS))
def test_the_cause_is_read_off_the_values(call: Callable[[], Any], says: str, never: str) -> None:
    advice = cause_and_fix(refusal(call))
    assert says in advice
    assert never not in advice


def test_the_fixes_work() -> None:
    few, wide = torch.tensor([0.333] * 3), NARROW.double()
    info.entropy(few / few.sum(-1, keepdim=True))
    info.entropy(wide / wide.sum(-1, keepdim=True))
    info.entropy(LogProbs(wide.log() - wide.log().logsumexp(-1, keepdim=True)))
    info.entropy(COUNTS / COUNTS.sum(-1, keepdim=True))
    info.entropy(LogProbs(P.log2() * math.log(2)))
    info.mutual_information(ROWS * torch.full((4,), 0.25).unsqueeze(1))
    info.mutual_information(TABLE / TABLE.sum((0, 1), keepdim=True), dims=(0, 1))
    info.kl_divergence(ROWS, ROWS[0].expand_as(ROWS))


def test_a_sum_that_prints_as_1_shows_what_is_off() -> None:
    p = torch.tensor([0.25, 0.75 + 2e-11], dtype=torch.float64)
    assert "sums to 1 + 2.0e-11" in refusal(lambda: info.entropy(p))


DTYPES: dict[str, tuple[Callable[[], Any], str]] = {
    "counts": (lambda: info.entropy(COUNTS), f"{SHARE} for counts"),
    "one-hot mask": (lambda: info.entropy(COUNTS > 4), "p.float() for one-hot"),
    "table": (
        lambda: info.mutual_information(torch.ones(2, 2).int()),
        "joint / joint.sum((-2, -1), keepdim=True)",
    ),
    "table along others": (
        lambda: info.conditional_entropy(torch.ones(2, 2, 2).int(), dims=(0, 1)),
        "joint / joint.sum((0, 1), keepdim=True)",
    ),
    "complex": (lambda: info.entropy(P * 1j), "p.abs() ** 2"),
    "integer scores": (lambda: info.entropy(Logits(COUNTS)), "Logits(x.float())"),
    "samples": (lambda: info.kl_estimate(COUNTS, COUNTS), "log_p.float()"),
}


@pytest.mark.parametrize(("call", "says"), DTYPES.values(), ids=list(DTYPES))
def test_dtypes_of_a_measure(call: Callable[[], Any], says: str) -> None:
    text = refusal(call)
    assert says in text
    assert "swap" not in text


@pytest.mark.parametrize("given", [SCORES, Logits(SCORES), Probs(ROWS.T, dim=0)])
def test_class_indices_belong_in_the_loss(given: Tensor | Logits | Probs) -> None:
    loss = "lossary.functional.cross_entropy(logits, q)"
    assert loss in refusal(lambda: info.cross_entropy(given, INDEX))
    assert f"{loss}.exp()" in refusal(lambda: info.perplexity(given, INDEX))
    text = refusal(lambda: info.kl_divergence(INDEX, given))
    assert "one_hot(p, 3).float()" in text


SHAPES: dict[str, tuple[Callable[[], Any], str]] = {
    "one q": (lambda: info.kl_divergence(ROWS, ROWS[0]), "fix: q.expand_as(p)"),
    "one p": (lambda: info.kl_divergence(ROWS[0], Logits(ROWS)), "fix: p.expand_as(q)"),
    "moved": (
        lambda: info.kl_divergence(ROWS.T, ROWS[0], dim=0),
        "fix: q.expand_as(p.movedim(0, -1))",
    ),
    "outcomes": (lambda: info.kl_divergence(ROWS, ROWS[:, :2]), "3 outcomes against 2"),
    "transposed": (lambda: info.kl_divergence(ROWS, ROWS.T), "fix: q.mT"),
    "batches": (lambda: info.kl_divergence(ROWS, ROWS[:3]), "different sizes"),
    "pairs": (
        lambda: info.kl_divergence(ROWS[:, None], ROWS[None, :2]),
        "torch.broadcast_tensors(p, q)",
    ),
    "extra 1": (lambda: info.kl_divergence(ROWS, ROWS[None]), "q.reshape(p.shape)"),
    "samples": (lambda: info.kl_estimate(P, P[:1]), "log_q.expand_as(log_p)"),
    "device": (lambda: info.kl_divergence(P, P.to("meta")), "q.to(p.device)"),
    "one number": (lambda: info.entropy(P[0]), "torch.stack([p, 1 - p])"),
    "several dims": (lambda: info.entropy(ROWS, dim=(0, 1)), "p.flatten"),  # type: ignore[arg-type]
    "no table": (lambda: info.mutual_information(P), "dims=(-2, -1)"),
    "no such dims": (lambda: info.mutual_information(ROWS, dims=(0, 2)), "dims from -2 to 1"),
}


@pytest.mark.parametrize(("call", "says"), SHAPES.values(), ids=list(SHAPES))
def test_shapes_of_a_measure(call: Callable[[], Any], says: str) -> None:
    text = refusal(call)
    assert says in text
    assert "input" not in text


def test_an_f_that_is_not_0_at_1() -> None:
    assert "f(1) is 1" in refusal(lambda: info.f_divergence(P, P, lambda t: t))
    assert "f(1) is nan" in refusal(lambda: info.f_divergence(P, P, lambda t: (t - 1) / (t - 1)))
    assert "one number per ratio" in refusal(lambda: info.f_divergence(P, P, lambda t: t.sum()))
    weights = torch.tensor([2.0, 3.0])
    info.f_divergence(ROWS[:, :2].softmax(-1), P.expand(4, 2), lambda t: weights * (t - 1) ** 2)
    with value_checks("off"):
        assert info.f_divergence(P, P, lambda t: t) == 1


@pytest.mark.parametrize("wrapper", [Probs, LogProbs, Logits])
def test_a_wrapper_takes_a_tensor(wrapper: type[Any]) -> None:
    for given, fix in (
        ([0.5, 0.5], "torch.tensor(x)"),
        (np.array([0.5, 0.5]), "torch.from_numpy(x)"),
        (Probs(P), "x.tensor"),
        (LogProbs(P), "x.tensor.exp()"),
        (Logits(P, 0), "x.tensor.softmax(0)"),
        (torch.distributions.Categorical(P), "x.probs"),
    ):
        with pytest.raises(TypeError) as caught:
            wrapper(given)
        assert fix in str(caught.value)
    assert "torch.from_numpy(p)" in refusal(lambda: info.entropy(np.array([0.5])))  # type: ignore[arg-type]


def test_wrappers_are_equal_to_themselves_only() -> None:
    one = Probs(P)
    assert one == one
    assert one != Probs(P)
    assert len({one, Probs(P)}) == 2
