"""Mean squared error, cross-entropies, Poisson and sparsemax come out as one loss."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from lossary.entropies import (
    Bernoulli,
    Burg,
    Entropy,
    Poisson,
    Shannon,
    Squared,
    Tsallis,
    entmax,
    fenchel_young_loss,
    sparsemax,
)


def draw(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(3))


def test_squared_is_half_the_mean_squared_error() -> None:
    x, y = draw(4, 3), draw(2, 4, 3)[1]
    torch.testing.assert_close(fenchel_young_loss(Squared(), x, y), F.mse_loss(x, y) / 2)


def test_bernoulli_is_binary_cross_entropy_less_the_entropy() -> None:
    z, y = draw(4, 3), draw(2, 4, 3)[1].sigmoid()
    entropy = -Bernoulli().value(y)
    want = F.binary_cross_entropy_with_logits(z, y, reduction="none") - entropy
    torch.testing.assert_close(fenchel_young_loss(Bernoulli(), z, y, reduction="none"), want)
    hard = (y > 0.5).double()
    want = F.binary_cross_entropy_with_logits(z, hard)
    torch.testing.assert_close(fenchel_young_loss(Bernoulli(), z, hard), want)


def test_shannon_is_cross_entropy_and_kl() -> None:
    x, y = draw(4, 3), draw(2, 4, 3)[1].softmax(-1)
    want = F.kl_div(x.log_softmax(-1), y, reduction="batchmean")
    torch.testing.assert_close(fenchel_young_loss(Shannon(), x, y), want)
    torch.testing.assert_close(want, F.cross_entropy(x, y) + Shannon().value(y).mean())
    classes = torch.tensor([0, 2, 1, 1])
    rows = F.one_hot(classes, 3)
    torch.testing.assert_close(fenchel_young_loss(Shannon(), x, rows), F.cross_entropy(x, classes))


def test_poisson_is_the_poisson_loss_less_its_best() -> None:
    x, y = draw(4, 3), torch.tensor([0, 1, 5])
    counts = y.expand(4, 3)
    best = F.poisson_nll_loss(counts.double(), counts.double(), log_input=False, eps=1e-300)
    want = F.poisson_nll_loss(x, counts.double()) - best
    torch.testing.assert_close(fenchel_young_loss(Poisson(), x, counts), want)


def test_burg_is_itakura_saito() -> None:
    power, y = draw(5).exp(), draw(2, 5)[1].exp()
    want = (y / power - (y / power).log() - 1).mean()
    torch.testing.assert_close(fenchel_young_loss(Burg(), -1 / power, y), want)


def test_tsallis_two_is_the_sparsemax_loss() -> None:
    """Martins and Astudillo, equation 20, for hard targets."""
    x = draw(6, 5) * 2
    classes = torch.tensor([0, 1, 2, 3, 4, 0])
    p = sparsemax(x)
    tau = ((x * (p > 0)).sum(-1) - 1) / (p > 0).sum(-1)
    kept = ((x**2 - tau[:, None] ** 2) * (p > 0)).sum(-1) / 2
    want = -x.gather(1, classes[:, None]).squeeze(1) + kept + 0.5
    loss = fenchel_young_loss(Tsallis(2.0), x, F.one_hot(classes, 5), reduction="none")
    torch.testing.assert_close(loss, want)


def test_tsallis_near_one_is_shannon() -> None:
    x, y = draw(4, 3), draw(2, 4, 3)[1].softmax(-1)
    near = fenchel_young_loss(Tsallis(1 + 1e-6), x, y)
    torch.testing.assert_close(near, fenchel_young_loss(Shannon(), x, y), rtol=1e-5, atol=0)
    torch.testing.assert_close(entmax(x, 1 + 1e-6), x.softmax(-1), rtol=1e-5, atol=0)
    assert torch.equal(entmax(x, 1), Shannon().predict(x))


@pytest.mark.parametrize("shift", [1e4, 1e5])
def test_sparsemax_loss_of_large_scores(shift: float) -> None:
    """The usual formula is off by 8e-4 at 1e4, and can be negative."""
    x = torch.tensor([0.5, 0.25, -1.0])
    y = torch.tensor([0.625, 0.375, 0.0])
    assert fenchel_young_loss(Tsallis(2.0), x + shift, y) == 0
    other = torch.tensor([1.0, 0.0, 0.0])
    torch.testing.assert_close(
        fenchel_young_loss(Tsallis(2.0), x + shift, other), torch.tensor(0.140625)
    )


@pytest.mark.parametrize(
    "entropy", [Squared(), Bernoulli(), Shannon(), Poisson(), Tsallis(1.3), Tsallis(2.0)], ids=str
)
def test_zero_at_the_optimum(entropy: Entropy) -> None:
    theta = draw(7, 4).requires_grad_()
    y = entropy.predict(theta.detach())
    loss = fenchel_young_loss(entropy, theta, y)
    loss.backward()
    assert 0 <= loss < 1e-28
    assert theta.grad is not None
    assert theta.grad.abs().max() < 1e-15
