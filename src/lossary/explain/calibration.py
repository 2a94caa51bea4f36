"""Whether probabilities mean what they say: bins of equal mass, and the error they add up to."""

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
    sure, right = seen["sure"], seen["right"].double()
    if not len(sure):
        return None
    order = torch.argsort(sure)
    sure, right = sure[order], right[order]
    same, counts = torch.unique_consecutive(sure, return_inverse=True, return_counts=True)[1:]
    shared = torch.zeros(len(counts), dtype=torch.float64).index_add_(0, same, right) / counts
    right = shared[same]
    bins = tuple(
        Bin(len(part), float(part.mean()), float(mine.mean()))
        for part, mine in zip(
            torch.tensor_split(sure, min(count, len(sure))),
            torch.tensor_split(right, min(count, len(sure))),
            strict=True,
        )
    )
    error = sum(b.examples * abs(b.confidence - b.accuracy) for b in bins) / len(sure)
    found = temperature or Temperature(None, None)
    return Calibration(error, bins, float(sure.mean()), found.value, found.nats)
