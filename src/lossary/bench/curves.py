"""Curves through the points of a run: what grows along them, and what each contender takes."""

from collections.abc import Iterator
from dataclasses import dataclass

from lossary.bench.points import Point
from lossary.bench.results import MEASURED, Found, Report

# What a curve shows, by the name of the number in a row.
TIME, MEMORY = "step_ms", "peak_bytes"
Line = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Curve:
    """Everybody's line over rows or the vocabulary; ``floor`` is the least that must be."""

    what: str
    grows: str
    point: Point
    lines: dict[str, Line]
    floor: Line


def curves(report: Report) -> Iterator[Curve]:
    """The time and then the memory of each series of points."""
    groups: dict[tuple[str, str, str], list[Found]] = {}
    for found in report.found:
        if found.point.curve:
            key = (found.point.loss, found.point.curve, found.point.dtype)
            groups.setdefault(key, []).append(found)
    for series in groups.values():
        for what in (TIME, MEMORY):
            curve = _curve(series, what)
            if curve.lines:
                yield curve


def _curve(series: list[Found], what: str) -> Curve:
    point = series[0].point
    grows = "rows" if point.curve == "rows" else "vocabulary"
    lines: dict[str, list[tuple[float, float]]] = {}
    for found in series:
        for row in found.rows:
            value = getattr(row, what)
            if row.status == MEASURED and value:
                place = (float(getattr(found.point, grows)), float(value))
                lines.setdefault(row.contender, []).append(place)
    floor = lines.pop("floor", [])
    if what == MEMORY:
        # The matrix products hold all the logits: what nobody can do without is the gradients.
        floor = [(float(getattr(f.point, grows)), float(f.point.gradient_bytes)) for f in series]
    kept = {name: tuple(places) for name, places in lines.items()}
    return Curve(what, grows, point, kept, tuple(floor))
