"""Planted wrong losses, one fault each: a comparison that passes them would prove nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.cases import BY_NAME
from tests.checking import disagreements, neighbours
from tests.oracles import ORACLES
from tests.rows import for_torch

T = torch.nn.functional
Tensors = tuple[Tensor, ...]


@dataclass(frozen=True)
class Planted:
    """A wrong loss, and where its fault shows."""

    row: str
    fault: str
    wrong: Callable[..., Tensor]
    regime: str = "ordinary"
    dtype: torch.dtype = torch.float32
    options: tuple[tuple[str, Any], ...] = ()
    reduction: str = "mean"


def reduced(items: Tensor, reduction: str) -> Tensor:
    """The plain reduction."""
    return items if reduction == "none" else getattr(items, reduction)()


def torchs(name: str) -> Callable[..., Tensor]:
    """torch's own loss, for the regimes in which it is wrong."""
    return getattr(T, name)  # type: ignore[no-any-return]


def ce_eps(x: Tensor, y: Tensor, reduction: str) -> Tensor:
    p = x.softmax(1).gather(1, y.unsqueeze(1)).squeeze(1)
    return reduced(-(p + 1e-8).log(), reduction)


def ce_clamped(x: Tensor, y: Tensor, reduction: str) -> Tensor:
    return reduced(-x.log_softmax(1).gather(1, y.unsqueeze(1)).squeeze(1).clamp(min=-50), reduction)


def ce_cancels(x: Tensor, y: Tensor, reduction: str) -> Tensor:
    return reduced(x.logsumexp(1) - x.gather(1, y.unsqueeze(1)).squeeze(1), reduction)


def ce_forgets_mask(x: Tensor, y: Tensor, reduction: str, ignore_index: int) -> Tensor:
    return T.cross_entropy(x, y, reduction=reduction)


def ce_counts_ignored(x: Tensor, y: Tensor, reduction: str, ignore_index: int) -> Tensor:
    return T.cross_entropy(x, y, ignore_index=ignore_index, reduction="sum") / len(y)


def ce_divides_by_count(x: Tensor, y: Tensor, reduction: str, weight: Tensor) -> Tensor:
    return T.cross_entropy(x, y, weight=weight, reduction="sum") / len(y)


def ce_float32_slope(x: Tensor, y: Tensor, reduction: str) -> Tensor:
    slope = x.detach().softmax(1) - T.one_hot(y, x.shape[1])
    exact = T.cross_entropy(x.double(), y, reduction="none").to(x.dtype)
    fake = (x * slope).sum(1)
    return reduced(exact.detach() + fake - fake.detach(), reduction)


def smoothing_spares_truth(x: Tensor, y: Tensor, reduction: str, label_smoothing: float) -> Tensor:
    q = torch.full_like(x, label_smoothing / (x.shape[1] - 1))
    q = q.scatter(1, y.unsqueeze(1), 1 - label_smoothing)
    return T.cross_entropy(x, q, reduction=reduction)


def nll_unsigned(x: Tensor, y: Tensor, reduction: str) -> Tensor:
    return -T.nll_loss(x, y, reduction=reduction)


def nll_divides_by_count(x: Tensor, y: Tensor, reduction: str, weight: Tensor) -> Tensor:
    return T.nll_loss(x, y, weight=weight, reduction="sum") / len(y)


def bce_eps(p: Tensor, y: Tensor, reduction: str) -> Tensor:
    return reduced(-(y * (p + 1e-8).log() + (1 - y) * (1 - p + 1e-8).log()), reduction)


def bce_logits_by_sigmoid(z: Tensor, y: Tensor, reduction: str) -> Tensor:
    return T.binary_cross_entropy(z.sigmoid(), y, reduction=reduction)


def bce_logits_float32_slope(z: Tensor, y: Tensor, reduction: str) -> Tensor:
    exact = T.binary_cross_entropy_with_logits(z.double(), y.double(), reduction="none")
    fake = z * (z.detach().sigmoid() - y)
    return reduced(exact.to(z.dtype).detach() + fake - fake.detach(), reduction)


def bce_pos_weight_on_both(z: Tensor, y: Tensor, reduction: str, pos_weight: Tensor) -> Tensor:
    return T.binary_cross_entropy_with_logits(z, y, weight=pos_weight, reduction=reduction)


