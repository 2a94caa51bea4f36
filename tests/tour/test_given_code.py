"""What the tour shows can be run by its reader, and gives the numbers that stand beside it."""

import ast
from typing import Any

import pytest
import torch

import lossary.functional
import lossary.nn
from lossary.tour.expected import flatten
from lossary.tour.given_code import GIVEN, IMPORTS
from lossary.tour.results import Repair, Step, Tour
from lossary.tour.thread import STEPS

LIBRARIES = {"by_hand": lossary.nn, "lossary": lossary.nn, "torch": torch.nn}


def outcome(code: str, names: dict[str, Any]) -> Any:
    """Run lines and return the value of the last, as a person at a prompt sees it."""
    *lines, last = ast.parse(code).body
    assert isinstance(last, ast.Expr)
    exec(compile(ast.Module(lines, []), "shown", "exec"), names)
    return eval(compile(ast.Expression(last.value), "shown", "eval"), names)


def numbers(value: Any) -> tuple[float, ...]:
    """The numbers of a tensor or a tuple."""
    return flatten(value.tolist() if isinstance(value, torch.Tensor) else list(value))


@pytest.mark.parametrize("at", range(len(STEPS)), ids=STEPS)
def test_a_step_runs_from_top_to_bottom_as_shown(found: Tour, at: int) -> None:
    """One namespace for the whole step: no line spoils a name for the lines after it."""
    step: Step = found.steps[at]
    names: dict[str, Any] = {}
    with torch.random.fork_rng(devices=[]):
        exec(f"{IMPORTS}\n{GIVEN[step.key]}", names)
        for figure in step.figures:
            for way, nn in LIBRARIES.items():
                names["nn"] = nn
                answer = figure.answers[way]
                assert numbers(outcome(answer.code, names)) == answer.values, answer.code


@pytest.mark.parametrize("at", range(4))
def test_a_repair_runs_as_shown(found: Tour, at: int) -> None:
    repair: Repair = found.repairs[at]
    names: dict[str, Any] = {}
    exec(f"{IMPORTS}\n{repair.given}", names)
    for way, F in (("torch", torch.nn.functional), ("lossary", lossary.functional)):
        names["F"] = F
        value = outcome(dict(repair.calls).get(way, repair.code), names)
        wanted = tuple(getattr(m, way) for m in repair.measured)
        assert (value if isinstance(value, tuple) else (value,)) == wanted
