"""Whether probabilities mean what they say: bins of equal mass, and the error they add up to."""

from itertools import pairwise

import torch
from torch import Tensor

from lossary.explain.examples import Pieces, joined
from lossary.explain.numbers import Bin, Calibration
from lossary.explain.temperature import Temperature


def calibration(
    seen: dict[str, Pieces], count: int, temperature: Temperature | None
) -> Calibration | None:
    """The reliability of the confidences; None without examples.

    Expected calibration error of bins of equal mass: Nixon et al. (2019), Measuring calibration
    in deep learning. Examples of one confidence share their rightness, so that it does not
    depend on their order which of them falls into which bin.
    """
    ordered = joined(seen["sure"])
    items, count = len(ordered), min(count, len(ordered))
    if not items:
        return None
    # Numpy's sort, unlike torch's, makes no second column, of places.
    ordered.numpy().sort()
    # As many in each as tensor_split would put there.
    edges = [items // count * k + min(k, items % count) for k in range(count + 1)]
    right = _right_before(edges, ordered, seen)
    bins = tuple(
        Bin(high - low, float(ordered[low:high].mean()), (after - before) / (high - low))
        for (low, before), (high, after) in pairwise(zip(edges, right, strict=True))
    )
    error = sum(b.examples * abs(b.confidence - b.accuracy) for b in bins) / items
    found = temperature or Temperature(None, None)
    return Calibration(error, bins, float(ordered.mean()), found.value, found.nats)


def _right_before(edges: list[int], ordered: Tensor, seen: dict[str, Pieces]) -> list[float]:
    """How many of the first so many are right; those of one confidence share their rightness."""
    limits = ordered[edges[:-1]].unique()
    # Every second place is for what equals a limit, the others for what lies between two.
    right = torch.zeros(2 * len(limits) + 1, dtype=torch.float64)
    for sure, theirs in zip(seen["sure"], seen["right"], strict=True):
        place = torch.searchsorted(limits, sure) + torch.searchsorted(limits, sure, right=True)
        right += torch.bincount(place, theirs.double(), minlength=len(right))
    passed = [0.0, *right.cumsum(0).tolist()]
    found = []
    for edge in edges[:-1]:
        at = 2 * int(torch.searchsorted(limits, ordered[edge])) + 1
        low, high = (
            int(torch.searchsorted(ordered, ordered[edge], right=r)) for r in (False, True)
        )
        found.append(passed[at] + float(right[at]) * (edge - low) / (high - low))
    return [*found, passed[-1]]
