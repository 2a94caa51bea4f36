"""Linear cross-entropy in chunks against the formula in float64, with everything at once."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import lossary.functional as F
from lossary.kernels import explain_choice, linear, linear_layer

TOLERANCE = {torch.float32: 2e-5, torch.float64: 1e-11, torch.bfloat16: 1e-2, torch.float16: 2e-3}


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of a few tokens, the last one shorter, and no call too small for them."""
    monkeypatch.setattr(linear_layer, "CHUNK_SCORES", 7 * 130)
    monkeypatch.setattr("lossary.kernels.select.SMALL_SCORES", 0)


def made(
    shape: tuple[int, ...] = (130,), tokens: int = 24, dtype: torch.dtype = torch.float32
) -> tuple[Tensor, Tensor, Tensor]:
    """Input, matrix and bias."""
    x, w = torch.randn(tokens, 16), torch.randn(*shape, 16)
    return x.to(dtype), w.to(dtype), torch.randn(shape).to(dtype)


def run(
    tensors: tuple[Tensor, ...], target: Tensor, times: float = 1.0, **options: Any
) -> list[Tensor]:
    """Value and gradients of an uneven sum of it."""
    x, w, b = (t.detach().clone().requires_grad_() for t in tensors)
    value = F.linear_cross_entropy(x, w, target, linear_bias=b, **options)
    upstream = torch.linspace(0.5, 2, value.numel(), dtype=torch.float64).view(value.shape) * times
    grads = torch.autograd.grad(value, (x, w, b), upstream.to(value.dtype))
    return [value.detach(), *grads]


def agrees(tensors: tuple[Tensor, ...], target: Tensor, times: float = 1.0, **options: Any) -> None:
    x, w, b = tensors
    choices = explain_choice(F.linear_cross_entropy, x, w, target, linear_bias=b, **options)
    assert choices[0].path == "fused"
    found = run(tensors, target, times, **options)
    wide = {
        k: v.double() if isinstance(v, Tensor) and v.is_floating_point() else v
        for k, v in options.items()
    }
    exact_target = target.double() if target.is_floating_point() else target
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOSSARY_KERNELS", "formula")
        exact = run(tuple(t.double() for t in tensors), exact_target, times, **wide)
    for a, b in zip(found, exact, strict=True):
        assert a.dtype == x.dtype
        tolerance = TOLERANCE[x.dtype]
        largest = float(b.abs().max())
        torch.testing.assert_close(a.double(), b, rtol=tolerance, atol=tolerance * largest / 2)


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("kind", ["hard", "smoothed", "soft"])
def test_everything_at_once(kind: str, reduction: str, dtype: torch.dtype) -> None:
    tensors = made(dtype=dtype)
    options: dict[str, Any] = {"weight": torch.rand(130).to(dtype), "reduction": reduction}
    target = torch.randint(130, (24,))
    if kind == "soft":
        target = torch.randn(24, 130).softmax(1).to(dtype)
    else:
        target[[2, 9]] = 5
        options["ignore_index"] = 5
    if kind != "hard":
        options["label_smoothing"] = 0.1
    agrees(tensors, target, times=3.0, **options)


@pytest.mark.parametrize("kind", ["hard", "smoothed", "soft"])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("softcap", [None, 3.0])
def test_penalty_cap_and_divisor(kind: str, reduction: str, softcap: float | None) -> None:
    options: dict[str, Any] = {"z_loss": 0.1, "logit_softcap": softcap, "reduction": reduction}
    options["weight"] = torch.rand(130)
    target = torch.randint(130, (24,))
    if reduction == "mean":
        options["divisor"] = 77
    if kind == "soft":
        target = torch.randn(24, 130).softmax(1)
    else:
        target[[2, 9]] = -100
    if kind != "hard":
        options["label_smoothing"] = 0.1
    agrees(made(), target, times=3.0, **options)


def test_penalty_and_cap_are_what_they_say() -> None:
    x, w, b = (t.double() for t in made())
    y, weight = torch.randint(130, (24,)), torch.rand(130).double()
    scores = 3 * torch.tanh(torch.nn.functional.linear(x, w, b) / 3)
    plain = torch.nn.functional.cross_entropy(scores, y, weight, reduction="none")
    expected = plain + 0.1 * weight[y] * scores.logsumexp(1) ** 2
    loss = F.linear_cross_entropy(
        x, w, y, linear_bias=b, weight=weight, z_loss=0.1, logit_softcap=3.0, reduction="none"
    )
    torch.testing.assert_close(loss, expected)
    mean = F.linear_cross_entropy(x, w, y, linear_bias=b, weight=weight, divisor=5)
    scores = torch.nn.functional.linear(x, w, b)
    total = torch.nn.functional.cross_entropy(scores, y, weight, reduction="sum")
    torch.testing.assert_close(mean, total / 5)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"z_loss": -1.0}, "z_loss=-1.0"),
        ({"logit_softcap": 0.0}, "logit_softcap=0.0"),
        ({"divisor": 3, "reduction": "sum"}, "divisor with reduction='sum'"),
    ],
)
def test_extras_out_of_range_are_refused(options: dict[str, Any], names: str) -> None:
    x, w, _ = made()
    with pytest.raises(ValueError, match=names):
        F.linear_cross_entropy(x, w, torch.zeros(24, dtype=torch.long), **options)


