"""Losses, gradients and the three faces of an entropy equal their oracles."""

import pytest
import torch
from mpmath import mpf
from torch import Tensor

from lossary.entropies import Shannon, Tsallis, bregman_divergence, fenchel_young_loss
from tests.entropies.cases import CASES, REGIMES, Case
from tests.entropies.oracle import Numbers


def numbers(t: Tensor) -> Numbers:
    return [mpf(v) for v in t.flatten().tolist()]


def assert_close(got: Tensor, want: Numbers, tolerance: float, floor: float = 0.0) -> None:
    for g, w in zip(got.flatten().tolist(), want, strict=True):
        allowed = tolerance * abs(float(w)) + floor + torch.finfo(got.dtype).tiny
        assert abs(g - float(w)) <= allowed, f"{g} should be {float(w)}"


def loss_of(case: Case, theta: Tensor, y: Tensor) -> Tensor:
    return fenchel_young_loss(case.entropy, theta, y, reduction="sum")


def floor_of(case: Case, y: Tensor) -> float:
    """What rounding of a target's sum leaves undecided: the definition takes it as given."""
    return 10 * abs(1 - y.double().sum().item()) if case.on_simplex else 0.0


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_loss_and_gradient(case: Case, regime: str, seed: int) -> None:
    theta, y = case.draw(regime, torch.float32, seed)
    theta.requires_grad_()
    loss = loss_of(case, theta, y)
    loss.backward()
    truth = case.truth
    t, target = numbers(theta.detach()), numbers(y)
    floor = floor_of(case, y) * max(1.0, float(max(abs(v) for v in t)))
    assert loss >= 0
    assert_close(loss.detach().reshape(1), [truth.loss(t, target)], 1e-5, floor)
    assert theta.grad is not None
    # The gradient has no floor: prediction minus target, saturated or not.
    entmax_floor = 1e-13 if isinstance(case.entropy, Tsallis) else 0.0
    assert_close(theta.grad, truth.gradient(t, target), 1e-5, entmax_floor)


@pytest.mark.parametrize("regime", ["random", "saturated"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_value_conjugate_predict(case: Case, regime: str) -> None:
    theta, y = case.draw(regime, torch.float64)
    e, truth = case.entropy, case.truth
    assert_close(e.value(y).reshape(1), [truth.omega(numbers(y))], 1e-13)
    assert_close(e.conjugate(theta).reshape(1), [truth.conjugate(numbers(theta))], 1e-13)
    floor = 1e-14 if isinstance(e, Tsallis) else 0.0
    assert_close(e.predict(theta), truth.predict(numbers(theta)), 1e-13, floor)
    assert_close(e.predict(e.link(y)), numbers(y), 1e-12)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_bregman(case: Case) -> None:
    """Equal to the loss where the link does not clip; never above it."""
    theta, y = case.draw("random", torch.float64)
    p = case.entropy.predict(theta)
    gap = bregman_divergence(case.entropy, y, p)
    omega = case.truth.omega
    slope = numbers(case.entropy.link(p))
    want = omega(numbers(y)) - omega(numbers(p))
    want -= sum(s * (a - b) for s, a, b in zip(slope, numbers(y), numbers(p), strict=True))
    assert_close(gap.reshape(1), [want], 1e-11)
    loss = loss_of(case, theta, y)
    assert gap.sum() <= loss * (1 + 1e-12)
    if not isinstance(case.entropy, Tsallis):
        torch.testing.assert_close(gap.sum(), loss)
    assert (bregman_divergence(case.entropy, y, y) == 0).all()


@pytest.mark.parametrize("epsilon", [1e-1, 1e-3, 1e-5])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_nearly_right_predictions(case: Case, epsilon: float) -> None:
    """In float64 the definition's difference would leave 1e-6 of a loss of 1e-10."""
    theta, _ = case.draw("random", torch.float64)
    y = case.entropy.predict(theta * (1 + epsilon))
    want = case.truth.loss(numbers(theta), numbers(y))
    got = loss_of(case, theta, y).item()
    assert got >= 0
    assert abs(got - float(want)) <= 1e-8 * float(want) + 1e-15


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_half_rounds_once(case: Case, dtype: torch.dtype) -> None:
    theta, y = case.draw("random", dtype)
    loss = loss_of(case, theta, y)
    assert loss.dtype == dtype
    wide = loss_of(case, theta.float(), (y / 1).float()) if not case.on_simplex else None
    if wide is not None:
        torch.testing.assert_close(loss.float(), wide, rtol=torch.finfo(dtype).eps, atol=0)


def test_masked_classes() -> None:
    theta = torch.tensor([1.0, -torch.inf, 0.0], requires_grad=True)
    y = torch.tensor([0.25, 0.0, 0.75])
    for entropy in (Shannon(), *(Tsallis(a) for a in (1.2, 1.5, 2.0))):
        (grad,) = torch.autograd.grad(fenchel_young_loss(entropy, theta, y), theta)
        kept = fenchel_young_loss(entropy, theta.detach()[[0, 2]], y[[0, 2]])
        torch.testing.assert_close(fenchel_young_loss(entropy, theta, y), kept)
        assert grad[1] == 0
        assert grad.isfinite().all()
        assert fenchel_young_loss(entropy, theta, torch.tensor([0.0, 1.0, 0.0])) == torch.inf


def test_saturated_gradients_are_not_zero() -> None:
    """1 - sigmoid(40) is 4e-18, a normal float: a gradient, not 0."""
    case = CASES[1]
    theta = torch.tensor([40.0], requires_grad=True)
    loss_of(case, theta, torch.ones(1)).backward()
    assert theta.grad is not None
    assert theta.grad.item() == pytest.approx(-4.248354255e-18, rel=1e-6)
