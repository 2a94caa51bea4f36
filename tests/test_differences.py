"""Each deliberate difference from torch, beside what torch does: see docs/differences.md."""

import math

import pytest
import torch
import torch.nn.functional as torch_functional
from torch import Tensor

import lossary.functional as lossary_functional
import lossary.nn as nn


def value_and_gradient(loss: Tensor, x: Tensor) -> tuple[float, list[float]]:
    (gradient,) = torch.autograd.grad(loss, x)
    return loss.item(), gradient.flatten().tolist()


def leaf(*values: float) -> Tensor:
    return torch.tensor(values, requires_grad=True)


EXACT_TAIL = 2.0611536181902037e-09  # log(1 + exp(-20))


def test_certain_cross_entropy() -> None:
    x, y = leaf(20.0, 0.0), torch.tensor(0)
    assert value_and_gradient(torch_functional.cross_entropy(x, y), x)[0] == 0
    value, gradient = value_and_gradient(lossary_functional.cross_entropy(x, y), x)
    assert value == pytest.approx(EXACT_TAIL, rel=1e-6)
    assert gradient == pytest.approx([-EXACT_TAIL, EXACT_TAIL], rel=1e-6)


def test_certain_binary_cross_entropy() -> None:
    x, y = leaf(-20.0), torch.zeros(1)
    assert torch_functional.binary_cross_entropy_with_logits(x, y).item() == 0
    loss = lossary_functional.binary_cross_entropy_with_logits(x, y)
    value, gradient = value_and_gradient(loss, x)
    assert value == pytest.approx(EXACT_TAIL, rel=1e-6)
    assert gradient == pytest.approx([EXACT_TAIL], rel=1e-6)


def test_masked_classes() -> None:
    x = leaf(0.0, 1.0, -math.inf)
    soft = torch.tensor([1.0, 0.0, 0.0])
    assert math.isnan(torch_functional.cross_entropy(x, soft).item())
    value, gradient = value_and_gradient(lossary_functional.cross_entropy(x, soft), x)
    assert value == pytest.approx(math.log1p(math.e), rel=1e-6)
    p = math.e / (1 + math.e)
    assert gradient == pytest.approx([-p, p, 0.0], rel=1e-6)
    certain = torch.tensor([-math.inf, math.inf]), torch.tensor([0.0, 1.0])
    assert math.isnan(torch_functional.binary_cross_entropy_with_logits(*certain).item())
    assert lossary_functional.binary_cross_entropy_with_logits(*certain).item() == 0


def test_ignored_rows_hold_nothing() -> None:
    x = torch.tensor([[0.0, 1.0], [math.nan, math.nan]], requires_grad=True)
    y = torch.tensor([0, -100])
    theirs = value_and_gradient(torch_functional.cross_entropy(x, y), x)[1]
    assert math.isnan(theirs[2])
    ours = value_and_gradient(lossary_functional.cross_entropy(x, y), x)[1]
    assert ours[2:] == [0.0, 0.0]


def test_probabilities_are_not_clamped() -> None:
    p, y = leaf(0.0), torch.ones(1)
    value, gradient = value_and_gradient(torch_functional.binary_cross_entropy(p, y), p)
    assert value == 100
    assert gradient == pytest.approx([-1e12])
    loss = lossary_functional.binary_cross_entropy(p, y)
    assert value_and_gradient(loss, p) == (math.inf, [-math.inf])


@pytest.mark.parametrize("reshape", [lambda p: p, lambda p: p.squeeze(1), lambda p: p[:, 0]])
def test_sigmoid_remembers_its_logits(reshape: object) -> None:
    assert callable(reshape)
    z = torch.tensor([[20.0], [-95.0], [0.5]], requires_grad=True)
    p = reshape(nn.Sigmoid()(z * 1))
    y = reshape(torch.tensor([[0.0], [1.0], [1.0]]))
    losses = nn.BCELoss(reduction="none")(p, y)
    assert losses.flatten().tolist() == pytest.approx([20, 95, math.log1p(math.exp(-0.5))])
    (gradient,) = torch.autograd.grad(losses.sum(), z)
    assert gradient.flatten().tolist() == pytest.approx([1, -1, -1 / (1 + math.exp(0.5))])
    theirs = torch_functional.binary_cross_entropy(
        torch.sigmoid(z), torch.zeros(3, 1), reduction="none"
    )
    assert theirs[0].item() == 100


def test_a_sigmoid_of_a_leaf_is_known_without_us() -> None:
    z = leaf(20.0)
    loss = lossary_functional.binary_cross_entropy(torch.sigmoid(z), torch.zeros(1))
    assert value_and_gradient(loss, z) == (20.0, [1.0])


def test_a_changed_or_watched_probability_is_taken_as_it_is() -> None:
    clipped = nn.Sigmoid()(torch.tensor([20.0])).clamp_(max=0.5)
    loss = lossary_functional.binary_cross_entropy(clipped, torch.zeros(1))
    assert loss.item() == pytest.approx(math.log(2))
    watched = nn.Sigmoid()(leaf(1.0) * 1)
    watched.retain_grad()
    lossary_functional.binary_cross_entropy(watched, torch.zeros(1)).backward()
    assert watched.grad is not None


def test_a_lost_logit_does_not_cost_the_batch() -> None:
    z = leaf(20.0, 1.0)
    p = torch.sigmoid(z * 1)
    loss = lossary_functional.binary_cross_entropy(p, torch.zeros(2), reduction="sum")
    value, gradient = value_and_gradient(loss, z)
    assert value == math.inf
    assert gradient == pytest.approx([0.0, 1 / (1 + math.exp(-1))])


