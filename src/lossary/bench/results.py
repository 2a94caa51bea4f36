"""What was found: one row per contender and point, and what follows from rows side by side."""

from dataclasses import dataclass

from lossary.bench.machine import Machine
from lossary.bench.points import Point

MEASURED = "measured"


@dataclass(frozen=True)
class Row:
    """One contender at one point; None where something was not measured."""

    point: Point
    contender: str
    status: str = MEASURED
    detail: str = ""
    step_ms: float | None = None
    forward_ms: float | None = None
    rounds: int = 0
    peak_bytes: int | None = None
    loss_error: float | None = None
    gradient_error: float | None = None
    step_spread: float | None = None  # of the middle half of the steps, as a part of step_ms


@dataclass(frozen=True)
class Found:
    """Everybody at one point."""

    point: Point
    rows: tuple[Row, ...]

    def of(self, contender: str) -> Row | None:
        """A contender's row, if it was measured."""
        rows = (row for row in self.rows if row.contender == contender)
        return next((row for row in rows if row.status == MEASURED), None)

    def ratio(self, row: Row, other: str, what: str = "step_ms") -> float | None:
        """How many times another contender's time, or memory, a row takes."""
        base = self.of(other)
        mine, theirs = getattr(row, what), None if base is None else getattr(base, what)
        return mine / theirs if mine is not None and theirs else None


@dataclass(frozen=True)
class Report:
    """A whole run."""

    machine: Machine
    suite: str
    device: str
    found: tuple[Found, ...]

    def losses(self) -> list[str]:
        """The losses that were measured, in order."""
        return list(dict.fromkeys(found.point.loss for found in self.found))

    def largest(self, loss: str) -> Found:
        """The point of a loss with the largest vocabulary; of several, the one of most rows."""
        own = [found for found in self.found if found.point.loss == loss]
        timed = [found for found in own if found.point.timed] or own
        return max(timed, key=lambda found: (found.point.vocabulary, found.point.rows))
