"""Each oracle is shown to fail on a wrong measure of the kind that people write."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tests.information import oracle
from tests.information.regimes import score_rows
from tests.information.test_exact import assert_close

Rows = tuple[Tensor, Tensor]


def naive_entropy(p: Tensor, q: Tensor) -> Tensor:
    return -(p * p.log()).sum(-1)


def clamped_entropy(p: Tensor, q: Tensor) -> Tensor:
    return -(p * (p + 1e-8).log()).sum(-1)


def kl_with_eps(p: Tensor, q: Tensor) -> Tensor:
    return (p * ((p + 1e-8) / (q + 1e-8)).log()).sum(-1)


def kl_float32(p: Tensor, q: Tensor) -> Tensor:
    return (p * (p.log() - q.log())).sum(-1)


def kl_swapped(p: Tensor, q: Tensor) -> Tensor:
    return kl_float32(q, p)


def js_from_entropies(p: Tensor, q: Tensor) -> Tensor:
    m = (p + q) / 2
    return naive_entropy(m, m) - (naive_entropy(p, p) + naive_entropy(q, q)) / 2


def js_distance(p: Tensor, q: Tensor) -> Tensor:
    return js_from_entropies(p, q).sqrt()


def chi_squared_swapped(p: Tensor, q: Tensor) -> Tensor:
    return ((p - q) ** 2 / p).sum(-1)


def hellinger_without_half(p: Tensor, q: Tensor) -> Tensor:
    return ((p.sqrt() - q.sqrt()) ** 2).sum(-1).sqrt()


def variation_without_half(p: Tensor, q: Tensor) -> Tensor:
    return (p - q).abs().sum(-1)


def renyi_naive(p: Tensor, q: Tensor) -> Tensor:
    return (p**2 / q).sum(-1).log()


def bhattacharyya_naive(p: Tensor, q: Tensor) -> Tensor:
    return -(p * q).sqrt().sum(-1).log()


def alpha_swapped(p: Tensor, q: Tensor) -> Tensor:
    return ((p**0.3 * q**0.7).sum(-1) - 1) / (0.3 * -0.7) * 1.01


def collision_in_tsallis_place(p: Tensor, q: Tensor) -> Tensor:
    return -(p**2).sum(-1).log()


PLANTED: list[tuple[str, Callable[[Tensor, Tensor], Tensor], oracle.Measure]] = [
    ("masked", naive_entropy, oracle.entropy),
    ("saturated", clamped_entropy, oracle.entropy),
    ("far apart", kl_with_eps, oracle.kl),
    ("near 1e-3", kl_float32, oracle.kl),
    ("random", kl_swapped, oracle.kl),
    ("random", kl_swapped, oracle.cross_entropy),
    ("near 1e-3", js_from_entropies, oracle.jensen_shannon(0.5)),
    ("random", js_distance, oracle.jensen_shannon(0.5)),
    ("random", chi_squared_swapped, oracle.chi_squared),
    ("random", hellinger_without_half, oracle.hellinger),
    ("random", variation_without_half, oracle.total_variation),
    ("near 1e-3", renyi_naive, oracle.renyi_divergence(2)),
    ("near 1e-3", bhattacharyya_naive, oracle.bhattacharyya),
    ("random", alpha_swapped, oracle.alpha_divergence(0.3)),
    ("random", collision_in_tsallis_place, oracle.tsallis_entropy(2)),
    ("random", collision_in_tsallis_place, oracle.renyi_entropy(3)),
    ("random", naive_entropy, oracle.perplexity),
]


def probabilities(regime: str) -> tuple[Tensor, Tensor]:
    x, y = score_rows(regime, torch.float32)
    return x.softmax(-1), y.softmax(-1)


@pytest.mark.parametrize(("regime", "wrong", "truth"), PLANTED)
def test_the_oracle_sees_it(
    regime: str, wrong: Callable[[Tensor, Tensor], Tensor], truth: oracle.Measure
) -> None:
    p, q = probabilities(regime)
    value = truth(*(oracle.probabilities("probs", t.tolist()) for t in (p, q)))[0]
    with pytest.raises(AssertionError):
        assert_close(wrong(p, q).reshape(1), [value], 1e-5)


def test_the_oracle_sees_a_wrong_gradient() -> None:
    """log(softmax + eps) has the right value and a dead gradient where it saturates."""
    x = torch.tensor([0.0, -30.0], requires_grad=True)
    p = torch.tensor([0.0, 1.0])
    (-(p * (x.softmax(-1) + 1e-8).log()).sum()).backward()
    truth, belief = (oracle.probabilities(k, t.tolist()) for k, t in (("probs", p), ("logits", x)))
    want = oracle.by_entries("logits", belief, oracle.cross_entropy(truth, belief)[2])
    assert x.grad is not None
    with pytest.raises(AssertionError):
        assert_close(x.grad, want, 1e-5)