def test_half_precision_is_summed_in_float32() -> None:
    x = torch.tensor([[1.0, 0.0]]).expand(65_536, 2).half()
    y = torch.zeros(65_536, dtype=torch.long)
    assert torch_functional.cross_entropy(x, y).item() == 0
    assert lossary_functional.cross_entropy(x, y).item() == pytest.approx(0.31326, rel=1e-3)
    far = torch.tensor([300.0, 0.0, 0.0, 0.0]).half()
    assert torch_functional.mse_loss(far, torch.zeros(4).half()).item() == math.inf
    assert lossary_functional.mse_loss(far, torch.zeros(4).half()).item() == 22_496


def test_divergence_with_zeros() -> None:
    log_q, p = torch.tensor([0.0, -math.inf]), torch.tensor([1.0, 0.0])
    assert math.isnan(torch_functional.kl_div(log_q, p, reduction="sum").item())
    assert lossary_functional.kl_div(log_q, p, reduction="sum").item() == 0


def test_soft_margin_far_out() -> None:
    x, y = leaf(-89.0), torch.ones(1)
    assert torch_functional.soft_margin_loss(x, y).item() == math.inf
    assert value_and_gradient(lossary_functional.soft_margin_loss(x, y), x) == (89.0, [-1.0])


def test_poisson_in_full() -> None:
    x, y = torch.zeros(1), torch.tensor([2.0])
    theirs = torch_functional.poisson_nll_loss(x, y, full=True).item()
    ours = lossary_functional.poisson_nll_loss(x, y, full=True).item()
    assert theirs == pytest.approx(1.6518, rel=1e-4)
    assert ours == pytest.approx(1 + math.log(2), rel=1e-6)


@pytest.mark.parametrize(("size", "torch_answer"), [(1e-8, 0.9999), (1e20, math.nan)])
def test_cosine_of_any_norm(size: float, torch_answer: float) -> None:
    a = torch.tensor([[size, 0.0]])
    y = torch.ones(1)
    theirs = torch_functional.cosine_embedding_loss(a, a, y).item()
    assert theirs == pytest.approx(torch_answer, rel=1e-4, nan_ok=True)
    assert lossary_functional.cosine_embedding_loss(a, a, y).item() == 0


def test_ctc_gradient() -> None:
    scores = torch.randn(6, 2, 5, dtype=torch.float64, requires_grad=True)
    rest = (torch.tensor([[1, 2], [3, 3]]), torch.tensor([6, 5]), torch.tensor([2, 2]))
    behind = [
        torch.autograd.grad(module.ctc_loss(scores.log_softmax(2), *rest), scores)[0]
        for module in (torch_functional, lossary_functional)
    ]
    torch.testing.assert_close(*behind)
    log_probs = scores.detach().log_softmax(2).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: lossary_functional.ctc_loss(x, *rest), log_probs)


def test_long_softmax() -> None:
    x = torch.rand(2**20, 2, generator=torch.Generator().manual_seed(0))
    exact = x.double().log_softmax(0)
    theirs = (torch_functional.log_softmax(x, 0) - exact).abs().max().item()
    ours = (lossary_functional.log_softmax(x, 0) - exact).abs().max().item()
    assert ours < 5e-6 < theirs


NOTHING = {
    "all ignored": ("cross_entropy", (torch.zeros(2, 3), torch.full((2,), -100)), {}),
    "no weight": ("nll_loss", (torch.zeros(1, 2), torch.tensor([0])), {"weight": torch.zeros(2)}),
    "no rows": ("cross_entropy", (torch.zeros(0, 3), torch.zeros(0, dtype=torch.long)), {}),
    "no entries": ("mse_loss", (torch.zeros(0), torch.zeros(0)), {}),
}


@pytest.mark.parametrize("case", NOTHING)
def test_a_mean_over_nothing(case: str) -> None:
    function, (x, y), options = NOTHING[case]
    x = x.clone().requires_grad_()
    assert math.isnan(getattr(torch_functional, function)(x, y, **options).item())
    loss = getattr(lossary_functional, function)(x, y, **options)
    assert loss.item() == 0
    assert not torch.autograd.grad(loss, x)[0].any()


PAIRED = [
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "huber_loss",
    "kl_div",
    "poisson_nll_loss",
    "hinge_embedding_loss",
    "soft_margin_loss",
    "multilabel_soft_margin_loss",
]


@pytest.mark.parametrize("function", PAIRED)
@pytest.mark.filterwarnings("ignore:.*reduction. 'mean'.*:UserWarning")
def test_unequal_shapes_raise(function: str) -> None:
    with pytest.raises(ValueError, match=r"\(4, 1\).*\(4,\)") as caught:
        getattr(lossary_functional, function)(torch.rand(4, 1), torch.ones(4))
    assert "squeeze(-1)" in str(caught.value)


def test_nan_targets_are_refused() -> None:
    x, y = torch.zeros(3), torch.tensor([0.0, math.nan, 1.0])
    with pytest.raises(ValueError, match="flat index 1 of 3"):
        lossary_functional.mse_loss(x, y)
    kept = lossary_functional.mse_loss(x, y, reduction="none")
    assert kept.isnan().tolist() == [False, True, False]
    with pytest.raises(ValueError, match="log_target=True"):
        lossary_functional.kl_div(x, -torch.ones(3), reduction="sum")


@pytest.mark.parametrize(
    "dtype", [torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64], ids=str
)
def test_any_integer_dtype(dtype: torch.dtype) -> None:
    x, y = torch.randn(4, 3), torch.tensor([0, 2, 1, 1])
    ours = lossary_functional.cross_entropy(x, y.to(dtype))
    torch.testing.assert_close(ours, torch_functional.cross_entropy(x, y))
