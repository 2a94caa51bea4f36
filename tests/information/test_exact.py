"""Every measure equals its oracle, value and every gradient entry."""

import math
from collections.abc import Callable

import pytest
import torch
from mpmath import mpf
from torch import Tensor

from lossary.core.distributions import Distribution, Logits, LogProbs, Probs
from tests.information import oracle
from tests.information.measures import ONE, TWO, Case
from tests.information.regimes import FAR, MASKED, ORDINARY, as_kind, score_rows

WRAP: dict[str, Callable[[Tensor], Distribution]] = {
    "probs": Probs,
    "logprobs": LogProbs,
    "logits": Logits,
}
KINDS = [("logits", "logits"), ("probs", "probs"), ("logprobs", "logprobs"), ("probs", "logits")]
# Below float32's normal numbers a relative error has no meaning.
TINY = 1e-36


def assert_close(got: Tensor, want: list[mpf], tolerance: float) -> None:
    """Relative error entry by entry; inf must be inf, NaN is never right."""
    tiny = TINY if got.dtype == torch.float32 else torch.finfo(got.dtype).tiny
    for g, w in zip(got.flatten().tolist(), want, strict=True):
        exact = float(w)
        if abs(exact) > torch.finfo(got.dtype).max:
            assert g == math.copysign(math.inf, exact)
        else:
            allowed = tolerance * abs(exact) + tiny
            assert abs(g - exact) <= allowed, f"{g} should be {exact} ({want})"


def check(
    case: Case, kinds: tuple[str, str], rows: tuple[Tensor, Tensor], tolerance: float
) -> None:
    leaves = [as_kind(k, r).requires_grad_() for k, r in zip(kinds, rows, strict=True)]
    given: list[Distribution] = [WRAP[k](t) for k, t in zip(kinds, leaves, strict=True)]
    p, q = (oracle.probabilities(k, t.tolist()) for k, t in zip(kinds, leaves, strict=True))
    value, *by_mass = case.oracle(p, q)
    got = case(*given)
    assert got.dtype == rows[0].dtype
    assert not got < 0
    assert_close(got.reshape(1), [value], tolerance)
    if abs(value) == math.inf or float(value) > torch.finfo(got.dtype).max:
        return
    if got.requires_grad:
        got.backward()
    for i, (kind, leaf, mass) in enumerate(zip(kinds, leaves, (p, q), strict=True)):
        if i >= case.arguments or not by_mass[i]:
            continue
        want = oracle.by_entries(kind, mass, by_mass[i])
        grad = leaf.grad if leaf.grad is not None else torch.zeros_like(leaf)
        assert grad.isfinite().all()
        assert_close(grad, want, tolerance)


def ids(kinds: tuple[str, str]) -> str:
    return "-".join(kinds)


@pytest.mark.parametrize("kinds", KINDS, ids=ids)
@pytest.mark.parametrize("case", ONE + TWO, ids=str)
@pytest.mark.parametrize("regime", ORDINARY + MASKED + FAR)
def test_float32(case: Case, kinds: tuple[str, str], regime: str) -> None:
    check(case, kinds, score_rows(regime, torch.float32), 1e-5)


@pytest.mark.parametrize("case", ONE + TWO, ids=str)
@pytest.mark.parametrize("kinds", KINDS[:2], ids=ids)
@pytest.mark.parametrize("regime", ["random", "tied", "saturated", "masked"])
def test_float64(case: Case, kinds: tuple[str, str], regime: str) -> None:
    check(case, kinds, score_rows(regime, torch.float64), 1e-13 if regime == "tied" else 1e-12)


@pytest.mark.parametrize("regime", ["near 1e-1", "near 1e-3", "near 1e-5", "masked near"])
@pytest.mark.parametrize("case", TWO[1:], ids=str)
def test_float64_nearly_equal_values(case: Case, regime: str) -> None:
    """The centred log-ratio: the plain difference of logs would leave 1e-11 at 1e-5."""
    x, y = score_rows(regime, torch.float64)
    p, q = (oracle.probabilities("logits", t.tolist()) for t in (x, y))
    assert_close(case(Logits(x), Logits(y)).reshape(1), [case.oracle(p, q)[0]], 3e-13)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("case", ONE + TWO, ids=str)
@pytest.mark.parametrize("regime", ["random", "masked"])
def test_half(case: Case, dtype: torch.dtype, regime: str) -> None:
    """Half precision computes in float32 and rounds once."""
    check(case, ("logits", "logits"), score_rows(regime, dtype), torch.finfo(dtype).eps)


@pytest.mark.parametrize("seed", range(1, 3))
@pytest.mark.parametrize("case", ONE + TWO, ids=str)
def test_other_draws(case: Case, seed: int) -> None:
    check(case, ("logits", "logits"), score_rows("saturated", torch.float32, seed), 1e-5)


@pytest.mark.parametrize("epsilon", [1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5])
def test_kl_and_js_of_nearly_equal_scores(epsilon: float) -> None:
    """The measured defect: torch is off by up to 35 times here, and often negative."""
    for seed in range(4):
        rng = torch.Generator().manual_seed(seed)
        x = torch.randn(50, generator=rng)
        y = x + epsilon * torch.randn(50, generator=rng)
        p, q = (oracle.probabilities("logits", t.tolist()) for t in (x, y))
        for case in (TWO[1], TWO[2]):
            assert_close(case(Logits(x), Logits(y)).reshape(1), [case.oracle(p, q)[0]], 1e-6)
