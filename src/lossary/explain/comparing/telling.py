"""A comparison in words: sentences and tables, for a terminal and a notebook."""

import math
from collections.abc import Iterator
from typing import Any

from lossary.explain import html, text
from lossary.explain.comparing.comparison import Comparison, Pair
from lossary.explain.figures import count, number, percent
from lossary.explain.tables import Table
from lossary.explain.words import Words

# From here on two gradients are called alike, and below it different.
ALIKE, DIFFERENT = 0.99, 0.9


def rich(found: Comparison) -> Any:
    """What rich prints."""
    words = Words(found.language)
    return text.laid_out(title(found, words), sentences(found, words), "", tables(found, words))


def fragment(found: Comparison) -> str:
    """One element for a notebook's output."""
    words = Words(found.language)
    shown = "".join(html.table_element(table, opened=True) for table in tables(found, words))
    return html.element(words, title(found, words), sentences(found, words), shown, styled=True)


def title(found: Comparison, words: Words) -> str:
    """How many losses, on how many examples."""
    return words("compare.title", losses=len(found.losses), n=count(found.examples))


def sentences(found: Comparison, words: Words) -> list[str]:
    """What matters most, first."""
    return [words(f"compare.{key}", **values) for key, values in _said(found)]


def _said(found: Comparison) -> Iterator[tuple[str, dict[str, str]]]:
    known = [pair for pair in found.pairs if pair.cosine is not None]
    if known:
        pair = min(known, key=_cosine)
        least = _cosine(pair)
        key = "against" if least < 0 else "apart" if least < DIFFERENT else None
        key = "alike" if least >= ALIKE else key or "near"
        values = {"first": pair.first, "second": pair.second, "cosine": number(least)}
        yield key, values
    ranked = sorted(found.losses, key=lambda one: one.cumulative[1])
    low, high = ranked[0], ranked[-1]
    if high.cumulative[1] - low.cumulative[1] >= 0.05:
        shares = {"most": percent(high.cumulative[1]), "least": percent(low.cumulative[1])}
        yield "tenth", {"first": high.name, "second": low.name, **shares}
    for one in found.losses:
        if one.without_gradient:
            values = {"name": one.name, "count": count(one.without_gradient)}
            yield "silent", {**values, "n": count(found.examples)}
    minds = {one.cares[0].index for one in found.losses if one.gradient_norm > 0}
    if len(minds) > 1:
        first, second = found.losses[0], found.losses[1]
        others = [one for one in found.losses if one.cares[0].index != first.cares[0].index]
        second = others[0] if others else second
        values = {"first": first.name, "one": str(first.cares[0].index)}
        yield "minds", {**values, "second": second.name, "other": str(second.cares[0].index)}


def _cosine(pair: Pair) -> float:
    return math.inf if pair.cosine is None else pair.cosine


def tables(found: Comparison, words: Words) -> list[Table]:
    """The losses, their cosines, and the examples that each minds most."""
    names = [one.name for one in found.losses]
    between = {(p.first, p.second): p for p in found.pairs}

    def cosine(a: str, b: str) -> str:
        pair = between.get((a, b)) or between.get((b, a))
        return number(1.0) if pair is None else number(pair.cosine)

    keys = ("loss_name", "loss", "gradient_norm", "tenth", "silent")
    return [
        Table(
            words("compare.losses"),
            [words(f"column.{key}") for key in keys],
            [
                [
                    one.name,
                    number(one.value),
                    number(one.gradient_norm),
                    percent(one.cumulative[1]),
                    count(one.without_gradient),
                ]
                for one in found.losses
            ],
        ),
        Table(
            words("compare.cosines"),
            ["", *names],
            [[a, *(cosine(a, b) for b in names)] for a in names],
        ),
        Table(
            words("compare.cares"),
            names,
            [
                [
                    f"{one.cares[k].index} ({percent(one.cares[k].gradient_share)})"
                    for one in found.losses
                ]
                for k in range(len(found.losses[0].cares))
            ],
            words=0,
        ),
    ]
