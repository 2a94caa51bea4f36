"""Which class was taken for which: pairs of target and prediction that occur."""

from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass
class Pairs:
    """Examples, finite loss and infinite losses of each pair ``target * classes + prediction``."""

    met: dict[int, list[float]] = field(default_factory=dict)

    def add(self, pair: Tensor, loss: Tensor) -> None:
        """Meet some more examples."""
        kinds, place, counts = torch.unique(pair, return_inverse=True, return_counts=True)
        infinite = loss.isinf()
        sums = torch.zeros(2, len(kinds), dtype=torch.float64)
        sums[0].index_add_(0, place, loss.masked_fill(infinite, 0))
        sums[1].index_add_(0, place, infinite.double())
        more = zip(kinds.tolist(), counts.tolist(), sums.T.tolist(), strict=True)
        for kind, count, (finite, endless) in more:
            row = self.met.setdefault(kind, [0, 0.0, 0])
            row[0] += count
            row[1] += finite
            row[2] += endless