def kl_swapped(x: Tensor, y: Tensor, reduction: str) -> Tensor:
    return reduced(x.exp() * (x - y.log()), reduction)


def kl_batchmean_by_entries(x: Tensor, y: Tensor, reduction: str) -> Tensor:
    return T.kl_div(x, y, reduction="sum") / x.numel()


def half_mse(x: Tensor, y: Tensor, reduction: str) -> Tensor:
    return reduced((x - y) ** 2 / 2, reduction)


def mse_in_half(x: Tensor, y: Tensor, reduction: str) -> Tensor:
    return reduced((x - y) ** 2, reduction)


def mse_divides_by_count(x: Tensor, y: Tensor, reduction: str, weight: Tensor) -> Tensor:
    return ((x - y) ** 2 * weight).mean()


def huber_for_smooth(x: Tensor, y: Tensor, reduction: str, beta: float) -> Tensor:
    return T.huber_loss(x, y, reduction=reduction, delta=beta)


def smooth_for_huber(x: Tensor, y: Tensor, reduction: str, delta: float) -> Tensor:
    return T.smooth_l1_loss(x, y, reduction=reduction, beta=delta)


def poisson_without_eps(
    x: Tensor, y: Tensor, reduction: str, log_input: bool, full: bool, eps: float
) -> Tensor:
    return reduced(x - y * x.log() + (y + 1).lgamma(), reduction)


def gaussian_blocked_clamp(x: Tensor, y: Tensor, var: Tensor, reduction: str) -> Tensor:
    v = var.clamp(min=1e-6)
    return reduced(0.5 * (v.log() + (x - y) ** 2 / v), reduction)


def gaussian_without_half(x: Tensor, y: Tensor, var: Tensor, reduction: str) -> Tensor:
    return reduced(var.log() + (x - y) ** 2 / var, reduction)


def multilabel_soft_summed(x: Tensor, y: Tensor, reduction: str) -> Tensor:
    return reduced(T.binary_cross_entropy_with_logits(x, y, reduction="none").sum(-1), reduction)


def multilabel_margin_undivided(x: Tensor, y: Tensor, reduction: str) -> Tensor:
    return T.multilabel_margin_loss(x, y, reduction=reduction) * x.shape[1]


def multi_margin_counts_itself(x: Tensor, y: Tensor, reduction: str) -> Tensor:
    gaps = (1 - x.gather(1, y.unsqueeze(1)) + x).clamp(min=0)
    return reduced(gaps.mean(1), reduction)


def multi_margin_ignores_p(x: Tensor, y: Tensor, reduction: str, p: int, margin: float) -> Tensor:
    return T.multi_margin_loss(x, y, margin=margin, reduction=reduction)


def hinge_ignores_margin(x: Tensor, y: Tensor, reduction: str, margin: float) -> Tensor:
    return T.hinge_embedding_loss(x, y, reduction=reduction)


def ranking_backwards(a: Tensor, b: Tensor, y: Tensor, reduction: str) -> Tensor:
    return T.margin_ranking_loss(b, a, y, reduction=reduction)


def cosine_unsigned(a: Tensor, b: Tensor, y: Tensor, reduction: str) -> Tensor:
    return reduced(1 - T.cosine_similarity(a, b, dim=-1), reduction)


def triplet_squared(a: Tensor, p: Tensor, n: Tensor, reduction: str) -> Tensor:
    near, far = (T.pairwise_distance(a, t) ** 2 for t in (p, n))
    return reduced((1 + near - far).clamp(min=0), reduction)


def triplet_without_eps(a: Tensor, b: Tensor, n: Tensor, reduction: str, **own: Any) -> Tensor:
    near, far = (T.pairwise_distance(a, t, p=own["p"], eps=0) for t in (b, n))
    return reduced((1 + near - far).clamp(min=0), reduction)


def triplet_never_swaps(a: Tensor, p: Tensor, n: Tensor, reduction: str, swap: bool) -> Tensor:
    return T.triplet_margin_with_distance_loss(a, p, n, reduction=reduction)


