"""The one gradient rule under every transform; shapes, reductions and refusals."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch._dynamo
from torch import Tensor

from lossary.core.errors import DomainError, DtypeError, LossaryError, OptionError, ShapeError
from lossary.entropies import (
    Bernoulli,
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
from tests.entropies.cases import CASES, Case

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")


def batch(case: Case) -> tuple[Tensor, Tensor]:
    drawn = [case.draw("random", torch.float64, seed) for seed in range(2)]
    theta, y = (torch.stack(ts) for ts in zip(*drawn, strict=True))
    return theta, y


def loss_of(case: Case) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda theta, y: fenchel_young_loss(case.entropy, theta, y)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradient_is_prediction_minus_target(case: Case) -> None:
    theta, y = batch(case)
    theta.requires_grad_()
    loss = fenchel_young_loss(case.entropy, theta, y, reduction="sum")
    (grad,) = torch.autograd.grad(loss, theta, retain_graph=True)
    torch.testing.assert_close(grad, case.entropy.predict(theta) - y, rtol=1e-13, atol=1e-15)
    assert torch.equal(torch.autograd.grad(loss, theta)[0], grad)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_order(case: Case) -> None:
    theta, y = batch(case)
    f = loss_of(case)
    theta.requires_grad_()
    assert torch.autograd.gradcheck(lambda t: f(t, y), theta, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(lambda t: f(t, y), theta)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradient_by_the_target(case: Case) -> None:
    """Along a softmax for distributions, which only feels the slope along the simplex."""
    theta, y = batch(case)
    inner = y.log() if case.on_simplex else y

    def f(t: Tensor, u: Tensor) -> Tensor:
        target = u.softmax(-1) if case.on_simplex else u
        return fenchel_young_loss(case.entropy, t, target)

    assert torch.autograd.gradcheck(f, (theta.requires_grad_(), inner.clone().requires_grad_()))
    assert torch.autograd.gradgradcheck(f, (theta, inner.clone().requires_grad_()))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_function_transforms(case: Case) -> None:
    theta, y = batch(case)
    f = loss_of(case)
    per_row = torch.func.vmap(torch.func.grad(f))(theta, y)
    # Each row holds one item: one distribution, or one number.
    torch.testing.assert_close(per_row, case.entropy.predict(theta) - y)
    pushed = torch.func.jvp(lambda t: f(t, y), (theta,), (y,))[1]
    leaf = theta.clone().requires_grad_()
    (grad,) = torch.autograd.grad(f(leaf, y), leaf)
    torch.testing.assert_close(pushed, (grad * y).sum())
    hessian = torch.func.hessian(f)(theta[0], y[0])
    jacobian = torch.func.jacrev(case.entropy.predict)(theta[0])
    torch.testing.assert_close(hessian, jacobian)


@pytest.mark.parametrize("case", [*CASES[1:3], CASES[-2]], ids=str)
def test_compiles_whole(case: Case) -> None:
    torch._dynamo.reset()
    theta, y = batch(case)
    compiled: Any = torch.compile(loss_of(case), fullgraph=True, backend="aot_eager")
    eager_in, traced_in = (theta.clone().requires_grad_() for _ in range(2))
    eager, traced = loss_of(case)(eager_in, y), compiled(traced_in, y)
    torch.testing.assert_close(traced, eager)
    eager.backward()
    traced.backward()
    torch.testing.assert_close(traced_in.grad, eager_in.grad)


def test_dim_reductions_and_empty() -> None:
    theta, y = torch.randn(2, 3, 4), torch.randn(2, 3, 4).softmax(1)
    items = fenchel_young_loss(Shannon(dim=1), theta, y, reduction="none")
    assert items.shape == (2, 4)
    moved = fenchel_young_loss(Shannon(), theta.movedim(1, -1), y.movedim(1, -1), reduction="none")
    torch.testing.assert_close(items, moved)
    torch.testing.assert_close(items.mean(), fenchel_young_loss(Shannon(dim=1), theta, y))
    torch.testing.assert_close(
        Tsallis(1.5, dim=1).predict(theta), entmax(theta, 1.5, dim=1), rtol=0, atol=0
    )
    empty = torch.zeros(0, 3, requires_grad=True)
    for entropy in (Squared(), Shannon(), Tsallis(1.5), Tsallis(1.7), Tsallis(2.0)):
        loss = fenchel_young_loss(entropy, empty, torch.zeros(0, 3))
        assert loss == 0
        loss.backward()


WRONG: list[tuple[Callable[[], Any], type[LossaryError], str]] = [
    (lambda: fenchel_young_loss(Shannon(), torch.zeros(3), torch.zeros(3)), DomainError, "sums"),
    (lambda: fenchel_young_loss(Shannon(), torch.zeros(3), torch.ones(2) / 2), ShapeError, "equal"),
    (lambda: fenchel_young_loss(Bernoulli(), torch.zeros(1), -torch.ones(1)), DomainError, "-1"),
    (lambda: fenchel_young_loss(Poisson(), torch.zeros(1), -torch.ones(1)), DomainError, "below 0"),
    (lambda: fenchel_young_loss(Burg(), torch.ones(1), torch.ones(1)), DomainError, "negative"),
    (lambda: fenchel_young_loss(Burg(), -torch.ones(1), torch.zeros(1)), DomainError, "positive"),
    (
        lambda: fenchel_young_loss(Squared(), torch.ones(1).int(), torch.ones(1)),
        DtypeError,
        "float",
    ),
    (
        lambda: fenchel_young_loss(Squared(), torch.ones(1), torch.ones(1), reduction="max"),
        OptionError,
        "mean",
    ),
    (lambda: bregman_divergence(Shannon(), torch.ones(2) / 2, torch.ones(2)), DomainError, "sums"),
    (lambda: Tsallis(1.0), OptionError, "Shannon"),
    (lambda: entmax(torch.zeros(2), 0.5), OptionError, "alpha"),
    (lambda: entmax(torch.zeros(2), math.nan), OptionError, "alpha"),
    (lambda: sparsemax(torch.zeros(2), dim=3), ShapeError, "dim=3"),
    (lambda: sparsemax(torch.tensor(1.0)), ShapeError, "dimension"),
]


@pytest.mark.parametrize(("call", "kind", "says"), WRONG)
def test_refusals_teach(call: Callable[[], Any], kind: type[LossaryError], says: str) -> None:
    with pytest.raises(kind, match=says) as caught:
        call()
    assert "expected:" in str(caught.value)
