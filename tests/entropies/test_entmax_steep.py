"""Entmax far beyond sparsemax, where a probability is a high root of what the threshold leaves."""

from typing import Any

import pytest
import torch
import torch._dynamo
from mpmath import mpf
from torch import Tensor

from lossary.entropies import Tsallis, entmax, fenchel_young_loss
from tests.entropies import oracle
from tests.entropies.test_entmax import draw

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")
STEEP = (3.0, 5.0, 10.0, 20.0, 50.0)
ALPHAS = (1.01, 1.2, 1.5, 1.9, 2.0, 2.1, *STEEP)
ROWS = {
    "random": draw(1.0, 10),
    "close": draw(0.01, 10),
    "closer": draw(1e-6, 10),
    "spread": draw(30.0, 10),
    "tied": torch.tensor([0.0, -0.01, -0.01, -0.01, -5.0]),
    "nearly tied": torch.tensor([0.0, -0.01, -0.01 - 1e-7, -0.01 + 1e-8]),
    "marginal": torch.tensor([0.0, -0.09280000627]),
    "masked": torch.tensor([0.0, -torch.inf, -0.01, -0.02]),
}


def numbers(t: Tensor) -> oracle.Numbers:
    return [mpf(v) for v in t.tolist()]


def wide(values: oracle.Numbers) -> Tensor:
    return torch.tensor([float(v) for v in values], dtype=torch.float64)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_rows_are_distributions(alpha: float) -> None:
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(20_000, 10, generator=rng)
    for dtype, tolerance in ((torch.float64, 1e-12), (torch.float32, 1e-6)):
        p = entmax(x.to(dtype), alpha)
        assert (p >= 0).all()
        assert (p.sum(-1) - 1).abs().max() <= tolerance
        alone = torch.stack([entmax(row, alpha) for row in x[:50].to(dtype)])
        torch.testing.assert_close(alone, p[:50], rtol=0, atol=torch.finfo(dtype).eps)


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("alpha", ALPHAS)
def test_values_and_gradients(alpha: float, row: str) -> None:
    upstream = torch.linspace(-1, 2, ROWS[row].numel(), dtype=torch.float64)
    for dtype in (torch.float32, torch.float64):
        x = ROWS[row].to(dtype).clone().requires_grad_()
        want = oracle.entmax(alpha)(numbers(x.detach()))
        p = entmax(x, alpha)
        tolerance = 1e-6 if dtype == torch.float32 else 1e-12
        torch.testing.assert_close(p.double(), wide(want), rtol=tolerance, atol=1e-13)
        (grad,) = torch.autograd.grad(p, x, upstream.to(dtype))
        slopes = oracle.entmax_gradient(alpha, want, numbers(upstream.to(dtype)))
        top = wide(slopes).abs().max().item()
        # Tied classes exchange p ** -48 for each unit of scores at alpha 50: beyond float32.
        if top < torch.finfo(dtype).max:
            assert grad.isfinite().all()
            torch.testing.assert_close(grad.double(), wide(slopes), rtol=1e-5, atol=1e-14 * top)


def test_the_oracle_sees_an_unresolved_threshold() -> None:
    """The two classes of the defect: what float64 leaves of the threshold is no distribution."""
    x = ROWS["marginal"]
    p = [float(v) for v in oracle.entmax(10.0)(numbers(x))]
    z = 9 * x.double()
    tau = -(p[0] ** 9)
    rough = (z - tau).clamp(min=0) ** (1 / 9)
    assert sum(p) == pytest.approx(1, abs=1e-15)
    assert abs(rough.sum().item() - 1) > 1e-4


def test_a_row_does_not_feel_its_batch() -> None:
    x = ROWS["marginal"]
    batch = torch.cat(
        [torch.stack([torch.zeros(4001), torch.linspace(-0.2, 0, 4001)], -1), x[None]]
    )
    for alpha in STEEP:
        torch.testing.assert_close(entmax(batch, alpha)[-1], entmax(x, alpha), rtol=0, atol=6e-8)


@pytest.mark.parametrize("alpha", [1.3, 10.0, 50.0])
@pytest.mark.parametrize("n", [1, 2, 1000, 100_000])
def test_many_classes(alpha: float, n: int) -> None:
    for x in (torch.zeros(n), draw(1e-3, n)):
        p = entmax(x.double(), alpha)
        assert abs(p.sum().item() - 1) <= 1e-12
    torch.testing.assert_close(entmax(torch.zeros(n), alpha), torch.full((n,), 1 / n))


