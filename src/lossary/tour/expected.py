"""The study's figures, shipped with the package so that the tour can check itself."""

import json
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def study_figures() -> dict[str, Any]:
    """The facts by topic: recipe, digits printed (null: all) and value.

    >>> study_figures()["mse"]["value"]
    1.7011
    """
    text = files("lossary.tour").joinpath("seed_figures.json").read_text(encoding="utf-8")
    figures: dict[str, Any] = json.loads(text)["figures"]
    return figures


def flatten(value: Any) -> tuple[float, ...]:
    """The numbers of a nested list, in reading order.

    >>> flatten([[1.0, 2.0], [3.0]])
    (1.0, 2.0, 3.0)
    """
    if isinstance(value, list):
        return tuple(number for part in value for number in flatten(part))
    return (float(value),)


def printed(value: float, digits: int | None) -> str:
    """A number with the digits that the study printed.

    >>> printed(2.39296, 4), printed(6.0, 0), printed(0.25, None)
    ('2.3930', '6', '0.25')
    """
    text = repr(value) if digits is None else f"{value:.{digits}f}"
    # The study never prints a negative zero; -0.0000 is the same figure.
    return text.removeprefix("-") if text.strip("-0.") == "" else text


def same_digits(values: Iterable[float], expected: Iterable[float], digits: int | None) -> bool:
    """Whether every number prints to the same digits.

    >>> same_digits([2.39296], [2.3930], 4)
    True
    """
    pairs = zip(values, expected, strict=True)
    return all(printed(v, digits) == printed(e, digits) for v, e in pairs)
