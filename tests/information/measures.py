"""One table: every measure of one or two distributions beside its oracle."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import Tensor

from lossary import information as info
from lossary.core.distributions import Distribution
from tests.information import oracle

ORDERS = (0.3, 0.5, 0.999, 1.001, 2.0, 5.0)


@dataclass(frozen=True)
class Case:
    """A measure, what it must equal, and what is known about it."""

    name: str
    measure: Callable[..., Tensor]
    oracle: oracle.Measure
    arguments: int = 2

    def __str__(self) -> str:
        """Show the name in test ids."""
        return self.name

    def __call__(self, *given: Distribution) -> Tensor:
        """The measure of as many distributions as it takes."""
        return self.measure(*given[: self.arguments])


ONE = [
    Case("entropy", info.entropy, oracle.entropy, 1),
    Case("perplexity", info.perplexity, oracle.perplexity, 1),
    *[
        Case(
            f"renyi_entropy {a}",
            partial(info.renyi_entropy, alpha=a),
            oracle.renyi_entropy(a),
            1,
        )
        for a in (0, *ORDERS, math.inf)
    ],
    *[
        Case(
            f"tsallis_entropy {a}",
            partial(info.tsallis_entropy, alpha=a),
            oracle.tsallis_entropy(a),
            1,
        )
        for a in ORDERS
    ],
]

TWO = [
    Case("cross_entropy", info.cross_entropy, oracle.cross_entropy),
    Case("kl_divergence", info.kl_divergence, oracle.kl),
    *[
        Case(
            f"jensen_shannon {w}",
            partial(info.jensen_shannon_divergence, weight=w),
            oracle.jensen_shannon(w),
        )
        for w in (0.5, 0.1, 0.999)
    ],
    *[
        Case(
            f"alpha_divergence {a}",
            partial(info.alpha_divergence, alpha=a),
            oracle.alpha_divergence(a),
        )
        for a in (-1, 0, 1, *ORDERS)
    ],
    *[
        Case(
            f"renyi_divergence {a}",
            partial(info.renyi_divergence, alpha=a),
            oracle.renyi_divergence(a),
        )
        for a in (1, *ORDERS)
    ],
    Case("chi_squared", info.chi_squared_divergence, oracle.chi_squared),
    Case("hellinger", info.hellinger_distance, oracle.hellinger),
    Case("total_variation", info.total_variation_distance, oracle.total_variation),
    Case("bhattacharyya", info.bhattacharyya_distance, oracle.bhattacharyya),
]
