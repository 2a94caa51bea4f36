"""Predictions over classes in one form, whatever loss they were made for."""

from dataclasses import dataclass

import torch
from torch import Tensor

from lossary.core.errors import DomainError, teach


@dataclass(frozen=True)
class ClassRows:
    """Examples that count, as rows of float64.

    ``index`` is the place of each in the order given, ``scores`` are logits or log-probabilities,
    ``mass`` what the loss weighs each class with, ``truth`` the target's own distribution (None:
    it is ``label`` for certain), ``divisor`` what each adds to a mean's, ``nats`` its loss.
    ``smoothed``: labels have given some of their mass to the other classes. ``group`` tells the
    labels of a multi-label target apart. ``is_binary``: two classes, 0 and 1, whose confidence is
    the probability of 1.
    """

    index: Tensor
    scores: Tensor
    mass: Tensor
    truth: Tensor | None
    label: Tensor
    divisor: Tensor
    nats: Tensor
    ignored: int
    smoothed: bool = False
    group: Tensor | None = None
    groups: int = 1
    is_binary: bool = False


def refuse_nan(rows: ClassRows) -> None:
    """A loss that is no number has no meaning."""
    wrong = rows.nats.isnan()
    if not bool(wrong.any()):
        return
    at = int(rows.index[wrong][0])
    came = f"the loss of example {at} is NaN"
    cause = "NaN or an infinite score in the prediction or the target"
    expected = "numbers; -inf for a class that is masked"
    raise DomainError(teach("explain", came, expected, cause, "look at that example"))


def log_probabilities(rows: ClassRows) -> Tensor:
    """Of every class, under the softmax of the scores; a row that is masked whole has none."""
    found = torch.log_softmax(rows.scores, 1)
    return torch.where((rows.scores == -torch.inf).all(1, keepdim=True), -torch.inf, found)


def slopes(rows: ClassRows, p: Tensor) -> Tensor:
    """The gradient of each example's loss: all mass times the prediction, minus the mass."""
    found = rows.mass.sum(1, keepdim=True) * p - rows.mass
    if not is_certain(rows):
        return found
    y = rows.label.unsqueeze(1)
    # Next to a certain prediction p - 1 would be cancelled; the rest's sum is not.
    rest = p.scatter(1, y, 0).sum(1) * rows.mass.sum(1)
    return found.scatter_(1, y, -rest.unsqueeze(1))


def is_certain(rows: ClassRows) -> bool:
    """Whether each target is one class and no other."""
    return rows.truth is None and not rows.smoothed
