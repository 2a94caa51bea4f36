"""Sparsemax and entmax: sorting against bisection against 50 digits, and their derivatives."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mpf
from torch import Tensor

from lossary.entropies import entmax, entmax15, sparsemax
from lossary.entropies.entmax import bisected_last
from lossary.entropies.sparsemax import entmax15_last, sparsemax_last
from tests.entropies import oracle

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")
ALPHAS = (1.05, 1.3, 1.5, 1.8, 2.0, 2.5)


def draw(scale: float, *shape: int) -> Tensor:
    rng = torch.Generator().manual_seed(0)
    return scale * torch.randn(*shape, generator=rng, dtype=torch.float64)


@pytest.mark.parametrize("n", [1, 2, 10, 1000])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_sorting_agrees_with_bisection(n: int, scale: float) -> None:
    x = draw(scale, 20, n)
    torch.testing.assert_close(sparsemax_last(x), bisected_last(x, 2.0), rtol=0, atol=1e-14)
    torch.testing.assert_close(entmax15_last(x), bisected_last(x, 1.5), rtol=0, atol=1e-14)


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("scale", [0.1, 1.0, 5.0])
def test_against_the_oracle(alpha: float, scale: float) -> None:
    x = draw(scale, 6)
    want = oracle.entmax(alpha)([mpf(v) for v in x.tolist()])
    got = entmax(x, alpha)
    torch.testing.assert_close(
        got, torch.tensor([float(v) for v in want], dtype=torch.float64), rtol=1e-12, atol=1e-13
    )
    assert torch.equal(got == 0, torch.tensor([v == 0 for v in want]))


def test_the_oracle_sees_a_wrong_threshold() -> None:
    x = draw(1.0, 6)
    want = [float(v) for v in oracle.entmax(2.0)([mpf(v) for v in x.tolist()])]
    wrong = x.softmax(-1) * (x > x.mean())
    assert (wrong / wrong.sum() - torch.tensor(want)).abs().max() > 1e-2


@pytest.mark.parametrize("alpha", [1.0, *ALPHAS])
def test_derivatives(alpha: float) -> None:
    x = draw(1.0, 3, 5).requires_grad_()
    assert torch.autograd.gradcheck(lambda t: entmax(t, alpha), x, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(lambda t: entmax(t, alpha), x)


@pytest.mark.parametrize("alpha", [1.3, 1.5, 2.0])
def test_analytic_jacobian(alpha: float) -> None:
    """diag(s) - s s' / sum s with s = p ** (2 - alpha) on the support."""
    x = draw(1.0, 6)
    p = entmax(x, alpha)
    s = torch.where(p > 0, p ** (2 - alpha), 0)
    want = torch.diag(s) - torch.outer(s, s) / s.sum()
    torch.testing.assert_close(torch.func.jacrev(lambda t: entmax(t, alpha))(x), want)
    torch.testing.assert_close(torch.func.jacfwd(lambda t: entmax(t, alpha))(x), want)


@given(
    scores=st.lists(st.floats(-50, 50, width=32), min_size=1, max_size=7),
    alpha=st.sampled_from([1.0, *ALPHAS]),
    shift=st.integers(-100, 100),
)
@settings(max_examples=60, deadline=None)
def test_laws(scores: list[float], alpha: float, shift: int) -> None:
    x = torch.tensor(scores, dtype=torch.float64)
    p = entmax(x, alpha)
    assert (p >= 0).all()
    torch.testing.assert_close(p.sum(), torch.ones_like(p.sum()), rtol=0, atol=1e-7)
    torch.testing.assert_close(entmax(x + shift, alpha), p, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(entmax(x.flip(0), alpha), p.flip(0), rtol=1e-9, atol=1e-9)
    order = x.argsort()
    assert (p[order].diff() >= -1e-12).all()


@pytest.mark.parametrize("alpha", [1.0, 1.3, 1.5, 2.0])
def test_masked_and_half(alpha: float) -> None:
    x = torch.tensor([1.0, -torch.inf, 0.9, 0.3], requires_grad=True)
    p = entmax(x, alpha)
    kept = [0, 2, 3]
    torch.testing.assert_close(p[kept], entmax(x[kept], alpha))
    assert p[1] == 0
    (grad,) = torch.autograd.grad((p * torch.arange(4.0)).sum(), x)
    assert grad[1] == 0
    assert grad.isfinite().all()
    assert entmax(x.detach().half(), alpha).dtype == torch.float16
    assert entmax(torch.zeros(0, 4), alpha).shape == (0, 4)


def test_the_named_ones_are_the_same() -> None:
    x = draw(1.0, 2, 5, 3)
    assert torch.equal(sparsemax(x, dim=1), entmax(x, 2, dim=1))
    assert torch.equal(entmax15(x, dim=1), entmax(x, 1.5, dim=1))
    compiled = torch.compile(lambda t: entmax(t, 1.3), fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(x), entmax(x, 1.3))
