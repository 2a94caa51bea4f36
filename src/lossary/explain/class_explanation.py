"""From rows of classes to what they say: every block is met once, then the temperature's search."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from lossary.explain.asking import Asked
from lossary.explain.calibration import calibration
from lossary.explain.class_rows import ClassRows, refuse_nan
from lossary.explain.class_sums import ClassSums
from lossary.explain.class_tables import confusion, per_class
from lossary.explain.examples import Examples, Hardest, concentration, histogram, interval, ratio
from lossary.explain.explanation import Explanation
from lossary.explain.numbers import (
    Baselines,
    Calibration,
    Cell,
    Classification,
    Concentration,
    Count,
    HardExample,
    Interval,
    LossBin,
)
from lossary.explain.source import Block, Source
from lossary.explain.temperature import Sample, best_temperature
from lossary.explain.view import View

Reader = Callable[[Block, int], ClassRows]


@dataclass(frozen=True)
class OfExamples:
    """What the examples say one by one, beside what was added up over all of them."""

    accuracy: float
    interval: Interval | None
    concentration: Concentration | None
    hardest: tuple[HardExample, ...]
    histogram: tuple[LossBin, ...]
    confusion: tuple[Cell, ...]
    calibration: Calibration | None


def explain_classes(asked: Asked, source: Source, reader: Reader, view: View) -> Explanation:
    """Measure all blocks of the source."""

    def all_rows() -> Iterator[ClassRows]:
        start = 0
        for block in source.blocks():
            rows = reader(block, start)
            start += len(rows.index) + rows.ignored
            refuse_nan(rows)
            yield rows

    sums, examples, hardest, sample = ClassSums(), Examples(), Hardest(view.hardest), Sample()
    for rows in all_rows():
        sums.add(rows, examples, hardest)
        sample.add(rows)
    seen = examples.pieces()
    loss = seen.pop("loss")
    near, most, bars = interval(loss, seen["divisor"]), concentration(loss), histogram(loss)
    del examples, loss  # room for the confidences, sorted
    # Of many labels the names are those of the labels, not of yes and no.
    names = View() if sums.groups > 1 else view
    temperature = best_temperature(all_rows, sample, sums, asked.name == "kl_div")
    each = OfExamples(
        accuracy=ratio(sums.right, sums.items),
        interval=near,
        concentration=most,
        hardest=hardest.told(names.name),
        histogram=bars,
        confusion=confusion(sums.pairs, sums.classes, names),
        calibration=calibration(seen, view.bins, temperature),
    )
    return explained(asked, sums, each, view)


def explained(asked: Asked, sums: ClassSums, each: OfExamples, view: View) -> Explanation:
    """Put together what was measured."""
    mean = ratio(sums.loss, sums.divisor)
    cross_entropy = ratio(sums.entropy + sums.divergence, sums.divisor)
    classification = Classification(
        classes=sums.classes,
        nats=mean,
        bits=mean / math.log(2),
        perplexity=_exp(cross_entropy),
        accuracy=each.accuracy,
        brier=ratio(sums.brier, sums.items),
        prediction_entropy_nats=ratio(sums.prediction_entropy, sums.items),
        baselines=_baselines(sums, cross_entropy),
        saturated=sums.saturated,
        infinite=sums.infinite,
        per_class=per_class(sums, view),
        confusion=each.confusion,
        calibration=each.calibration,
    )
    return Explanation(
        loss=asked.name,
        reduction=asked.reduction,
        value=_value(asked, sums),
        mean=mean,
        interval=each.interval,
        count=Count(sums.items, sums.ignored, sums.divisor),
        concentration=each.concentration,
        hardest=each.hardest,
        histogram=each.histogram,
        classification=classification,
        regression=None,
        language=view.language,
    )


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
