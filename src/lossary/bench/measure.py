"""Measure a point: who fits, who runs, how exact, how fast, how much memory."""

import re
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median

import torch

from lossary.bench import contenders, fits, points
from lossary.bench.clock import Step, spread, turns
from lossary.bench.contenders import SURE, Contender, UnavailableError
from lossary.bench.memory import available_bytes, peak_bytes
from lossary.bench.peaks import peaks
from lossary.bench.points import Point
from lossary.bench.problem import Problem, make, smaller
from lossary.bench.results import MEASURED, Found, Row
from lossary.bench.truth import affordable, errors, truth, truth_bytes

# Files and folders in an error text: whose machine it is, is nobody else's business.
PATH = re.compile(r"(?<!\w)(?:[A-Za-z]:)?[/\\][^\s'\",:]+")


@dataclass(frozen=True)
class Effort:
    """Rounds at a point, the seconds after which fewer are enough, and who is left out.

    Nobody waits for a rival whose step takes more seconds than ``patience``.
    """

    rounds: int = 21
    seconds: float | None = 8.0
    without: tuple[str, ...] = ()
    patience: float = float("inf")
    device: str = "cpu"


def measure(
    point: Point, effort: Effort, turn: Callable[[str], None] = lambda stage: None
) -> Found:
    """Everybody at one point. ``turn`` is told what is done next."""
    names = points.contenders(point.loss, effort.without)
    rows = {name: _admitted(point, name, effort.device) for name in names}
    if any(row.status == MEASURED for row in rows.values()):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a library's advice is no part of the table
            _measure(point, rows, effort, turn)
    return Found(point, tuple(rows.values()))


def _admitted(point: Point, name: str, device: str) -> Row:
    needed, available = fits.needed_bytes(point, name), available_bytes(device)
    if available is None or needed <= available:
        return Row(point, name)
    return Row(point, name, "does_not_fit", f"{needed / 1e9:.1f} GB / {available / 1e9:.1f} GB")


def _measure(
    point: Point, rows: dict[str, Row], effort: Effort, turn: Callable[[str], None]
) -> None:
    """Fill in the rows that may be measured."""
    turn("prepare")
    held = point.timed or point.exact or effort.device == "cuda"
    problem = make(point if held else smaller(point), effort.device)
    ready = _ready(problem, rows, effort.patience)
    if point.exact and affordable(point):
        turn("errors")
        _errors(problem, ready, rows, effort.device)
    if point.timed:
        turn("time")
        _times(ready, rows, effort)
    turn("memory")
    if effort.device == "cuda":
        found = {one.name: _peak_here(one) for one in ready}
    else:
        del problem
        names = [one.name for one in ready]
        ready.clear()
        found = peaks(point, names)
    for name, peak in found.items():
        rows[name] = replace(rows[name], peak_bytes=peak)


def _ready(problem: Problem, rows: dict[str, Row], patience: float) -> list[Contender]:
    """Set everybody up and take a first step: whatever is compiled is compiled here."""
    ready = []
    for name, row in rows.items():
        if row.status != MEASURED:
            continue
        try:
            one = contenders.contender(name, problem)
            if problem.point.timed:
                _first_step(one, patience)
        except UnavailableError as reason:
            rows[name] = replace(row, status=reason.status, detail=reason.detail)
            continue
        except RuntimeError as error:
            if name in SURE:
                raise
            rows[name] = replace(row, status=_status(name, error), detail=_first_line(error))
            continue
        finally:
            problem.forget_gradients()
        ready.append(one)
    return ready


def _first_step(one: Contender, patience: float) -> None:
    """A step, and a loss alone; a contender that takes too long is left out.

    Not so who all are compared with, and not for the time that compiling takes.
    """
    start = time.perf_counter()
    one.step()
    spent = time.perf_counter() - start
    if spent > patience and one.name not in ("torch", "compile", *SURE):
        raise UnavailableError("too_slow", f"{spent:.0f} s")
    one.forward()


def _status(name: str, error: RuntimeError) -> str:
    if isinstance(error, torch.OutOfMemoryError):
        return "out_of_memory"
    return "does_not_compile" if name == "compile" else "does_not_run"


def _first_line(error: RuntimeError) -> str:
    """What an error says, in short, and without the places of this machine's files."""
    said = PATH.sub("...", str(error))
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__


def _errors(problem: Problem, ready: list[Contender], rows: dict[str, Row], device: str) -> None:
    available = available_bytes(device)
    if available is not None and truth_bytes(problem.point) > available:
        return
    right = truth(problem)
    for one in ready:
        if one.name == "liger":  # its first step wrote over its logits
            one = contenders.contender("liger", problem)
        if one.answer is None:
            continue
        loss = one.answer()
        got = errors(loss, tuple(leaf.grad for leaf in one.problem.leaves), right)
        one.problem.forget_gradients()
        rows[one.name] = replace(rows[one.name], loss_error=got.loss, gradient_error=got.gradient)


def _times(ready: list[Contender], rows: dict[str, Row], effort: Effort) -> None:
    """Forward alone, and forward with backward, everybody in turn."""
    steps = [_finished(step, effort.device) for one in ready for step in (one.forward, one.step)]
    times = turns(steps, effort.rounds, effort.seconds)
    for one, forward, step in zip(ready, times[::2], times[1::2], strict=True):
        rows[one.name] = replace(
            rows[one.name],
            forward_ms=median(forward),
            step_ms=median(step),
            step_spread=spread(step),
            rounds=len(step),
        )


def _finished(step: Step, device: str) -> Step:
    """A step that returns when its work is done: a GPU is only told what to do."""
    if device != "cuda":
        return step

    def run() -> None:
        step()
        torch.cuda.synchronize()

    return run


def _peak_here(one: Contender) -> int | None:
    one.problem.forget_gradients()
    peak = peak_bytes(one.step, "cuda")
    one.problem.forget_gradients()
    return peak