@pytest.mark.parametrize("shape", [(13, 5), (4, 3, 7)])
@pytest.mark.parametrize("kind", [int, float])
def test_scores_of_many_dimensions(shape: tuple[int, ...], kind: type) -> None:
    target = torch.randint(shape[0], (24, *shape[1:]))
    if kind is float:
        target = torch.randn(24, *shape).softmax(1)
    agrees(made(shape), target, reduction="none")
    agrees(made(shape), target)


def test_one_token_without_a_batch() -> None:
    x, w, b = made()
    for reduction in ("mean", "none"):
        agrees((x[0], w, b), torch.tensor(7), reduction=reduction)


def test_only_the_wanted_gradients_are_made() -> None:
    x, w, _ = made()
    y = torch.randint(130, (24,))
    leaf = x.clone().requires_grad_()
    (grad,) = torch.autograd.grad(F.linear_cross_entropy(leaf, w, y), leaf)
    expected = run((x, w, torch.zeros(130)), y)[1]
    torch.testing.assert_close(grad, expected / 0.5, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_backward_twice_gives_the_same_gradient(reduction: str) -> None:
    x, w, _ = made()
    leaf = w.clone().requires_grad_()
    value = F.linear_cross_entropy(x, leaf, torch.randint(130, (24,)), reduction=reduction).sum()
    first, second = (
        torch.autograd.grad(value, leaf, torch.tensor(2.0), retain_graph=True)[0].clone()
        for _ in range(2)
    )
    assert torch.equal(first, second)
    assert torch.equal(first, torch.autograd.grad(value, leaf, torch.tensor(2.0))[0])


def test_second_derivatives_and_many_gradients_at_once() -> None:
    x, w, b = (t.double().requires_grad_() for t in made((9,), tokens=4))
    y = torch.tensor([0, 8, 3, 3])

    def loss(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return F.linear_cross_entropy(x, w, y, linear_bias=b, reduction="none")

    assert torch.autograd.gradcheck(loss, (x, w, b))
    assert torch.autograd.gradgradcheck(loss, (x, w, b))
    ups = torch.eye(4, dtype=torch.float64)
    together = torch.autograd.grad(loss(x, w, b), w, ups, is_grads_batched=True)[0]
    apart = [torch.autograd.grad(loss(x, w, b), w, up)[0] for up in ups]
    torch.testing.assert_close(together, torch.stack(apart))


def test_function_transforms_take_the_formula() -> None:
    x, w, b = (t.double() for t in made((9,), tokens=4))
    y = torch.tensor([0, 8, 3, 3])

    def loss(x: Tensor) -> Tensor:
        return F.linear_cross_entropy(x, w, y, linear_bias=b)

    leaf = x.clone().requires_grad_()
    (grad,) = torch.autograd.grad(loss(leaf), leaf)
    torch.testing.assert_close(torch.func.grad(loss)(x), grad)
    compiled: Any = torch.compile(loss, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(x), loss(x))


def test_half_precision_gradients_do_not_underflow() -> None:
    x, w, b = made(dtype=torch.float16)
    y = torch.randint(130, (24,))
    # A mean over many tokens times a loss scale: the product is a normal float16 number.
    small = run((x, w, b), y, times=2.0**-12)
    large = run((x, w, b), y, times=1.0)
    torch.testing.assert_close(small[2].double() * 2.0**12, large[2].double(), rtol=2e-2, atol=1e-3)


def test_no_gradient_keeps_nothing_and_inputs_are_untouched() -> None:
    x, w, b = made()
    before = [t.clone() for t in (x, w, b)]
    y = torch.randint(130, (24,))
    with torch.no_grad():
        value = F.linear_cross_entropy(x, w, y, linear_bias=b)
    assert value.grad_fn is None
    assert all(torch.equal(a, c) for a, c in zip(before, (x, w, b), strict=True))


def test_validation_makes_no_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    x, w, b = (t.requires_grad_() for t in made())
    made_for: list[tuple[bool, ...]] = []
    monkeypatch.setattr(linear, "Gradients", lambda x, layer, wanted: made_for.append(wanted))
    with torch.no_grad():
        value = F.linear_cross_entropy(x, w, torch.randint(130, (24,)), linear_bias=b)
    assert not value.requires_grad
    assert made_for == []


def test_the_reasons_against_chunks() -> None:
    x, w, _ = made()
    mass = torch.randn(24, 130).softmax(1).requires_grad_()
    choices = explain_choice(F.linear_cross_entropy, x, w, mass)
    assert choices[0].path == "formula"
    assert "wants a gradient" in choices[0].reason


def test_wrong_targets_are_refused_before_any_product() -> None:
    x, w, _ = made()
    with pytest.raises(IndexError, match="Target 130 is out of bounds"):
        F.linear_cross_entropy(x, w, torch.full((24,), 130))
    with pytest.raises(ValueError, match="batch"):
        F.linear_cross_entropy(x, w, torch.zeros(23, dtype=torch.long))
