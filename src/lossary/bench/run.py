"""A run from its wishes to its results: measure, show, write."""

import json
import os
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch

from lossary.bench import text
from lossary.bench.as_csv import as_csv
from lossary.bench.as_json import as_json
from lossary.bench.curves import curves
from lossary.bench.machine import describe
from lossary.bench.measure import Effort, measure
from lossary.bench.points import Point
from lossary.bench.progress import Bar
from lossary.bench.reading import reading
from lossary.bench.results import Found, Report
from lossary.bench.words import Words
from lossary.console.layout import console, tell
from lossary.console.whole import write_whole


@dataclass(frozen=True)
class Output:
    """Where results go beside the terminal."""

    json: bool = False
    csv: Path | None = None
    figure: Path | None = None


def run(
    suite: str, points: list[Point], effort: Effort, threads: int | None, out: Output, words: Words
) -> Report:
    """Measure all points and tell of each as soon as it is known."""
    # One process compiles: helpers would compete for the processors, and outlive a Ctrl-C.
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")
    if threads is not None:
        torch.set_num_threads(threads)
    machine = describe(effort.device)
    shown = console()
    if not out.json:
        tell(shown, text.opening(machine, reading(points, effort.without, words), words))
    bar, found = Bar(words, len(points)), list[Found]()
    for point in points:
        with bar.point(point) as turn:
            found.append(measure(point, effort, turn))
        if not out.json:
            tell(shown, text.found(found[-1], words, shown.width))
    report = Report(machine, suite, effort.device, tuple(found))
    if out.json:
        print(json.dumps(as_json(report, words), ensure_ascii=True, indent=2, allow_nan=False))
    else:
        tell(shown, text.closing(report, words))
    _write(report, out, words)
    return report


def _write(report: Report, out: Output, words: Words) -> None:
    if out.csv is not None:
        write_whole(out.csv, as_csv(report))
        print(words("written", path=out.csv), file=sys.stderr)
    if out.figure is not None:
        from lossary.bench.figure import draw

        with warnings.catch_warnings(record=True) as caught:
            drawn = draw(list(curves(report)), words, out.figure.suffix[1:].lower())
        for warning in caught:
            print(warning.message, file=sys.stderr)
        write_whole(out.figure, drawn)
        print(words("written", path=out.figure), file=sys.stderr)
