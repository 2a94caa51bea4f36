"""The first row of a file that cannot be what it is said to be, shown with why and the fix."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lossary.core.errors import DomainError, LossaryError, OptionError
from lossary.explain.words import Words

# How far printed probabilities may be from adding up to 1.
ROUNDED = 1e-2
# As many numbers of a row as are shown.
SHOWN = 6
# As many letters of a row as are shown.
WIDE = 100


class RowError(DomainError):
    """A row that cannot be read, or cannot be what an option says."""


@dataclass(frozen=True)
class Place:
    """A file, and how many of its rows come before those that are looked at."""

    words: Words
    path: Path
    start: int

    def refuse(self, at: int, shown: str, why: str, **values: object) -> RowError:
        """The error for one of them."""
        return refuse(self.words, self.path, self.start + at + 1, shown, why, **values)


def refuse(
    words: Words, path: str | Path, row: int, shown: str, why: str, **values: object
) -> RowError:
    """The error for a row, which counts from 1, a header aside."""
    return RowError(
        words("file.row", path=path, row=f"{row:,}", shown=shown, why=words(why, **values))
    )


def unreadable(words: Words, path: Path, error: Exception) -> OptionError:
    """The error for a file that a library cannot read."""
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(". ")
    return OptionError(words("file.unreadable", path=path, reason=reason))


def no_rows(words: Words, path: str | Path) -> OptionError:
    """The error for a file that has names and nothing else."""
    return OptionError(words("file.no_rows", path=path))


@contextmanager
def told(words: Words, path: Path) -> Iterator[None]:
    """Say of any library's error that the file cannot be read: each has errors of its own."""
    try:
        yield
    except LossaryError:
        raise
    except OSError as error:
        if error.errno is not None:  # the system's own: no such file, no permission
            raise
        raise unreadable(words, path, error) from error
    except Exception as error:
        raise unreadable(words, path, error) from error


def is_number(cell: str) -> bool:
    """Whether a cell is a number, as arrow reads it.

    >>> [is_number(cell) for cell in ("1e3", "-inf", "1_000", "x", "")]
    [True, True, False, False, False]
    """
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell and cell.isascii()


def cells_text(cells: Iterable[object]) -> str:
    """A row as it is written, the first of it.

    >>> cells_text(["1", None, "a"])
    '1, , a'
    """
    shown = ", ".join("" if cell is None else str(cell) for cell in cells)
    return shown if len(shown) <= WIDE else shown[:WIDE] + "..."


def arrow_row(batch: Any, row: int) -> str:
    """A row of an arrow batch."""
    return cells_text(batch.slice(row, 1).to_pylist()[0].values())


def refuse_missing(place: Place, batch: Any) -> None:
    """Refuse the first row of an arrow batch that lacks a value."""
    missing = {name: batch.column(name).is_null() for name in batch.schema.names}
    rows = {name: c.index(True).as_py() for name, c in missing.items() if c.true_count}
    if rows:
        name = min(rows, key=lambda name: rows[name])
        shown = arrow_row(batch, rows[name])
        raise place.refuse(rows[name], shown, "file.why_missing", name=name)


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


def check_prediction(place: Place, kind: str, x: Tensor, over_classes: bool) -> None:
    """NaN nowhere; probabilities between 0 and 1, and rows of them that add up to 1."""
    infinite = x == torch.inf if kind == "logits" else x.isinf()
    wrongs = {"file.why_nan": x.isnan(), "file.why_infinite": infinite}
    if kind == "probs":
        wrongs["file.why_probability"] = (x < 0) | (x > 1)
    if over_classes and kind == "probs":
        wrongs["file.why_sum"] = _apart_from_one(x) > ROUNDED
    if over_classes and kind == "logits":
        wrongs["file.why_masked"] = x.amax(1) == -torch.inf
    places = {why: at for why, wrong in wrongs.items() if (at := _first(wrong)) is not None}
    if not places:
        return
    # The first row that is wrong, by the first thing that is wrong with it.
    why = min(places, key=lambda why: (places[why], list(wrongs).index(why)))
    raise _of_row(place, places[why], x, why)


def _apart_from_one(x: Tensor) -> Tensor:
    return (x.sum(1) - 1).abs()


def _of_row(place: Place, at: int, x: Tensor, why: str) -> RowError:
    """The error for a row, with the sum that is furthest from 1."""
    total = x[at].sum(0) if x.dim() > 1 else x[at]
    furthest = total.flatten()[(total - 1).abs().argmax()]
    return place.refuse(at, row_text(x[at]), why, total=f"{float(furthest):.4g}")


def check_classes(place: Place, target: Tensor, classes: int, ignored: int) -> Tensor:
    """Class indices as whole numbers; a fraction or a class that is not there is refused."""
    wide = target.double()
    is_class = (wide == wide.round()) & (wide >= 0) & (wide < classes)
    at = _first(~(is_class | (wide == ignored)))
    if at is not None:
        raise place.refuse(at, row_text(target[at]), "file.why_class", most=classes - 1)
    return target.long()


def check_probabilities(place: Place, target: Tensor, over_classes: bool) -> None:
    """Targets of yes or no, or soft ones, lie between 0 and 1; those over classes add up to 1."""
    at = _first(~((target >= 0) & (target <= 1)))
    if at is not None:
        raise place.refuse(at, row_text(target[at]), "file.why_target")
    if over_classes and (at := _first(_apart_from_one(target) > ROUNDED)) is not None:
        raise _of_row(place, at, target, "file.why_target_sum")


def check_finite(place: Place, target: Tensor) -> None:
    """A quantity is a number."""
    at = _first(~target.double().isfinite())
    if at is not None:
        raise place.refuse(at, row_text(target[at]), "file.why_nan")
