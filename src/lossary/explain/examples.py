"""A few numbers of each example, and what they say together."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from lossary.explain.numbers import Concentration, HardExample, Interval, LossBin

# Up to here the mean's interval is made of samples drawn again from the losses; of more examples
# the mean is so nearly normal that its standard error says the same.
RESAMPLED = 2_000
SAMPLES = 1_000
SEED = 20_240_229
# Bins of the histogram, each twice as high as the one below it.
BINS = 20
# Of fewer examples nobody asks where most of the loss comes from.
FEW = 20


class Examples:
    """Columns of numbers, one of each example, kept in pieces until all are there.

    So few columns as must be: of ten million examples each is 80 MB. A column of ones takes none.
    """

    def __init__(self) -> None:
        self._pieces: dict[str, list[Tensor]] = {}
        self._ones = True

    def add(self, *, divisor: Tensor, **columns: Tensor) -> None:
        """Keep some more of each column."""
        self._ones = self._ones and bool((divisor == 1).all())
        for name, values in {"divisor": divisor, **columns}.items():
            if name == "divisor" and self._ones:
                values = torch.ones(1, dtype=divisor.dtype).expand(len(divisor))
            self._pieces.setdefault(name, []).append(values)

    def joined(self) -> dict[str, Tensor]:
        """The columns whole; the pieces are given up on the way, to save memory."""
        whole = {}
        for name in list(self._pieces):
            pieces = self._pieces.pop(name)
            if name == "divisor" and self._ones:
                whole[name] = pieces[0][:1].expand(sum(map(len, pieces)))
                if not len(whole[name]):
                    whole[name] = pieces[0]
            else:
                whole[name] = torch.cat(pieces)
        return whole


class Hardest:
    """The examples with the largest losses so far, and what all have together."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._kept: dict[str, Tensor] = {}
        self._loss = self._gradient = 0.0
        self._infinite = 0

    def add(self, **columns: Tensor) -> None:
        """Meet some more: index, loss, label, predicted and gradient of each."""
        self._loss += float(columns["loss"].sum())
        self._gradient += float(columns["gradient"].sum())
        self._infinite += int(columns["loss"].isinf().sum())
        if self._kept:
            columns = {name: torch.cat((self._kept[name], t)) for name, t in columns.items()}
        # Of equals the first is kept, whatever the blocks.
        order = torch.argsort(columns["loss"], descending=True, stable=True)[: self._count]
        self._kept = {name: t[order] for name, t in columns.items()}

    def told(self, name: Callable[[int], str] | None = None) -> tuple[HardExample, ...]:
        """The examples, those with the largest losses first; classes are told by ``name``."""

        def told(value: Tensor) -> float | str:
            return float(value) if name is None else name(int(value))

        def share(loss: float) -> float:
            if self._infinite:
                return float(math.isinf(loss)) / self._infinite
            return ratio(loss, self._loss)

        kept = self._kept
        return tuple(
            HardExample(
                index=int(kept["index"][i]),
                target=told(kept["label"][i]),
                prediction=told(kept["predicted"][i]),
                probability=float(kept["truth"][i]) if "truth" in kept else None,
                loss=float(kept["loss"][i]),
                loss_share=share(float(kept["loss"][i])),
                gradient_share=ratio(float(kept["gradient"][i]), self._gradient),
            )
            for i in range(len(kept.get("loss", ())))
        )


def ratio(total: float, divisor: float) -> float:
    """A mean; over nothing it is 0, as the losses' is.

    >>> ratio(3.0, 2.0), ratio(0.0, 0.0)
    (1.5, 0.0)
    """
    return total / divisor if divisor else 0.0


def loss_shares(loss: Tensor) -> Tensor:
    """What each loss is of their sum; infinite ones share all of it."""
    infinite = loss.isinf()
    loss = infinite.double() if bool(infinite.any()) else loss
    total = float(loss.sum())
    return loss / total if total else torch.zeros_like(loss)


def concentration(loss: Tensor) -> Concentration | None:
    """The examples above the mean: none other gives so much more of the loss than its number."""
    if len(loss) < FEW or not float(loss.sum()) > 0:
        return None
    share = loss_shares(loss)
    above = share > 1 / len(loss)
    return Concentration(float(above.double().mean()), float(share[above].sum()))


def histogram(loss: Tensor) -> tuple[LossBin, ...]:
    """How many examples have how much: bins from the largest loss down, each half of the last."""
    finite = loss[loss.isfinite()]
    top = float(finite.max()) if len(finite) else 0.0
    if top <= 0:
        return ()
    edges = [0.0, *(top / 2**k for k in range(BINS - 1, -1, -1))]
    limits = torch.tensor(edges[1:], dtype=torch.float64)
    place = torch.bucketize(finite, limits).clamp(max=BINS - 1)
    counts = torch.bincount(place, minlength=BINS)
    sums = torch.zeros(BINS, dtype=torch.float64).index_add_(0, place, finite) / finite.sum()
    return tuple(
        LossBin(edges[k], edges[k + 1], int(counts[k]), float(sums[k])) for k in range(BINS)
    )


def interval(loss: Tensor, divisor: Tensor) -> Interval | None:
    """Where the mean lies in 95 of 100 samples; None of one example, or of an infinite loss."""
    count, total = len(loss), float(divisor.sum())
    if count < 2 or not total or not bool(loss.isfinite().all()):
        return None
    if count <= RESAMPLED:
        return _resampled(loss, divisor)
    mean = float(loss.sum()) / total
    spread = float((loss - mean * divisor).square().sum().sqrt()) / total
    return Interval(mean - 1.96 * spread, mean + 1.96 * spread)


def _resampled(loss: Tensor, divisor: Tensor) -> Interval:
    # Drawn from the sorted losses, so that the order of the examples does not show.
    order = torch.argsort(divisor, stable=True)
    order = order[torch.argsort(loss[order], stable=True)]
    generator = torch.Generator().manual_seed(SEED)
    drawn = torch.randint(len(loss), (SAMPLES, len(loss)), generator=generator)
    totals, divisors = loss[order][drawn].sum(1), divisor[order][drawn].sum(1)
    means = totals[divisors > 0] / divisors[divisors > 0]
    low, high = torch.quantile(means, torch.tensor([0.025, 0.975], dtype=means.dtype)).tolist()
    return Interval(low, high)
