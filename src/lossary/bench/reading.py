"""How to read the numbers: only of those who take part."""

from collections.abc import Iterable

from lossary.bench.points import LOSSES, Point, contenders
from lossary.bench.words import Words

EXPLAINED = ("chunked", "chunked_auto")


def reading(points: Iterable[Point], without: tuple[str, ...], words: Words) -> str:
    """What is measured, for these points, without those who are left out."""
    points = list(points)
    losses = [loss for loss in LOSSES if any(point.loss == loss for point in points)]
    names = {name for loss in losses for name in contenders(loss, without)}
    said = ["times"]
    if "floor" in names:
        said.append("floor." + ("both" if len(losses) == len(LOSSES) else losses[0]))
    said.append("peak")
    if any(point.exact for point in points):
        said.append("errors")
    said += [name for name in EXPLAINED if name in names]
    return " ".join(words(f"reading.{part}") for part in said)
