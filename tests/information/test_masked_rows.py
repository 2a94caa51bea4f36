"""A row that is infinite and masked out sends back 0; the other rows keep their gradients."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
import torch._dynamo
from mpmath import exp
from torch import Tensor

from lossary import information as info
from lossary.core.distributions import Distribution, Logits
from tests.information import oracle
from tests.information.measures import TWO, Case
from tests.information.regimes import as_kind
from tests.information.test_exact import KINDS, WRAP, assert_close, ids

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")
INF = float("inf")
CASES = [*TWO, Case("perplexity of two", info.perplexity, oracle.cross_entropy)]
# Row 1 is ordinary; in the others one rules out what the other holds possible.
TRUTH = torch.tensor([[1.0, 0.0, 2.0], [0.3, 0.2, 1.0], [-INF, 1.0, 2.0], [0.0, -2.0, -INF]])
BELIEF = torch.tensor([[1.0, -INF, 2.0], [-0.5, 0.7, 1.0], [0.3, 1.0, -INF], [-INF, -INF, 1.0]])


def masked_sum(losses: Tensor) -> Tensor:
    return torch.where(losses.isfinite(), losses, 0).sum()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kinds", KINDS, ids=ids)
@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_only_unmasked_rows_pass_gradients(
    case: Case, swap: bool, kinds: tuple[str, str], dtype: torch.dtype
) -> None:
    pair = (BELIEF, TRUTH) if swap else (TRUTH, BELIEF)
    leaves = [
        as_kind(k, t.to(dtype)).clone().requires_grad_() for k, t in zip(kinds, pair, strict=True)
    ]
    given: list[Distribution] = [WRAP[k](t) for k, t in zip(kinds, leaves, strict=True)]
    losses = case(*given)
    masked_sum(losses).backward()
    p, q = (oracle.probabilities(k, t[1].tolist()) for k, t in zip(kinds, leaves, strict=True))
    value, *by_mass = case.oracle(p, q)
    factor = exp(value) if case.name.startswith("perplexity") else 1
    for kind, leaf, mass, slopes in zip(kinds, leaves, (p, q), by_mass, strict=True):
        assert leaf.grad is not None
        assert leaf.grad.isfinite().all()
        assert not leaf.grad[losses.isinf()].any()
        want = oracle.by_entries(kind, mass, [factor * s for s in slopes])
        assert_close(leaf.grad[1], want, 1e-5)


@pytest.mark.parametrize("case", [c for c in CASES if c.name != "cross_entropy"], ids=str)
def test_overflow_is_no_nan(case: Case) -> None:
    """Scores so far apart that a ratio, or its square, is beyond the largest number."""
    x, y = torch.tensor([[0.0, -900.0, 1.0]]), torch.tensor([[0.0, 1.0, -900.0]])
    for a, b in ((x, y), (y, x)):
        a, b = a.clone().requires_grad_(), b.clone().requires_grad_()
        losses = case(Logits(a), Logits(b))
        assert not losses.isnan().any()
        for grad in torch.autograd.grad(masked_sum(losses), (a, b)):
            assert grad.isfinite().all()


def test_what_cannot_underflow_in_logarithms() -> None:
    """exp(-800) is 0 in floats, but possible: ruling it out costs infinitely much."""
    p, q = Logits(torch.tensor([0.0, -800.0])), Logits(torch.tensor([0.0, -INF]))
    for measure in (info.kl_divergence, info.cross_entropy, info.chi_squared_divergence):
        assert measure(p, q) == INF


def test_perplexity_beyond_the_largest_number() -> None:
    p = torch.tensor([[0.0, 1.0], [0.5, 0.5]], dtype=torch.float64)
    x = torch.tensor([[0.0, -900.0], [0.0, 1.0]], dtype=torch.float64, requires_grad=True)
    losses = info.perplexity(p, Logits(x))
    (grad,) = torch.autograd.grad(masked_sum(losses), x)
    assert losses[0] == INF
    assert not grad[0].any()
    assert grad[1].all()


@pytest.mark.parametrize("kind", ["k1", "k2", "k3"])
def test_samples_that_q_rules_out(kind: str) -> None:
    log_q = torch.tensor([-INF, -1.0], requires_grad=True)
    losses = info.kl_estimate(torch.tensor([-1.0, -2.0]), log_q, kind)
    (grad,) = torch.autograd.grad(masked_sum(losses), log_q)
    assert losses[0] == INF
    assert grad[0] == 0
    slope = {"k1": -1.0, "k2": 1.0, "k3": torch.tensor(1.0).expm1().item()}[kind]
    assert grad[1].item() == pytest.approx(slope)


def test_f_divergence() -> None:
    def reverse(t: Tensor) -> Tensor:
        return t - 1 - t.log()

    x, y = (t.double().requires_grad_() for t in (TRUTH, BELIEF))
    for f, slope in ((lambda t: torch.special.xlogy(t, t), INF), (reverse, 1.0)):
        losses = info.f_divergence(Logits(x), Logits(y), f, slope_at_infinity=slope)
        same = info.kl_divergence(Logits(x), Logits(y))
        if f is reverse:
            same = info.kl_divergence(Logits(y), Logits(x))
        torch.testing.assert_close(losses, same)
        got, want = (torch.autograd.grad(masked_sum(t), (x, y)) for t in (losses, same))
        torch.testing.assert_close(got, want)


TRANSFORMED: list[Callable[..., Tensor]] = [
    info.kl_divergence,
    info.cross_entropy,
    info.chi_squared_divergence,
    partial(info.alpha_divergence, alpha=-1),
    info.perplexity,
]


@pytest.mark.parametrize("measure", TRANSFORMED)
def test_transforms(measure: Callable[..., Tensor]) -> None:
    torch._dynamo.reset()
    x, y = TRUTH.double(), BELIEF.double()

    def f(a: Tensor, b: Tensor) -> Tensor:
        return masked_sum(measure(Logits(a), Logits(b)))

    leaf = x.clone().requires_grad_()
    (grad,) = torch.autograd.grad(f(leaf, y), leaf, create_graph=True)
    (second,) = torch.autograd.grad(grad[1, 0], leaf)
    assert second.isfinite().all()
    torch.testing.assert_close(torch.func.vmap(torch.func.grad(f))(x, y), grad)
    push = torch.where(x.isfinite(), 1.0, 0.0) * torch.arange(3)
    pushed = torch.func.jvp(lambda a: f(a, y), (x,), (push,))[1]
    torch.testing.assert_close(pushed, (grad * push).sum())
    compiled: Any = torch.compile(f, fullgraph=True, backend="aot_eager")
    traced = x.clone().requires_grad_()
    torch.testing.assert_close(torch.autograd.grad(compiled(traced, y), traced)[0], grad)
