"""Numbers sorted into bins that are fixed before any is seen, so that bins of parts add up.

Bins divide each doubling into sixteen, as floats themselves do: a number is known to within one
part in sixteen, and what was added up in a bin exactly.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from lossary.kernels import tally


def place(values: Tensor, lowest: int, bins: int) -> Tensor:
    """The bin of each positive number, the lowest ending at two to that power; zeros in the first.

    >>> place(torch.tensor([0.0, 0.5, 1.0, 1.99]), 0, 64).tolist()
    [0, 0, 16, 31]
    """
    fraction, exponent = torch.frexp(values)
    part = ((fraction - 0.5) * 2 * tally.PARTS).long()
    found = (exponent.long() - lowest) * tally.PARTS + part
    return torch.where(values > 0, found, 0).clamp(0, bins - 1)


def edges(lowest: int, bins: int) -> Tensor:
    """Where each bin begins, and where the last one ends; the first begins at 0.

    >>> edges(0, 17)[[0, 1, 16, 17]].tolist()
    [0.0, 0.53125, 1.0, 1.0625]
    """
    at = torch.arange(bins + 1)
    exponent = (at // tally.PARTS + lowest).double()
    found = torch.exp2(exponent - 1) * (1 + (at % tally.PARTS).double() / tally.PARTS)
    found[0] = 0
    return found


def sure_place(sure: Tensor) -> Tensor:
    """The bin of a confidence: the lower half by itself, the upper by what it lacks of 1."""
    half = tally.SURE_BINS // 2
    low = place(sure, tally.LOW_SURE, half)
    high = tally.SURE_BINS - 1 - place(1 - sure, tally.LOW_SURE, half)
    return torch.where(sure <= 0.5, low, high)


@dataclass(frozen=True)
class Spread:
    """Numbers of either sign in bins, in order: how many each bin counts, and where it ends."""

    counts: Tensor
    edges: Tensor

    def quantile(self, share: float) -> float:
        """Where so large a share lies below: between the ends of one bin, evenly."""
        passed = self.counts.cumsum(0)
        wanted = share * float(passed[-1])
        first = int((passed >= wanted).nonzero()[0]) if wanted else int(self.counts.nonzero()[0])
        low, high = float(self.edges[first]), float(self.edges[first + 1])
        before = float(passed[first] - self.counts[first])
        return low + (high - low) * (wanted - before) / float(self.counts[first])


def signed(table: Tensor, lowest: int) -> Spread:
    """The bins of numbers below 0, reversed, and of those above; a count is first in a row."""
    below, above = table.view(2, -1, table.shape[1])
    ends = edges(lowest, len(above))
    counts = torch.cat((below.flip(0), above))[:, 0]
    return Spread(counts, torch.cat((-ends.flip(0), ends[1:])))


def signed_place(values: Tensor, lowest: int, bins: int) -> Tensor:
    """The bin of numbers of either sign: those below 0 first."""
    found = place(values.abs(), lowest, bins)
    return torch.where(values < 0, found, found + bins)
