"""Sums over examples of classes; two of them add up to what one over both would hold."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from lossary.explain.class_pairs import Pairs
from lossary.explain.class_rows import ClassRows, is_certain, log_probabilities, slopes
from lossary.explain.examples import Examples, Hardest
from lossary.information import Logits, Probs, kl_divergence


def _none() -> Tensor:
    return torch.zeros(0, dtype=torch.float64)


@dataclass
class ClassSums:
    """What of all examples is added up, in float64.

    ``by_class`` has a column for each class, or for each label of many, of the rows ``COLUMNS``.
    """

    COLUMNS = ("examples", "loss", "truth", "hits", "asked", "gradient")

    items: int = 0
    ignored: int = 0
    classes: int = 0
    groups: int = 1
    is_binary: bool = False
    loss: float = 0.0
    divisor: float = 0.0
    entropy: float = 0.0
    divergence: float = 0.0
    prediction_entropy: float = 0.0
    brier: float = 0.0
    right: float = 0.0
    saturated: int = 0
    infinite: int = 0
    pairs: Pairs = field(default_factory=Pairs)
    masses: Tensor = field(default_factory=_none)
    by_class: Tensor = field(default_factory=_none)

    def add(self, rows: ClassRows, examples: Examples, hardest: Hardest) -> None:
        """Meet some rows; ``examples`` keeps a few numbers of each, ``hardest`` more of some."""
        self._begin(rows)
        self.items += len(rows.nats)
        self.ignored += rows.ignored
        log_p = log_probabilities(rows)
        p = log_p.exp()
        gradient = slopes(rows, p)
        self._add_totals(rows)
        self.prediction_entropy += float(torch.special.entr(p).sum())
        self.brier += float(_squared_errors(rows, p).sum())
        predicted, sure, right = self._decided(rows, p)
        self._add_by_class(rows, p, predicted, gradient)
        truth = p.gather(1, rows.label.unsqueeze(1)).squeeze(1)
        self.right += float(_rightness(rows, predicted, right).sum())
        self.pairs.add(rows.label * self.classes + predicted, rows.nats)
        examples.add(divisor=rows.divisor, loss=rows.nats, sure=sure, right=right)
        hardest.add(
            index=rows.index,
            loss=rows.nats,
            label=rows.label,
            predicted=predicted,
            truth=truth,
            gradient=gradient.abs().sum(1),
        )

    def _begin(self, rows: ClassRows) -> None:
        if self.classes:
            return
        self.classes, self.groups, self.is_binary = rows.mass.shape[1], rows.groups, rows.is_binary
        self.masses = torch.zeros(self.groups, self.classes, dtype=torch.float64)
        columns = self.groups if self.groups > 1 else self.classes
        self.by_class = torch.zeros(len(self.COLUMNS), columns, dtype=torch.float64)

    def _add_totals(self, rows: ClassRows) -> None:
        entropy, divergence = _parts(rows)
        self.loss += float(rows.nats.sum())
        self.divisor += float(rows.divisor.sum())
        self.entropy += entropy
        self.divergence += divergence
        self.infinite += int(rows.nats.isinf().sum())
        if rows.truth is None:
            self.saturated += int(_is_lost(rows).sum())
        group = torch.zeros_like(rows.label) if rows.group is None else rows.group
        self.masses.index_add_(0, group, rows.mass)

    @staticmethod
    def _decided(rows: ClassRows, p: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The class that is predicted, how sure that is, and how right."""
        predicted = rows.scores.argmax(1)
        if rows.is_binary:
            right = rows.label.double() if rows.truth is None else rows.truth[:, 1]
            return predicted, p[:, 1], right.float()
        sure = p.gather(1, predicted.unsqueeze(1)).squeeze(1)
        if rows.truth is None:
            return predicted, sure, (predicted == rows.label).float()
        return predicted, sure, rows.truth.gather(1, predicted.unsqueeze(1)).squeeze(1).float()

    def _add_by_class(
        self, rows: ClassRows, p: Tensor, predicted: Tensor, gradient: Tensor
    ) -> None:
        one = torch.ones_like(rows.nats)
        truth = p.gather(1, rows.label.unsqueeze(1)).squeeze(1)
        hit = (predicted == rows.label).double()
        by_label = rows.label
        asked = one
        if rows.group is not None:  # of one label of many, the examples that have it are asked for
            by_label, asked = rows.group, rows.label.double()
            hit = hit * asked
        finite = rows.nats.masked_fill(rows.nats.isinf(), 0)
        for row, values in enumerate((one, finite, truth, hit, asked)):
            self.by_class[row].index_add_(0, by_label, values)
        row = len(self.COLUMNS) - 1
        if rows.is_binary:
            self.by_class[row].index_add_(0, by_label, gradient.abs().sum(1))
        else:
            self.by_class[row] += gradient.abs().sum(0)


def _parts(rows: ClassRows) -> tuple[float, float]:
    """Of the loss what the targets leave open, and what the prediction misses."""
    if is_certain(rows):  # nothing is open; nor are all these logarithms needed
        return 0.0, float(rows.nats.sum())
    whole = rows.mass.sum(1, keepdim=True)
    share = rows.mass / whole.masked_fill(whole == 0, 1)
    entropy = torch.special.entr(share).sum(1) * whole.squeeze(1)
    divergence = kl_divergence(Probs(share), Logits(rows.scores)) * whole.squeeze(1)
    return float(entropy.sum()), float(divergence.masked_fill(whole.squeeze(1) == 0, 0).sum())


def _rightness(rows: ClassRows, predicted: Tensor, right: Tensor) -> Tensor:
    """How much of each truth the predicted class is; of yes and no ``right`` is that of yes."""
    if not rows.is_binary:
        return right.double()
    return torch.where(predicted == 1, right.double(), 1 - right.double())


def _squared_errors(rows: ClassRows, p: Tensor) -> Tensor:
    """Brier's score of each row: of yes and no, only that of yes is counted."""
    q = rows.truth
    if q is None:
        q = torch.zeros_like(p).scatter_(1, rows.label.unsqueeze(1), 1.0)
    apart = (p - q).square()
    return apart[:, 1] if rows.is_binary else apart.sum(1)


def _is_lost(rows: ClassRows) -> Tensor:
    """Whether float32's probability of the truth is exactly 1: torch's gradient there is 0.

    Made as torch makes it. Of a certain no, the small probability of yes is the gradient, and is
    not lost.
    """
    x = rows.scores.float()
    if rows.is_binary:
        return ((x[:, 1] - x[:, 0]).sigmoid() == 1) & (rows.label == 1)
    p = torch.log_softmax(x, 1).exp().gather(1, rows.label.unsqueeze(1)).squeeze(1)
    return p == 1
