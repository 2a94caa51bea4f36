"""Laws that hold for all distributions, over drawn ones."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lossary import information as info
from lossary.core.distributions import Logits, LogProbs, Probs
from tests.information.measures import ONE, TWO, Case

SCORE = st.floats(-40, 40, allow_nan=False, width=32) | st.just(-math.inf)
SIZES = st.integers(2, 6)
FAST = settings(max_examples=25, deadline=None)


@st.composite
def row_pairs(draw: st.DrawFn) -> tuple[Tensor, Tensor]:
    n = draw(SIZES)
    x, y = (draw(st.lists(SCORE, min_size=n, max_size=n)) for _ in range(2))
    if draw(st.booleans()):
        # Nearly equal rows, where rounding would show.
        y = [a + draw(st.floats(-1e-4, 1e-4)) for a in x]
    x[0], y[0] = (0.0 if v == -math.inf else v for v in (x[0], y[0]))
    return torch.tensor(x), torch.tensor(y)


@pytest.mark.parametrize("case", ONE + TWO, ids=str)
@given(rows=row_pairs())
@settings(max_examples=8, deadline=None)
def test_never_negative_never_nan_in_any_clothes(case: Case, rows: tuple[Tensor, Tensor]) -> None:
    x, y = rows
    clothes: list[Callable[[Tensor], Probs | LogProbs | Logits]] = [
        Logits,
        lambda t: Probs(t.softmax(-1)),
        lambda t: LogProbs(t.log_softmax(-1)),
    ]
    for a in clothes:
        for b in clothes:
            assert case(a(x), b(y)) >= 0


@given(rows=row_pairs())
@FAST
def test_inequalities(rows: tuple[Tensor, Tensor]) -> None:
    p, q = (Logits(t.double()) for t in rows)
    tv, kl = info.total_variation_distance(p, q), info.kl_divergence(p, q)
    h = info.hellinger_distance(p, q)
    slack = 1e-12
    assert tv <= (kl / 2).sqrt() * (1 + slack), "Pinsker"
    assert h**2 <= tv * (1 + slack)
    assert tv <= h * (2 - h**2).sqrt() * (1 + slack)
    assert kl <= info.chi_squared_divergence(p, q).log1p() * (1 + 1e-9)
    js = info.jensen_shannon_divergence(p, q)
    assert js <= math.log(2) * tv * (1 + slack), "Lin's bound"
    assert torch.equal(js, info.jensen_shannon_divergence(q, p)) or torch.isclose(
        js, info.jensen_shannon_divergence(q, p), rtol=1e-11
    )
    n = rows[0].numel()
    assert info.entropy(p) <= math.log(n) * (1 + slack)
    assert info.bhattacharyya_distance(p, q) <= kl / 2 * (1 + slack)


@given(rows=row_pairs())
@FAST
def test_orders_are_monotone(rows: tuple[Tensor, Tensor]) -> None:
    p, q = (Logits(t.double()) for t in rows)
    orders = [0.0, 0.3, 0.5, 0.9999, 1.0, 1.0001, 2.0, 7.0, math.inf]
    entropies = torch.stack([info.renyi_entropy(p, a) for a in orders])
    divergences = torch.stack([info.renyi_divergence(p, q, a) for a in orders])
    assert (entropies[1:] <= entropies[:-1] * (1 + 1e-9)).all()
    assert (divergences[1:] >= divergences[:-1] * (1 - 1e-9)).all()


@given(rows=row_pairs(), shift=st.floats(-20, 20, width=16))
@FAST
def test_identities(rows: tuple[Tensor, Tensor], shift: float) -> None:
    x, y = (t.double() for t in rows)
    p, q = Logits(x), Logits(y)
    assert_same(info.cross_entropy(p, q), info.entropy(p) + info.kl_divergence(p, q))
    assert_same(info.kl_divergence(Logits(x + shift), q), info.kl_divergence(p, q), atol=1e-13)
    order = torch.randperm(x.numel(), generator=torch.Generator().manual_seed(0))
    for case in TWO:
        assert_same(case(Logits(x[order]), Logits(y[order])), case(p, q))
    assert_same(info.entropy(p, base=2) * math.log(2), info.entropy(p))
    assert_same(info.perplexity(p), 2 ** info.entropy(p, base=2))
    assert_same(info.alpha_divergence(p, q, 0.2), info.alpha_divergence(q, p, 0.8))
    assert_same(info.alpha_divergence(p, q, 2.0) * 2, info.chi_squared_divergence(p, q))
    assert_same(info.renyi_divergence(p, q, 0.5) / 2, info.bhattacharyya_distance(p, q))


def assert_same(a: Tensor, b: Tensor, atol: float = 0.0) -> None:
    torch.testing.assert_close(a, b, rtol=1e-10, atol=atol + 1e-300)


@given(rows=row_pairs())
@settings(max_examples=10, deadline=None)
def test_any_mix_of_clothes_agrees(rows: tuple[Tensor, Tensor]) -> None:
    x, y = (t.double() for t in rows)
    p, q = x.softmax(-1), y.softmax(-1)
    for case in TWO:
        want = case(Logits(x), Logits(y))
        for a in (p, LogProbs(x.log_softmax(-1))):
            for b in (Probs(q), LogProbs(y.log_softmax(-1)), Logits(y)):
                torch.testing.assert_close(case(a, b), want, rtol=1e-6, atol=1e-12)


@given(scores=st.lists(SCORE, min_size=12, max_size=12))
@FAST
def test_chain_rule(scores: list[float]) -> None:
    scores[0] = 0.0
    x = torch.tensor(scores, dtype=torch.float64).reshape(3, 4)
    joint = x.flatten().softmax(0).reshape(3, 4)
    h_joint = info.entropy(Logits(x.flatten()))
    h_x, h_y = info.entropy(joint.sum(1)), info.entropy(joint.sum(0))
    h_y_given_x = info.conditional_entropy(Logits(x))
    shared = info.mutual_information(Logits(x))
    torch.testing.assert_close(h_x + h_y_given_x, h_joint, rtol=1e-10, atol=1e-13)
    torch.testing.assert_close(h_x + h_y - h_joint, shared, rtol=1e-10, atol=1e-13)
    assert 0 <= shared <= min(h_x, h_y) + 1e-12
    assert_same(shared, info.mutual_information(Logits(x), dims=(1, 0)), atol=1e-15)


@given(rows=row_pairs())
@FAST
def test_merging_outcomes_tells_less(rows: tuple[Tensor, Tensor]) -> None:
    p, q = (t.double().softmax(-1) for t in rows)
    merged = [torch.cat([t[:1] + t[1:2], t[2:]]) for t in (p, q)]
    for case in TWO[1:]:
        assert case(*merged) <= case(p, q) * (1 + 1e-9) + 1e-14


def test_f_divergence_makes_the_named_ones() -> None:
    p = torch.tensor([0.2, 0.8, 0.0, 0.0], dtype=torch.float64)
    q = torch.tensor([0.5, 0.3, 0.2, 0.0], dtype=torch.float64)
    kl = info.f_divergence(p, q, lambda t: torch.special.xlogy(t, t))
    assert_same(kl, info.kl_divergence(p, q))
    chi = info.f_divergence(p, q, lambda t: (t - 1) ** 2)
    assert_same(chi, info.chi_squared_divergence(p, q))
    for a, b in ((p, q), (q, p), (Logits(p.log()), Logits(q.log()))):
        tv = info.f_divergence(a, b, lambda t: (t - 1).abs() / 2, slope_at_infinity=0.5)
        assert_same(tv, info.total_variation_distance(a, b))
    assert info.f_divergence(q, p, lambda t: torch.special.xlogy(t, t)) == math.inf


def test_estimates_average_to_the_divergence() -> None:
    p, q = torch.tensor([0.2, 0.3, 0.5]).double(), torch.tensor([0.3, 0.3, 0.4]).double()
    p, q = p / p.sum(), q / q.sum()
    want = info.kl_divergence(p, q)
    k1, k2, k3 = ((p * info.kl_estimate(p.log(), q.log(), k)).sum() for k in ("k1", "k2", "k3"))
    assert_same(k1, want)
    assert_same(k3, want)
    assert abs(k2 - want) < 0.1 * want
    tiny = info.kl_estimate(torch.tensor([-1.0]), torch.tensor([-1.0001]), "k3").item()
    d = -1.0001 - -1.0
    assert tiny == pytest.approx(d * d / 2, rel=1e-3)


def test_self_information() -> None:
    p = torch.tensor([1.0, 0.5, 0.0], requires_grad=True)
    assert info.self_information(p, base=2).tolist() == [0.0, 1.0, math.inf]
    info.self_information(p)[:2].sum().backward()
    assert p.grad is not None
    assert p.grad.tolist() == [-1.0, -2.0, 0.0]
    x = torch.tensor([[20.0, 0.0, -math.inf]], requires_grad=True)
    surprise = info.self_information(Logits(x))
    assert surprise.shape == (1, 3)
    assert surprise[0, 0].item() == pytest.approx(2.0611536e-9, rel=1e-6)
    surprise[0, 0].backward()
    assert x.grad is not None
    assert x.grad[0].tolist() == pytest.approx([-2.0611536e-9, 2.0611536e-9, 0.0], rel=1e-6)
