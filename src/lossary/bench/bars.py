"""One size, which no line goes through: a bar for each contender, and a last one for the floor."""

from typing import Any

from lossary.bench.curves import MEMORY, Curve
from lossary.bench.numbers import count, milliseconds
from lossary.bench.words import Words

# Room to the right of the longest bar, as a part of it, for its number.
ROOM = 1.16


def is_one_size(curve: Curve) -> bool:
    """Whether the points of a curve are one."""
    return len({x for line in (*curve.lines.values(), curve.floor) for x, _ in line}) == 1


def panel(axes: Any, curve: Curve, words: Words, styles: dict[str, Any]) -> None:
    """Draw everybody's number from 0 on, in the order of the table."""
    unit = 1e-6 if curve.what == MEMORY else 1.0
    lines = {**curve.lines, **({"floor": curve.floor} if curve.floor else {})}
    found = {who: line[0][1] * unit for who, line in lines.items()}
    names = {who: words(f"contender.{who}") for who in found}
    if curve.what == MEMORY and curve.floor:
        names["floor"] = words("figure.gradients")
    colors = [styles[who]["color"] for who in found]
    bars = axes.barh(range(len(found)), list(found.values()), height=0.55, color=colors, zorder=2)
    numbers = [_number(value, curve.what) for value in found.values()]
    over_the_line = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
    axes.bar_label(bars, numbers, padding=4, bbox=over_the_line)
    axes.set_yticks(range(len(found)), list(names.values()))
    axes.invert_yaxis()
    axes.tick_params(left=False)
    axes.set_xlim(0, max(found.values()) * ROOM)
    if curve.floor:
        axes.axvline(found["floor"], **{**styles["floor"], "linewidth": 0.8}, zorder=1)
    axes.set_xlabel(words(f"axis.one.{curve.what}"))
    point = curve.point
    values = {"rows": count(point.rows), "vocabulary": count(point.vocabulary)}
    loss = words(f"loss.{point.loss}")
    axes.set_title(
        words("figure.one", loss=loss, dtype=point.dtype, **values), loc="left", fontsize=9
    )


def _number(value: float, what: str) -> str:
    return f"{value:,.1f}" if what == MEMORY else milliseconds(value)
