"""One table: every entropy, its oracle, and valid scores and targets, ordinary and extreme."""

from dataclasses import dataclass

import torch
from torch import Tensor

from lossary.entropies import Bernoulli, Burg, Entropy, Poisson, Shannon, Squared, Tsallis
from tests.entropies import oracle

REGIMES = ("random", "saturated", "near", "sure", "tied")


@dataclass(frozen=True)
class Case:
    """An entropy beside its oracle."""

    entropy: Entropy
    truth: oracle.Truth

    def __str__(self) -> str:
        """Show the entropy in test ids."""
        return str(self.entropy)

    @property
    def on_simplex(self) -> bool:
        return isinstance(self.entropy, (Shannon, Tsallis))

    def draw(self, regime: str, dtype: torch.dtype, seed: int = 0) -> tuple[Tensor, Tensor]:
        """Scores and a target; one row, one item."""
        rng = torch.Generator().manual_seed(seed)
        n = 5 if self.on_simplex else 1
        theta, other = torch.randn(2, n, generator=rng, dtype=torch.float64)
        if regime == "saturated":
            theta = theta * (20 if not isinstance(self.entropy, Poisson) else 6)
        if regime == "tied":
            theta = torch.zeros_like(theta)
        if isinstance(self.entropy, Burg):
            theta = -theta.abs() - 1e-3
        if regime == "near":
            y = self.entropy.predict(theta + 1e-3 * (other if self.on_simplex else 0.5))
        elif regime == "sure" and not isinstance(self.entropy, (Burg, Squared)):
            y = torch.nn.functional.one_hot(torch.tensor(1), 5).double()
            y = y if self.on_simplex else torch.zeros(1, dtype=torch.float64)
        else:
            y = self.entropy.predict(
                -other.abs() - 0.1 if isinstance(self.entropy, Burg) else other
            )
        return theta.to(dtype), y.to(dtype)


ALPHAS = (1.2, 1.5, 2.0, 2.5, 10.0)
CASES = [
    Case(Squared(), oracle.SQUARED),
    Case(Bernoulli(), oracle.BERNOULLI),
    Case(Shannon(), oracle.SHANNON),
    Case(Poisson(), oracle.POISSON),
    Case(Burg(), oracle.BURG),
    *[Case(Tsallis(a), oracle.tsallis(a)) for a in ALPHAS],
]