def ctc_undivided(x: Tensor, y: Tensor, frames: Tensor, sizes: Tensor, reduction: str) -> Tensor:
    items = [
        T.ctc_loss(x[:, i], y[i, : int(sizes[i])], frames[i], sizes[i], reduction="sum")
        for i in range(len(y))
    ]
    return torch.stack(items).mean()


def linear_without_bias(
    x: Tensor, w: Tensor, y: Tensor, reduction: str, linear_bias: Tensor, label_smoothing: float
) -> Tensor:
    return T.linear_cross_entropy(x, w, y, reduction=reduction, label_smoothing=label_smoothing)


def with_own_options(name: str, *keys: str) -> tuple[tuple[str, Any], ...]:
    """The first row of the grid that has these options."""
    (row, *_) = [r for r in BY_NAME[name].grid if set(keys) <= set(r)]
    return tuple(row.items())


def plant(row: str, fault: str, wrong: Callable[..., Tensor], *keys: str, **where: Any) -> Planted:
    """A planted fault that needs the options ``keys`` to show."""
    return Planted(row, fault, wrong, options=with_own_options(row, *keys), **where)


HALF = torch.float16
BCE_LOGITS = "binary_cross_entropy_with_logits"
PLANTED = (
    plant("cross_entropy", "eps inside the log", ce_eps, regime="saturated"),
    plant("cross_entropy", "clamped log", ce_clamped, regime="saturated"),
    plant("cross_entropy", "logsumexp minus score", ce_cancels, regime="optimum"),
    plant("cross_entropy", "softmax minus one-hot", ce_float32_slope, regime="optimum"),
    plant("cross_entropy", "forgotten mask", ce_forgets_mask, "ignore_index"),
    plant("cross_entropy", "ignored rows counted", ce_counts_ignored, "ignore_index"),
    plant("cross_entropy", "mean by count, not weight", ce_divides_by_count, "weight"),
    plant("cross_entropy", "half precision all through", torchs("cross_entropy"), dtype=HALF),
    plant(
        "cross_entropy[smoothed]", "truth spared", smoothing_spares_truth, "label_smoothing"
    ),
    plant("cross_entropy[soft masked]", "0 * inf", torchs("cross_entropy"), regime="masked"),
    plant("nll_loss", "wrong sign", nll_unsigned),
    plant("nll_loss", "mean by count, not weight", nll_divides_by_count, "weight"),
    plant("binary_cross_entropy", "eps inside the log", bce_eps, regime="rare"),
    plant(
        "binary_cross_entropy[certain]", "clamp at -100", torchs("binary_cross_entropy"),
        regime="certain",
    ),
    plant(BCE_LOGITS, "one end cancels", torchs(BCE_LOGITS), regime="saturated"),
    plant(BCE_LOGITS, "sigmoid first", bce_logits_by_sigmoid, regime="saturated"),
    plant(BCE_LOGITS, "sigmoid minus target", bce_logits_float32_slope, regime="saturated"),
    plant(BCE_LOGITS, "positive weight on both", bce_pos_weight_on_both, "pos_weight"),
    plant(f"{BCE_LOGITS}[masked]", "0 * inf", torchs(BCE_LOGITS), regime="masked"),
    plant("kl_div", "swapped", kl_swapped, reduction="sum"),
    plant("kl_div", "log p minus log q in float32", torchs("kl_div"), regime="optimum",
          reduction="sum"),
    plant("kl_div", "batchmean by entries", kl_batchmean_by_entries, reduction="batchmean"),
    plant("kl_div[masked]", "0 * inf", torchs("kl_div"), regime="masked", reduction="sum"),
    plant("mse_loss", "half the square", half_mse),
    plant("mse_loss", "squared in half precision", mse_in_half, dtype=HALF),
    plant("mse_loss", "mean by count, not weight", mse_divides_by_count, "weight"),
    plant("l1_loss", "squared", half_mse),
    plant("smooth_l1_loss", "Huber's factor", huber_for_smooth, "beta"),
    plant("huber_loss", "no factor", smooth_for_huber, "delta"),
    plant("poisson_nll_loss", "Stirling", torchs("poisson_nll_loss"), "full"),
    plant("poisson_nll_loss[rate]", "eps left out", poisson_without_eps, "full", "eps"),
    plant("gaussian_nll_loss", "no half", gaussian_without_half),
    plant("gaussian_nll_loss", "clamp blocks", gaussian_blocked_clamp, regime="tiny"),
    plant("soft_margin_loss", "exp overflows", torchs("soft_margin_loss"), regime="saturated"),
    plant("multilabel_soft_margin_loss", "summed", multilabel_soft_summed),
    plant("multilabel_margin_loss", "not divided", multilabel_margin_undivided),
    plant("multi_margin_loss", "counts itself", multi_margin_counts_itself),
    plant("multi_margin_loss", "power ignored", multi_margin_ignores_p, "p"),
    plant("hinge_embedding_loss", "margin ignored", hinge_ignores_margin, "margin"),
    plant("margin_ranking_loss", "backwards", ranking_backwards),
    plant("cosine_embedding_loss", "target ignored", cosine_unsigned),
    plant("cosine_embedding_loss", "eps decides", torchs("cosine_embedding_loss"), regime="tiny"),
    plant("cosine_embedding_loss", "norms overflow", torchs("cosine_embedding_loss"),
          regime="huge"),
    plant("triplet_margin_loss", "squared distances", triplet_squared),
    plant("triplet_margin_loss", "eps left out", triplet_without_eps, "p", "eps"),
    plant("triplet_margin_with_distance_loss", "never swaps", triplet_never_swaps, "swap"),
    plant("ctc_loss", "slope of another function", torchs("ctc_loss")),
    plant("ctc_loss", "mean not by length", ctc_undivided),
    plant("linear_cross_entropy", "bias left out", linear_without_bias, "linear_bias"),
)  # fmt: skip
CASES = [pytest.param(p, id=f"{p.row}: {p.fault}") for p in PLANTED]


