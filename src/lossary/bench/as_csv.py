"""A run as a table in a file: each line a contender at a point, with the machine beside it.

Lines say everything, so that files of several machines can simply be put together.
"""

import csv
import io
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

from lossary.bench.machine import Machine
from lossary.bench.points import Point
from lossary.bench.results import Found, Report, Row

MACHINE = tuple(field.name for field in fields(Machine))
POINT = ("curve", "loss", "rows", "vocabulary", "width", "dtype", "timed", "exact")
NUMBERS = (
    "step_ms",
    "step_spread",
    "forward_ms",
    "peak_bytes",
    "loss_error",
    "gradient_error",
)
COLUMNS = (
    "suite",
    "device",
    *POINT,
    "contender",
    "status",
    "detail",
    "to_torch",
    "to_floor",
    "rounds",
    *NUMBERS,
    "gradient_bytes",
    *MACHINE,
)


def as_csv(report: Report) -> str:
    """The file's text."""
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    machine = {name: getattr(report.machine, name) for name in MACHINE}
    for found in report.found:
        for row in found.rows:
            writer.writerow(
                {
                    "suite": report.suite,
                    "device": report.device,
                    **{name: getattr(found.point, name) for name in POINT},
                    "contender": row.contender,
                    "status": row.status,
                    "detail": row.detail,
                    "to_torch": _short(found.ratio(row, "torch")),
                    "to_floor": _short(found.ratio(row, "floor")),
                    "rounds": row.rounds,
                    **{name: _short(getattr(row, name)) for name in NUMBERS},
                    "gradient_bytes": found.point.gradient_bytes,
                    **machine,
                }
            )
    return file.getvalue()


def _short(value: float | None) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.4g}"


def read(path: Path) -> Report:
    """What :func:`as_csv` wrote, to the digits that it wrote; older files lack some columns."""
    with path.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    points = list(dict.fromkeys(map(_point, lines)))
    found = [Found(p, tuple(_rows(line for line in lines if _point(line) == p))) for p in points]
    first = lines[0]
    machine = {
        name: int(first[name]) if name in ("cores", "threads") else first[name]
        for name in MACHINE
        if name in first
    }
    return Report(Machine(**machine), first["suite"], first["device"], tuple(found))  # type: ignore[arg-type]


def _point(line: dict[str, str]) -> Point:
    return Point(
        loss=line["loss"],  # type: ignore[arg-type]
        rows=int(line["rows"]),
        vocabulary=int(line["vocabulary"]),
        dtype=line["dtype"],
        width=int(line["width"]),
        curve=line["curve"],
        timed=line["timed"] == "True",
        exact=line["exact"] == "True",
    )


def _rows(lines: Iterable[dict[str, str]]) -> Iterable[Row]:
    for line in lines:
        numbers = {name: float(line[name]) if line.get(name) else None for name in NUMBERS}
        peak = numbers.pop("peak_bytes")
        yield Row(
            _point(line),
            line["contender"],
            line["status"],
            line["detail"],
            rounds=int(line["rounds"]),
            peak_bytes=None if peak is None else int(peak),
            **numbers,
        )
