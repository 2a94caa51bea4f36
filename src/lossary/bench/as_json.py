"""A run as one JSON object, under a schema version."""

import math
from dataclasses import asdict
from typing import Any

from lossary.bench.notes import notes
from lossary.bench.results import Found, Report, Row
from lossary.bench.sentence import conclusions
from lossary.bench.words import Words

SCHEMA_VERSION = 1


def as_json(report: Report, words: Words) -> dict[str, Any]:
    """Everything found. What was not measured is null; what JSON cannot hold is a string."""
    return {
        "schema_version": SCHEMA_VERSION,
        "command": "bench",
        "language": words.language,
        "machine": asdict(report.machine),
        "suite": report.suite,
        "device": report.device,
        "points": [_point(found) for found in report.found],
        "conclusions": conclusions(report, words),
        "notes": notes(report, words),
    }


def _point(found: Found) -> dict[str, Any]:
    point = found.point
    return {
        "loss": point.loss,
        "rows": point.rows,
        "vocabulary": point.vocabulary,
        "width": point.width or None,
        "dtype": point.dtype,
        "curve": point.curve or None,
        "logits_bytes": point.logits_bytes,
        "gradient_bytes": point.gradient_bytes,
        "contenders": [_row(found, row) for row in found.rows],
    }


def _row(found: Found, row: Row) -> dict[str, Any]:
    return {
        "contender": row.contender,
        "status": row.status,
        "detail": row.detail or None,
        "time_to_torch": number(found.ratio(row, "torch")),
        "time_to_floor": number(found.ratio(row, "floor")),
        "memory_to_torch": number(found.ratio(row, "torch", "peak_bytes")),
        "step_ms": number(row.step_ms),
        "forward_ms": number(row.forward_ms),
        "step_spread": number(row.step_spread),
        "rounds": row.rounds,
        "peak_bytes": row.peak_bytes,
        "loss_error": number(row.loss_error),
        "gradient_error": number(row.gradient_error),
    }


def number(value: float | None) -> float | str | None:
    """A number as JSON holds it.

    >>> number(0.5), number(float("nan")), number(None)
    (0.5, 'nan', None)
    """
    return value if value is None or math.isfinite(value) else str(value)
