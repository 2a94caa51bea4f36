"""The first row of a file that cannot be what it is said to be, shown with why and the fix."""

from pathlib import Path

import torch
from torch import Tensor

from lossary.core.errors import DomainError
from lossary.explain.words import Words

# How far printed probabilities may be from adding up to 1.
ROUNDED = 1e-2
# As many numbers of a row as are shown.
SHOWN = 6


class RowError(DomainError):
    """A row that cannot be read, or cannot be what an option says."""


def refuse(
    words: Words, path: str | Path, row: int, shown: str, why: str, **values: object
) -> RowError:
    """The error for a row, which counts from 1, a header aside."""
    return RowError(
        words("file.row", path=path, row=f"{row:,}", shown=shown, why=words(why, **values))
    )


def row_text(values: Tensor) -> str:
    """A row's numbers, the first few.

    >>> row_text(torch.tensor([1.0, 2.5]))
    '1, 2.5'
    """
    numbers = [f"{float(x):.6g}" for x in values.flatten()[:SHOWN]]
    return ", ".join(numbers) + (", ..." if values.numel() > SHOWN else "")


def _first(wrong: Tensor) -> int | None:
    rows = wrong.flatten(1).any(1) if wrong.dim() > 1 else wrong
    return int(rows.nonzero()[0]) if bool(rows.any()) else None


def check_prediction(
    words: Words, path: str, start: int, kind: str, x: Tensor, over_classes: bool
) -> None:
    """NaN nowhere; probabilities between 0 and 1, and rows of them that add up to 1."""
    infinite = x == torch.inf if kind == "logits" else x.isinf()
    wrongs = {"file.why_nan": x.isnan(), "file.why_infinite": infinite}
    total = x.sum(1) if x.dim() > 1 else x
    if kind == "probs":
        wrongs["file.why_probability"] = (x < 0) | (x > 1)
        if over_classes:
            wrongs["file.why_sum"] = (total - 1).abs() > ROUNDED
    places = {why: at for why, wrong in wrongs.items() if (at := _first(wrong)) is not None}
    if not places:
        return
    # The first row that is wrong, by the first thing that is wrong with it.
    why = min(places, key=lambda why: (places[why], list(wrongs).index(why)))
    at = places[why]
    found = f"{float(total[at].flatten()[0]):.4g}"
    raise refuse(words, path, start + at + 1, row_text(x[at]), why, total=found)


def check_classes(
    words: Words, path: str, start: int, target: Tensor, classes: int, ignored: int
) -> Tensor:
    """Class indices as whole numbers; a fraction or a class that is not there is refused."""
    wide = target.double()
    is_class = (wide == wide.round()) & (wide >= 0) & (wide < classes)
    at = _first(~(is_class | (wide == ignored)))
    if at is not None:
        shown, most = row_text(target[at]), classes - 1
        raise refuse(words, path, start + at + 1, shown, "file.why_class", most=most)
    return target.long()


def check_probabilities(words: Words, path: str, start: int, target: Tensor) -> None:
    """Targets of yes or no, or soft ones, lie between 0 and 1."""
    at = _first(~((target >= 0) & (target <= 1)))
    if at is not None:
        raise refuse(words, path, start + at + 1, row_text(target[at]), "file.why_target")


def check_finite(words: Words, path: str, start: int, target: Tensor) -> None:
    """A quantity is a number."""
    at = _first(~target.double().isfinite())
    if at is not None:
        raise refuse(words, path, start + at + 1, row_text(target[at]), "file.why_nan")
