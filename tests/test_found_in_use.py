"""Faults that people met in ordinary use: each stays mended."""

from __future__ import annotations

import io
from typing import Any

import pytest
import torch
from torch import Tensor

import lossary.functional as F
import lossary.nn as nn


class Reversed(torch.autograd.Function):
    """The identity whose gradient is turned round, as domain-adversarial training has it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *upstreams: Tensor) -> Tensor:
        return -upstreams[0]


def bce_slope(module: Any, change: Any) -> Tensor:
    z = torch.tensor([2.0, -1.0], requires_grad=True)
    loss = module.BCELoss()(change(module.Sigmoid()(z)), torch.tensor([1.0, 0.0]))
    return torch.autograd.grad(loss, z)[0]


@pytest.mark.parametrize("sigmoid", [nn.Sigmoid(), torch.sigmoid])
def test_a_gradient_reversed_after_the_sigmoid_is_reversed(sigmoid: Any) -> None:
    ours = bce_slope(nn, lambda p: Reversed.apply(p))  # type: ignore[no-untyped-call]
    theirs = bce_slope(torch.nn, lambda p: Reversed.apply(p))  # type: ignore[no-untyped-call]
    torch.testing.assert_close(ours, theirs)
    z = torch.tensor([2.0, -1.0], requires_grad=True)
    turned: Any = Reversed.apply(sigmoid(z))  # type: ignore[no-untyped-call]
    (found,) = torch.autograd.grad(nn.BCELoss()(turned, torch.tensor([1.0, 0.0])), z)
    torch.testing.assert_close(found, theirs)


def test_hooks_on_a_sigmoid_are_called() -> None:
    model = nn.Sequential(nn.Linear(3, 1), nn.Sigmoid())
    seen: list[Any] = []
    model.register_full_backward_hook(lambda m, given, made: seen.append(made))
    x = torch.randn(2, 3, requires_grad=True)
    torch.autograd.backward(nn.BCELoss()(model(x), torch.ones(2, 1)))
    assert len(seen) == 1
    p = nn.Sigmoid()(torch.tensor([2.0], requires_grad=True))
    loss = nn.BCELoss()(p, torch.ones(1))
    p.register_hook(seen.append)
    torch.autograd.backward(loss)
    assert len(seen) == 2


def test_a_loss_may_be_differentiated_by_the_probability() -> None:
    p = nn.Sigmoid()(torch.tensor([2.0, -1.0], requires_grad=True))
    (found,) = torch.autograd.grad(nn.BCELoss()(p, torch.tensor([1.0, 0.0])), p)
    torch.testing.assert_close(found, torch.tensor([-0.5, 0.5]) / torch.stack([p[0], 1 - p[1]]))


def test_writes_past_the_version_counter_are_seen() -> None:
    y = torch.tensor([1.0, 0.0])
    z = torch.tensor([2.0, -1.0])
    p = nn.Sigmoid()(z)
    expected = nn.BCELoss()(p, y)
    z.data.zero_()
    torch.testing.assert_close(nn.BCELoss()(p, y), expected)
    p.numpy()[0] = 0.5
    theirs = torch.nn.functional.binary_cross_entropy(p, y)
    torch.testing.assert_close(nn.BCELoss()(p, y), theirs)


def test_a_slice_of_logits_is_remembered_too() -> None:
    h = torch.tensor([[200.0, 1.0], [-3.0, 2.0]])
    for p in (F.sigmoid(h[:, 0:1]).squeeze(1), F.sigmoid(h[:, 0]), F.sigmoid(h)[:, 0]):
        assert F.binary_cross_entropy(p, torch.zeros(2), reduction="none")[0] == 200


def test_inference_mode_and_saving_know_no_logits() -> None:
    with torch.inference_mode():
        assert nn.Sequential(nn.Linear(4, 1), nn.Sigmoid())(torch.zeros(1, 4)).shape == (1, 1)
    ours, theirs = io.BytesIO(), io.BytesIO()
    torch.save(nn.Sigmoid()(torch.zeros(1000)), ours)
    torch.save(torch.zeros(1000), theirs)
    assert len(ours.getvalue()) < 1.1 * len(theirs.getvalue()) + 200


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_probabilities_are_scored_inside_autocast(dtype: torch.dtype) -> None:
    model = nn.Sequential(nn.Linear(3, 1), nn.Sigmoid())
    with torch.autocast("cpu", dtype=dtype):
        loss = nn.BCELoss()(model(torch.zeros(2, 3)), torch.ones(2, 1))
    assert loss.dtype == torch.float32


def test_layers_are_traced_by_fx() -> None:
    traced = torch.fx.symbolic_trace(nn.Sequential(nn.Sigmoid(), nn.Softmax(1), nn.LogSoftmax(1)))
    x = torch.randn(2, 3)
    torch.testing.assert_close(traced(x), x.sigmoid().softmax(1).log_softmax(1))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("entries", [10, 40_000])
def test_margin_ranking_leaves_its_inputs_alone(entries: int, dtype: torch.dtype) -> None:
    a, b = torch.randn(2, entries, dtype=dtype)
    before = a.clone()
    F.margin_ranking_loss(a, b, torch.ones_like(a))
    assert torch.equal(a, before)


@pytest.mark.parametrize("name", ["cross_entropy", "multi_margin_loss"])
@pytest.mark.parametrize("rows", [5, 4000])
def test_a_class_weight_that_wants_a_gradient_is_refused(name: str, rows: int) -> None:
    weight = torch.ones(16, requires_grad=True)
    with pytest.raises(RuntimeError, match="derivative for 'weight' is not implemented"):
        getattr(F, name)(torch.randn(rows, 16), torch.zeros(rows, dtype=torch.long), weight=weight)


@pytest.mark.parametrize("rows", [5, 4000])
def test_many_gradients_at_once(rows: int) -> None:
    x, y = torch.randn(rows, 16, requires_grad=True), torch.randint(16, (rows,))
    losses = F.cross_entropy(x, y, reduction="none")
    ups = torch.rand(2, rows)
    together = torch.autograd.grad(losses, x, ups, is_grads_batched=True, retain_graph=True)[0]
    apart = [torch.autograd.grad(losses, x, up, retain_graph=True)[0] for up in ups]
    torch.testing.assert_close(together, torch.stack(apart), rtol=1e-5, atol=1e-8)


def test_an_infinite_loss_that_is_masked_out_leaves_no_nan() -> None:
    p = torch.tensor([0.0, 0.5], requires_grad=True)
    losses = F.binary_cross_entropy(p, torch.ones(2), reduction="none")
    kept = torch.where(torch.tensor([False, True]), losses, 0).sum()
    assert torch.autograd.grad(kept, p)[0].tolist() == [0, -2]


def test_a_shared_variance_is_summed_wide() -> None:
    x, y = torch.randn(3000, 16), torch.randn(3000, 16)
    var = torch.ones(3000, 1, requires_grad=True)
    (found,) = torch.autograd.grad(F.gaussian_nll_loss(x, y, var), var)
    wide = var.detach().double().requires_grad_()
    (exact,) = torch.autograd.grad(F.gaussian_nll_loss(x.double(), y.double(), wide), wide)
    torch.testing.assert_close(found.double(), exact, rtol=1e-6, atol=0)


def test_half_precision_adaptive_softmax_does_not_overflow() -> None:
    layer = nn.AdaptiveLogSoftmaxWithLoss(64, 1000, cutoffs=[10, 100]).half()
    x, y = torch.randn(20_000, 64).half(), torch.randint(1000, (20_000,))
    exact = layer.double()(x.double(), y).loss
    torch.testing.assert_close(layer.half()(x, y).loss.double(), exact, rtol=2e-3, atol=0)


@pytest.mark.parametrize(
    ("name", "tensors"),
    [
        ("multilabel_soft_margin_loss", (torch.zeros(3, 0), torch.zeros(3, 0))),
        ("triplet_margin_loss", (torch.zeros(3, 0),) * 3),
        ("cosine_embedding_loss", (torch.zeros(3, 0), torch.zeros(3, 0), torch.ones(3))),
        ("cross_entropy", (torch.zeros(4, 0), torch.zeros(4, 0))),
        ("cross_entropy", (torch.zeros(0, 0), torch.zeros(0, dtype=torch.long))),
    ],
)
def test_dimensions_of_zero_are_answered(name: str, tensors: tuple[Tensor, ...]) -> None:
    assert getattr(F, name)(*tensors, reduction="sum").isfinite()


def test_the_weight_of_a_stand_in_class_does_not_leak() -> None:
    x, y = torch.randn(2, 3), torch.tensor([1, -100])
    weight = torch.tensor([torch.nan, 1.0, 2.0])
    torch.testing.assert_close(F.cross_entropy(x, y, weight), F.cross_entropy(x[:1], y[:1]))


def test_finite_losses_stay_finite() -> None:
    far = F.smooth_l1_loss(torch.tensor([1e20]), torch.zeros(1), reduction="none", beta=1e21)
    torch.testing.assert_close(far, torch.tensor([5e18]))
    vague = F.gaussian_nll_loss(torch.zeros(1), torch.ones(1), torch.tensor([torch.inf]))
    assert vague == torch.inf
    x = torch.tensor([[0.0, 3e38]]).repeat(3, 1)
    torch.testing.assert_close(F.cross_entropy(x, torch.zeros(3).long()), torch.tensor(3e38))


@pytest.mark.parametrize("given", [[0, 1, 0], None, torch.zeros(3).numpy()])
def test_what_is_no_tensor_is_refused(given: Any) -> None:
    for call in (
        lambda: F.cross_entropy(torch.zeros(3, 2), given),
        lambda: F.mse_loss(given, torch.zeros(3)),
        lambda: nn.BCELoss()(torch.zeros(3), given),
    ):
        with pytest.raises(TypeError, match=r"a torch\.Tensor"):
            call()


def test_ctc_lengths_are_whole_and_add_up() -> None:
    log_p = torch.randn(10, 2, 5).log_softmax(2)
    with pytest.raises(TypeError, match="must be integral"):
        F.ctc_loss(log_p, torch.ones(2, 3).long(), torch.tensor([9.7, 9.0]), torch.tensor([3, 3]))
    with pytest.raises(ValueError, match="Expected target_lengths"):
        F.ctc_loss(log_p, torch.ones(7).long(), torch.tensor([9, 9]), torch.tensor([3, 3]))
