"""What is added up over examples of classes: one vector, and what can be said from it."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lossary.explain.asking import Asked
from lossary.explain.class_explanation import OfExamples, explained
from lossary.explain.class_rows import ClassRows
from lossary.explain.class_sums import ClassSums
from lossary.explain.class_tables import MOST
from lossary.explain.examples import Examples, Hardest, ratio
from lossary.explain.explanation import Explanation
from lossary.explain.monitor import bins
from lossary.explain.monitor.losses import concentration, histogram, interval
from lossary.explain.numbers import Bin, Calibration, Cell
from lossary.explain.view import View
from lossary.kernels import tally

_FROM_SUMS = (
    "entropy",
    "divergence",
    "prediction_entropy",
    "saturated",
    "infinite",
    "brier",
    "right",
)


@dataclass(frozen=True)
class Shape:
    """How many classes there are, how many labels of many, and whether it is yes or no."""

    classes: int
    groups: int = 1
    is_binary: bool = False


class ClassTally:
    """Running sums; ``values`` of two tallies of one shape add up."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.values = torch.zeros(tally.size(shape.classes, shape.groups), dtype=torch.float64)

    def meet(self, rows: ClassRows, nan: int, passed_over: int) -> None:
        """Add rows that were read."""
        sums, examples = ClassSums(), Examples()
        sums.add(rows, examples, Hardest(0))
        seen = examples.joined()
        loss, by = seen["loss"], seen["divisor"]
        finite = torch.where(loss.isfinite(), loss, 0)
        self._add(
            examples=sums.items,
            ignored=sums.ignored,
            passed_over=passed_over,
            nan=nan,
            weight=sums.divisor,
            loss=sums.loss,
            loss_squared=float(finite.square().sum()),
            loss_weight=float((finite * by).sum()),
            weight_squared=float(by.square().sum()),
            **{name: float(getattr(sums, name)) for name in _FROM_SUMS},
        )
        one = torch.ones_like(loss)
        sure = seen["sure"].double()
        place = bins.sure_place(sure)
        for column, value in enumerate((one, sure, seen["right"].double())):
            self._sure()[:, column].index_add_(0, place, value)
        met = loss.isfinite()
        place = bins.place(loss[met], tally.LOW_LOSS, tally.LOSS_BINS)
        for column, value in enumerate((one[met], loss[met])):
            self._losses()[:, column].index_add_(0, place, value)
        self._columns().add_(sums.by_class)
        self._masses().add_(sums.masses)
        if self.shape.classes <= tally.CONFUSED:
            examples_at, loss_at = self._pairs()
            for pair, (many, cost, endless) in sums.pairs.met.items():
                examples_at[pair] += many
                loss_at[pair] += math.inf if endless else cost

    def passed_over(self, count: int) -> None:
        """So many more examples were not looked at."""
        self._add(passed_over=count)

    def explanation(self, asked: Asked, view: View) -> Explanation:
        """What all that was met says."""
        sums = self._sums()
        names = View() if self.shape.groups > 1 else view
        each = OfExamples(
            accuracy=ratio(self.scalar("right"), sums.items),
            interval=interval(self.scalar),
            concentration=concentration(self._losses(), sums.items, sums.infinite),
            hardest=(),
            histogram=histogram(self._losses()),
            confusion=self._confusion(names),
            calibration=self._calibration(view.bins),
        )
        found = explained(asked, sums, each, view)
        more = int(self.scalar("nan")), int(self.scalar("passed_over"))
        count = replace(found.count, nan=more[0], passed_over=more[1])
        return replace(found, count=count)

    def figures(self) -> Iterator[tuple[str, float]]:
        """A few numbers by name, for a curve over time."""
        items = self.scalar("examples")
        yield "loss", ratio(self.scalar("loss"), self.scalar("weight"))
        yield "accuracy", ratio(self.scalar("right"), items)
        yield "brier", ratio(self.scalar("brier"), items)
        yield "prediction_entropy_nats", ratio(self.scalar("prediction_entropy"), items)
        yield "saturated_share", ratio(self.scalar("saturated"), items)
        found = self._calibration(View().bins)
        if found is not None:
            yield "calibration_error", found.expected_error

    def scalar(self, name: str) -> float:
        """One of the sums over all examples."""
        return float(self.values[tally.SCALARS.index(name)])

    def _add(self, **scalars: float) -> None:
        for name, value in scalars.items():
            self.values[tally.SCALARS.index(name)] += value

    def _sure(self) -> Tensor:
        return self.values[tally.SURE_AT : tally.LOSS_AT].view(-1, 3)

    def _losses(self) -> Tensor:
        return self.values[tally.LOSS_AT : tally.COLUMNS_AT].view(-1, 2)

    def _columns(self) -> Tensor:
        at = tally.masses_at(self.shape.classes, self.shape.groups)
        return self.values[tally.COLUMNS_AT : at].view(tally.COLUMNS, -1)

    def _masses(self) -> Tensor:
        at = (self.shape.classes, self.shape.groups)
        return self.values[tally.masses_at(*at) : tally.confusion_at(*at)].view(at[1], at[0])

    def _pairs(self) -> Tensor:
        at = tally.confusion_at(self.shape.classes, self.shape.groups)
        return self.values[at:].view(2, -1)

    def _sums(self) -> ClassSums:
        shape = self.shape
        found = ClassSums(
            items=int(self.scalar("examples")),
            ignored=int(self.scalar("ignored")),
            classes=shape.classes,
            groups=shape.groups,
            is_binary=shape.is_binary,
            loss=self.scalar("loss"),
            divisor=self.scalar("weight"),
            masses=self._masses(),
            by_class=self._columns(),
        )
        for name in _FROM_SUMS:
            kind = type(getattr(found, name))
            setattr(found, name, kind(self.scalar(name)))
        return found

    def _confusion(self, view: View) -> tuple[Cell, ...]:
        classes, total = self.shape.classes, self.scalar("loss")
        if classes > tally.CONFUSED:
            return ()
        counts, losses = self._pairs()
        if math.isinf(total):
            losses, total = losses.isinf().double() * counts, self.scalar("infinite")
        order = torch.argsort(losses, descending=True, stable=True)
        met = [int(i) for i in order if counts[i] > 0][:MOST]
        return tuple(
            Cell(
                target=view.name(i // classes),
                prediction=view.name(i % classes),
                examples=int(counts[i]),
                mean_nats=float(self._pairs()[1, i] / counts[i]),
                loss_share=ratio(float(losses[i]), total),
            )
            for i in met
        )

    def _calibration(self, count: int) -> Calibration | None:
        """Bins of equal mass put together from finer ones, which are cut where a bin ends."""
        examples, sure, right = self._sure().unbind(1)
        items = int(examples.sum())
        if not items:
            return None
        count = min(count, items)
        ends = torch.cat((torch.zeros(1, dtype=torch.float64), examples.cumsum(0)))
        # As many in each as tensor_split would put there.
        cuts = [items // count * k + min(k, items % count) for k in range(count + 1)]
        made = []
        for low, high in itertools.pairwise(cuts):
            inside = (ends[1:].clamp(max=high) - ends[:-1].clamp(min=low)).clamp(min=0)
            part = torch.where(examples > 0, inside / examples.clamp(min=1), 0)
            mine = (float((part * of).sum()) / (high - low) for of in (sure, right))
            made.append(Bin(high - low, *mine))
        error = sum(b.examples * abs(b.confidence - b.accuracy) for b in made) / items
        return Calibration(error, tuple(made), float(sure.sum()) / items, None, None)
