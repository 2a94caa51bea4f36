"""CSV and Parquet: rows with named columns, read in batches."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from lossary.core.errors import OptionError
from lossary.explain.files.delimited import Delimited
from lossary.explain.files.parquet import Parquet
from lossary.explain.words import Words

OF_TEXT = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
ENDINGS = (*OF_TEXT, ".parquet", ".pq")


class Table(Protocol):
    """What every file of rows offers. ``columns`` are the names, in the file's order."""

    columns: list[str]

    def first(self, column: str) -> str:
        """The first value of a column, as it is written; "" where there is none."""

    def batches(self, numbers: Sequence[str], texts: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Each batch as numpy arrays by name."""


def ending(path: Path) -> str:
    """What a file's name says that it holds.

    >>> ending(Path("digits.CSV.gz")), ending(Path("digits.npz"))
    ('.csv.gz', '.npz')
    """
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    return "".join(suffixes) if suffixes[-1:] == [".gz"] else "".join(suffixes[-1:])


def table_of(path: Path, words: Words) -> Table:
    """The table in a file, opened."""
    return Delimited(path, words) if ending(path) in OF_TEXT else Parquet(path, words)


def check_once(table: Table, columns: Sequence[str], path: Path, words: Words) -> None:
    """Of two columns with one name none can be meant."""
    twice = next((name for name in columns if table.columns.count(name) > 1), None)
    if twice is not None:
        raise OptionError(words("file.twice", path=path, name=twice))


def stacked(batch: dict[str, Any], columns: Sequence[str]) -> Tensor:
    """Columns of numbers side by side; one alone is a vector."""
    if len(columns) == 1:
        return torch.from_numpy(batch[columns[0]].copy())  # what arrow lends is not to write to
    return torch.from_numpy(np.stack([batch[name] for name in columns], 1))
