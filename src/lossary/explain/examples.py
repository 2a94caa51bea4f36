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
# Of very many examples as many are looked at at once: what is made of them on the way stays small.
AT_ONCE = 2**20


Pieces = list[Tensor]


class Column:
    """One number of each example, in pieces of so many as are looked at at once."""

    def __init__(self) -> None:
        self._pieces: Pieces = []
        self._used = AT_ONCE

    def add(self, values: Tensor) -> None:
        """Keep some more."""
        done = 0
        while done < len(values):
            if self._used == AT_ONCE:
                # Room for a whole piece: after many small ones the memory would be full of holes.
                self._pieces.append(torch.empty(AT_ONCE, dtype=values.dtype))
                self._used = 0
            now = min(AT_ONCE - self._used, len(values) - done)
            self._pieces[-1][self._used : self._used + now] = values[done : done + now]
            done, self._used = done + now, self._used + now

    def pieces(self) -> Pieces:
        """What was kept."""
        return [*self._pieces[:-1], *(piece[: self._used] for piece in self._pieces[-1:])]


class Examples:
    """Columns of numbers, one of each example.

    So few columns as must be: of ten million examples each is 80 MB. A column of ones takes none.
    """

    def __init__(self) -> None:
        self._columns: dict[str, Column] = {}
        self._divisor: Column | None = None
        self._count = 0

    def add(self, *, divisor: Tensor, **columns: Tensor) -> None:
        """Keep some more of each column."""
        if self._divisor is None and not bool((divisor == 1).all()):
            self._divisor = Column()
            self._divisor.add(_ones(self._count))
        if self._divisor is not None:
            self._divisor.add(divisor)
        for name, values in columns.items():
            self._columns.setdefault(name, Column()).add(values)
        self._count += len(divisor)

    def pieces(self) -> dict[str, Pieces]:
        """The columns, all in pieces of the same lengths."""
        found = {name: column.pieces() for name, column in self._columns.items()}
        if self._divisor is None:
            lengths = map(len, next(iter(found.values()), []))
            return {**found, "divisor": [_ones(length) for length in lengths]}
        return {**found, "divisor": self._divisor.pieces()}

    def joined(self) -> dict[str, Tensor]:
        """The columns whole."""
        return {name: joined(pieces) for name, pieces in self.pieces().items()}


def _ones(count: int) -> Tensor:
    return torch.ones(1, dtype=torch.float64).expand(count)


def joined(pieces: Pieces) -> Tensor:
    """A column as one tensor."""
    return torch.cat(pieces) if pieces else torch.zeros(0, dtype=torch.float64)


def total(pieces: Pieces) -> float:
    """The sum of a column."""
    return sum(float(piece.sum()) for piece in pieces)


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


def concentration(loss: Pieces) -> Concentration | None:
    """The examples above the mean: none other gives so much more of the loss than its number."""
    count, whole = sum(map(len, loss)), total(loss)
    if count < FEW or not whole > 0:
        return None
    mean, above, theirs = whole / count, 0, 0.0
    for piece in loss:
        # Where some losses are infinite, these are above the mean, and have all of it.
        high = piece > mean if math.isfinite(whole) else piece.isinf()
        above += int(high.sum())
        theirs += float(piece[high].sum())
    share = theirs / whole if math.isfinite(whole) else 1.0
    return Concentration(above / count, share) if above else None


def histogram(loss: Pieces) -> tuple[LossBin, ...]:
    """How many examples have how much: bins from the largest loss down, each half of the last."""
    top = max((float(piece.nan_to_num(posinf=0.0).max()) for piece in loss), default=0.0)
    if top <= 0:
        return ()
    edges = [0.0, *(top / 2**k for k in range(BINS - 1, -1, -1))]
    limits = torch.tensor(edges[1:], dtype=torch.float64)
    counts, sums = torch.zeros(2, BINS, dtype=torch.float64)
    for piece in loss:
        finite = piece[piece.isfinite()]
        place = torch.bucketize(finite, limits).clamp(max=BINS - 1)
        counts += torch.bincount(place, minlength=BINS)
        sums += torch.bincount(place, finite, minlength=BINS)
    sums /= sums.sum()
    return tuple(
        LossBin(edges[k], edges[k + 1], int(counts[k]), float(sums[k])) for k in range(BINS)
    )


def interval(loss: Pieces, divisor: Pieces) -> Interval | None:
    """Where the mean lies in 95 of 100 samples; None of one example, or of an infinite loss."""
    count, weight = sum(map(len, loss)), total(divisor)
    if count < 2 or not weight or not math.isfinite(total(loss)):
        return None
    if count <= RESAMPLED:
        return _resampled(joined(loss), joined(divisor))
    mean = total(loss) / weight
    both = zip(loss, divisor, strict=True)
    spread = math.sqrt(sum(float((a - mean * b).square().sum()) for a, b in both)) / weight
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