def test_every_oracle_has_a_planted_fault() -> None:
    assert {BY_NAME[p.row].function_name for p in PLANTED} == set(ORACLES)


def found_in(planted: Planted, f: Callable[..., Tensor]) -> int:
    """How many entries of this function the comparison rejects."""
    loss = BY_NAME[planted.row]
    tensors = loss.tensors(planted.regime, planted.dtype)
    rng = loss.rng(*dict(planted.options))
    drawn = {k: v(rng, tensors) if callable(v) else v for k, v in planted.options}
    options = {**loss.always, **drawn}
    exact = neighbours(loss, tensors, options, planted.regime)
    reduction = planted.reduction
    call = {**for_torch(options), "reduction": reduction}
    return len(disagreements(loss, tensors, exact, reduction, lambda t: f(*t, **call)))


@pytest.mark.filterwarnings("ignore:.*'mean' divides the total loss:UserWarning")
@pytest.mark.parametrize("planted", CASES)
def test_the_comparison_finds_the_fault(planted: Planted) -> None:
    assert found_in(planted, planted.wrong) > 0


@pytest.mark.filterwarnings("ignore:.*'mean' divides the total loss:UserWarning")
@pytest.mark.parametrize("planted", CASES)
def test_the_comparison_passes_the_right_loss(planted: Planted) -> None:
    assert found_in(planted, BY_NAME[planted.row].function) == 0


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_a_nan_never_passes(reduction: str) -> None:
    loss = BY_NAME["mse_loss"]
    tensors = loss.tensors("ordinary", torch.float32)
    exact = neighbours(loss, tensors, {}, "ordinary")

    def poisoned(t: Tensors) -> Tensor:
        return loss.function(*t, reduction=reduction) * math.nan

    assert disagreements(loss, tensors, exact, reduction, poisoned)


@pytest.mark.parametrize("factor", [1 + 4e-5, 1 - 4e-5, -1.0, 0.0])
def test_an_error_in_the_fifth_digit_never_passes(factor: float) -> None:
    for name in ("cross_entropy", "kl_div", "huber_loss", "triplet_margin_loss"):
        loss = BY_NAME[name]
        tensors = loss.tensors("ordinary", torch.float32)
        exact = neighbours(loss, tensors, {}, "ordinary")

        def scaled(t: Tensors, name: str = name) -> Tensor:
            return BY_NAME[name].function(*t, reduction="sum") * factor

        assert disagreements(loss, tensors, exact, "sum", scaled), name
