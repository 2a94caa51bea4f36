"""Whether probabilities mean what they say: bins of equal mass, and the error they add up to."""

from itertools import pairwise

import torch
from torch import Tensor

from lossary.explain.numbers import Bin, Calibration
from lossary.explain.temperature import Temperature


def calibration(
    seen: dict[str, Tensor], count: int, temperature: Temperature | None
) -> Calibration | None:
    """The reliability of the confidences; None without examples.

    Expected calibration error of bins of equal mass: Nixon et al. (2019), Measuring calibration
    in deep learning. Examples of one confidence share their rightness, so that it does not
    depend on their order which of them falls into which bin.
    """
    sure, right = seen["sure"], seen["right"]
    if not len(sure):
        return None
    sure, order = sure.sort()
    right = right[order]
    del order
    items, count = len(sure), min(count, len(sure))
    # As many in each as tensor_split would put there.
    edges = [items // count * k + min(k, items % count) for k in range(count + 1)]
    passed = [_right_before(edge, sure, right) for edge in edges]
    bins = tuple(
        Bin(high - low, float(sure[low:high].mean()), (after - before) / (high - low))
        for (low, before), (high, after) in pairwise(zip(edges, passed, strict=True))
    )
    error = sum(b.examples * abs(b.confidence - b.accuracy) for b in bins) / len(sure)
    found = temperature or Temperature(None, None)
    return Calibration(error, bins, float(sure.mean()), found.value, found.nats)


def _right_before(edge: int, sure: Tensor, right: Tensor) -> float:
    """How many of the first so many are right; those of one confidence share their rightness."""
    if edge in (0, len(sure)):
        return float(right[:edge].sum(dtype=torch.float64))
    here = sure[edge : edge + 1]
    low = int(torch.searchsorted(sure, here))
    high = int(torch.searchsorted(sure, here, right=True))
    same = float(right[low:high].sum(dtype=torch.float64)) / (high - low)
    return float(right[:low].sum(dtype=torch.float64)) + same * (edge - low)