@pytest.mark.parametrize("alpha", [1.0 + 1e-9, 300.0, 1e4])
def test_orders_beyond_reason(alpha: float) -> None:
    """Softmax at one end; at the other all within reach share alike."""
    x = draw(1.0, 4, 6)
    p = entmax(x, alpha)
    torch.testing.assert_close(p.sum(-1), torch.ones(4).double(), rtol=0, atol=1e-12)
    if alpha < 2:
        torch.testing.assert_close(p, x.softmax(-1), rtol=1e-7, atol=0)
    tied = torch.tensor([0.0, 0.0, -1.0], dtype=torch.float64, requires_grad=True)
    shared = entmax(tied, alpha)
    if alpha > 2:
        assert shared.tolist() == pytest.approx([0.5, 0.5, 0.0])
    assert torch.autograd.grad(shared.sum(), tied)[0].isfinite().all()


def test_nan_is_not_hidden() -> None:
    for alpha in (1.2, 10.0):
        assert entmax(torch.tensor([0.0, torch.nan, 1.0]), alpha).isnan().all()


def slope(alpha: float, x: Tensor, weight: Tensor, order: int) -> Tensor:
    """The gradient of a weighted sum, or that of a weighted sum of such a gradient, and so on."""
    if order == 0:
        return entmax(x, alpha)
    inner = (slope(alpha, x, weight, order - 1) * weight).sum()
    return torch.autograd.grad(inner, x, create_graph=True)[0]


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("alpha", STEEP)
def test_every_derivative(alpha: float, order: int) -> None:
    """Within reach of finite differences: scores that differ by little."""
    x, push, weight = draw(0.2 / alpha, 3, 5), draw(1.0, 3, 5), draw(1.0, 5)
    step = 1e-6 / alpha**2
    after, before = (
        slope(alpha, (x + s * push).requires_grad_(), weight, order - 1).detach()
        for s in (step, -step)
    )
    want = ((after - before) * weight).sum() / (2 * step)
    got = (slope(alpha, x.requires_grad_(), weight, order) * push).sum()
    torch.testing.assert_close(got, want, rtol=1e-3, atol=0)


@pytest.mark.parametrize("alpha", [1.2, 10.0, 50.0])
def test_transforms(alpha: float) -> None:
    torch._dynamo.reset()
    x, weight = torch.stack([ROWS["random"], ROWS["close"]]).double(), draw(1.0, 10)

    def f(t: Tensor) -> Tensor:
        return (entmax(t, alpha) * weight).sum()

    leaf = x.clone().requires_grad_()
    (grad,) = torch.autograd.grad(f(leaf), leaf)
    torch.testing.assert_close(torch.func.vmap(torch.func.grad(f))(x), grad)
    torch.testing.assert_close(torch.func.jvp(f, (x,), (weight * x,))[1], (grad * weight * x).sum())
    hessian = torch.func.hessian(f)(x[1])
    torch.testing.assert_close(hessian, torch.autograd.functional.hessian(f, x[1]))
    compiled: Any = torch.compile(f, fullgraph=True, backend="aot_eager")
    traced = x.clone().requires_grad_()
    torch.testing.assert_close(torch.autograd.grad(compiled(traced), traced)[0], grad)


@pytest.mark.parametrize("alpha", [10.0, 50.0])
@pytest.mark.parametrize("row", ["random", "close", "tied", "marginal"])
def test_tsallis(alpha: float, row: str) -> None:
    theta = ROWS[row].double().requires_grad_()
    y = torch.zeros_like(theta).index_fill(0, torch.tensor(1), 1.0).detach()
    truth, scores = oracle.tsallis(alpha), numbers(theta.detach())
    value = float(truth.conjugate(scores))
    assert Tsallis(alpha).conjugate(theta).item() == pytest.approx(value, rel=1e-12)
    loss = fenchel_young_loss(Tsallis(alpha), theta, y)
    assert loss.item() == pytest.approx(float(truth.loss(scores, numbers(y))), rel=1e-9, abs=1e-12)
    (grad,) = torch.autograd.grad(loss, theta)
    want = [float(v) for v in truth.gradient(scores, numbers(y))]
    assert grad.tolist() == pytest.approx(want, rel=1e-9, abs=1e-13)
