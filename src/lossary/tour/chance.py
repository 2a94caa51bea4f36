"""What a loss means: against models that never look, and in readings that people know."""

import math

import torch
from torch import Tensor

import lossary
from lossary.tour.data import Split
from lossary.tour.results import Baseline


def baselines(data: Split) -> tuple[Baseline, ...]:
    """Held-out losses of the guesses that one can make without looking at the input."""
    if not data.classes:
        mean = data.y.mean().expand_as(data.held_out_y)
        return (Baseline("mean", lossary.nn.MSELoss()(mean, data.held_out_y).item()),)
    scores = frequencies(data.y, data.classes).log().expand(len(data.held_out_y), -1)
    guess = lossary.nn.CrossEntropyLoss()(scores, data.held_out_y)
    return (Baseline("uniform", math.log(data.classes)), Baseline("frequencies", guess.item()))


def frequencies(y: Tensor, classes: int) -> Tensor:
    """Shares of the classes among some examples."""
    return torch.bincount(y, minlength=classes) / len(y)


def meaning(data: Split, loss: float) -> dict[str, float]:
    """Readings of a held-out loss beside its explanation; the catalogues explain the keys."""
    floor = min(baseline.loss for baseline in baselines(data))
    if not data.classes:
        return {
            "explained": 1 - loss / floor,
            "typical_error": math.sqrt(loss) * data.unit,
            "typical_error_of_mean": math.sqrt(floor) * data.unit,
        }
    return {
        "explained": 1 - loss / floor,
        "class_entropy": lossary.entropy(frequencies(data.held_out_y, data.classes)).item(),
        "typical_probability": math.exp(-loss),
    }
