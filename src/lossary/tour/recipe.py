"""A figure's recipe: four small functions, and the code that the tour shows is their source."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

import lossary.nn
from lossary.tour.exact import at_50_digits
from lossary.tour.expected import flatten, same_digits, study_figures
from lossary.tour.given import Given
from lossary.tour.results import Answer, Figure, relative

# Measured figures beyond the study's are shown with as many digits.
OWN_DIGITS = 4


@dataclass(frozen=True)
class Recipe:
    """How to compute one figure by hand, with Lossary, with torch and at 50 digits.

    ``library`` takes the ``nn`` module: the same line runs with ``lossary.nn`` and
    ``torch.nn``. Where torch has no such line, ``torch`` says what it offers instead.
    """

    topic: str
    by_hand: Callable[[Given], Tensor]
    library: Callable[[Any, Given], Any]
    exact: Callable[[Any, Given], Any]
    torch: Callable[[Any, Given], Any] | None = None

    def cook(self, given: Given) -> Figure:
        """Compute the figure all four ways and compare."""
        with torch.no_grad():
            hand = self.by_hand(given)
            ours = self._from_library(self.library, lossary.nn, given)
            theirs = self._from_library(self.torch or self.library, torch.nn, given)
        exact = flatten(at_50_digits(partial(_swap, self.exact, given)))
        fact = study_figures().get(self.topic)
        digits = OWN_DIGITS if fact is None else fact["digits"]
        expected = exact if fact is None else flatten(fact["value"])

        def answer(code: str, values: tuple[float, ...], digits: int | None) -> Answer:
            off = max(relative(v, e) for v, e in zip(values, exact, strict=True))
            return Answer(code, values, off, same_digits(values, expected, digits))

        return Figure(
            topic=self.topic,
            shape=tuple(ours.shape),
            digits=digits,
            expected=expected,
            from_study=fact is not None,
            answers={
                "by_hand": answer(shown(self.by_hand), flatten(hand.tolist()), digits),
                "lossary": answer(shown(self.library), flatten(ours.tolist()), digits),
                "torch": answer(
                    shown(self.torch or self.library), flatten(theirs.tolist()), digits
                ),
                # "All digits" are a float32's; the exact number goes on after them.
                "exact": answer("", exact, OWN_DIGITS if digits is None else digits),
            },
        )

    def _from_library(self, compute: Callable[[Any, Given], Any], nn: Any, given: Given) -> Any:
        """Run one library's lines; those that draw leave the caller's random stream alone."""
        with torch.random.fork_rng(devices=[]):
            return compute(nn, given)


def _swap(exact: Callable[[Any, Given], Any], given: Given, mp: Any) -> Any:
    return exact(mp, given)


def shown(function: Callable[..., Any]) -> str:
    """The lines of a function's body as a student would write them.

    >>> def by_hand(g):
    ...     return (g.u * torch.log(g.u / g.p)).sum()
    >>> shown(by_hand)
    '(u * torch.log(u / p)).sum()'
    """
    definition = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(definition, ast.FunctionDef)
    lines = []
    for statement in definition.body:
        if not _is_docstring(statement):
            lines += ast.unparse(_Plain().visit(statement)).splitlines()
    return "\n".join(line.removeprefix("return ") for line in lines)


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


class _Plain(ast.NodeTransformer):
    """Shows ``g.u`` as ``u`` and drops type notes: the tour's bookkeeping, not the student's."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.value, ast.Name) and node.value.id == "g":
            return ast.copy_location(ast.Name(node.attr, node.ctx), node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        self.generic_visit(node)
        assert node.value is not None
        return ast.copy_location(ast.Assign([node.target], node.value), node)
