"""From rows of classes to what they say: every block is met once, then the temperature's search."""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from lossary.explain.asking import Asked
from lossary.explain.calibration import calibration
from lossary.explain.class_rows import ClassRows
from lossary.explain.class_sums import ClassSums
from lossary.explain.class_tables import confusion, per_class
from lossary.explain.examples import Examples, concentration, hardest, histogram, interval, ratio
from lossary.explain.explanation import Explanation
from lossary.explain.numbers import Baselines, Classification, Count
from lossary.explain.source import Block, Source
from lossary.explain.temperature import best_temperature
from lossary.explain.view import View

Reader = Callable[[Block, int], ClassRows]


def explain_classes(asked: Asked, source: Source, reader: Reader, view: View) -> Explanation:
    """Measure all blocks of the source."""

    def all_rows() -> Iterator[ClassRows]:
        start = 0
        for block in source.blocks():
            rows = reader(block, start)
            start += len(rows.index) + rows.ignored
            yield rows

    sums, examples = ClassSums(), Examples()
    for rows in all_rows():
        sums.add(rows, examples)
    seen = examples.joined()
    total, divisor = sums.loss, sums.divisor
    mean = ratio(total, divisor)
    is_divergence = asked.name == "kl_div"
    cross_entropy = ratio(sums.entropy + sums.divergence, divisor)
    # Of many labels the names are those of the labels, not of yes and no.
    names = View() if sums.groups > 1 else view
    classification = Classification(
        classes=sums.classes,
        nats=mean,
        bits=mean / math.log(2),
        perplexity=_exp(cross_entropy),
        accuracy=_accuracy(seen, sums),
        baselines=_baselines(sums, cross_entropy),
        saturated=sums.saturated,
        infinite=sums.infinite,
        per_class=per_class(sums, view),
        confusion=confusion(seen, sums.classes, names),
        calibration=calibration(
            seen, view.bins, best_temperature(all_rows, divisor, sums, is_divergence)
        ),
    )
    return Explanation(
        loss=asked.name,
        reduction=asked.reduction,
        value=_value(asked, sums),
        mean=mean,
        interval=interval(seen["loss"], seen["divisor"]),
        count=Count(sums.items, sums.ignored, divisor),
        concentration=concentration(seen["loss"]),
        hardest=hardest(seen, view.hardest, names.name),
        histogram=histogram(seen["loss"]),
        classification=classification,
        regression=None,
        language=view.language,
    )


def _accuracy(seen: dict[str, Tensor], sums: ClassSums) -> float:
    """How much of the truth the predicted classes are."""
    right = seen["right"].double()
    if sums.is_binary:  # of these it is kept how much of the truth class 1 is
        right = torch.where(seen["predicted"] == 1, right, 1 - right)
    return ratio(float(right.sum()), len(right))


def _value(asked: Asked, sums: ClassSums) -> float:
    """What the loss itself returns; of items that are not reduced, their mean."""
    if asked.reduction == "sum":
        return sums.loss
    # kl_div's items, and what its mean divides by, are the entries of a row, not the rows.
    per_entry = asked.name == "kl_div" and asked.reduction != "batchmean"
    return ratio(sums.loss, sums.items * sums.classes if per_entry else sums.divisor)


def _baselines(sums: ClassSums, cross_entropy: float) -> Baselines:
    mass = sums.masses
    whole = mass.sum(1, keepdim=True)
    frequency = -torch.xlogy(mass, mass / whole.masked_fill(whole == 0, 1)).sum()
    chance = float(mass.sum()) * math.log(max(1, sums.classes))
    return Baselines(
        cross_entropy_nats=cross_entropy,
        entropy_nats=ratio(sums.entropy, sums.divisor),
        kl_nats=ratio(sums.divergence, sums.divisor),
        chance_nats=ratio(chance, sums.divisor),
        frequency_nats=ratio(float(frequency), sums.divisor),
    )


def _exp(x: float) -> float:
    return math.exp(x) if x < 709 else math.inf
