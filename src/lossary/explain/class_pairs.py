"""Which class was taken for which: pairs of target and prediction that occur."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

# So few kinds of pairs are counted in a table; more are sorted.
FEW = 2**14


@dataclass
class Pairs:
    """Examples, finite loss and infinite losses of each pair ``target * classes + prediction``."""

    met: dict[int, list[float]] = field(default_factory=dict)

    def add(self, pair: Tensor, loss: Tensor) -> None:
        """Meet some more examples."""
        if not len(pair):
            return
        kinds, place = None, pair
        if int(pair.max()) >= FEW:
            kinds, place = torch.unique(pair, return_inverse=True)
        infinite = loss.isinf()
        counts = torch.bincount(place)
        finite = torch.bincount(place, loss.masked_fill(infinite, 0))
        endless = torch.bincount(place, infinite.double())
        for k in counts.nonzero().flatten().tolist():
            row = self.met.setdefault(k if kinds is None else int(kinds[k]), [0, 0.0, 0])
            row[0] += int(counts[k])
            row[1] += float(finite[k])
            row[2] += int(endless[k])
