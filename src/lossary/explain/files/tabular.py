"""CSV and Parquet: rows with named columns, read in batches."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lossary.console.optional import need
from lossary.core.errors import OptionError
from lossary.explain.files.faults import refuse
from lossary.explain.words import Words

ENDINGS = (".csv", ".tsv", ".parquet", ".pq")
CSV_BLOCK_BYTES = 2**22
PARQUET_ROWS = 2**17
# What counts as nothing in a CSV file, as pandas and R write it.
NOTHING = ("", "NA", "N/A", "nan", "NaN", "null", "NULL", "None")


class Table:
    """A file of rows. Columns are numbers, or words where ``texts`` names them."""

    def __init__(self, path: Path, words: Words) -> None:
        self.path, self.words = path, words
        self.is_csv = path.suffix.lower() in (".csv", ".tsv")
        self.delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
        self.columns = self._columns()
        self.texts: tuple[str, ...] = ()

    def _columns(self) -> list[str]:
        try:
            head = self._head()
        except (need("pyarrow").ArrowInvalid, UnicodeDecodeError, csv.Error) as error:
            raise self._unreadable(error) from error
        if not head:
            raise OptionError(self.words("file.empty", path=self.path))
        twice = next((name for name in head if head.count(name) > 1), None)
        if twice is not None:
            raise OptionError(self.words("file.twice", path=self.path, name=twice))
        return head

    def _head(self) -> list[str]:
        if not self.is_csv:
            return list(need("pyarrow.parquet").ParquetFile(self.path).schema_arrow.names)
        with self.path.open(newline="", encoding="utf-8-sig") as file:
            return next(csv.reader(file, delimiter=self.delimiter), [])

    def _unreadable(self, error: Exception) -> OptionError:
        reason = str(error).splitlines()[0][:200]
        return OptionError(self.words("file.unreadable", path=self.path, reason=reason))

    def first(self, column: str) -> str:
        """The first value of a column, as it is written; to see whether it is a number."""
        if self.is_csv:
            with self.path.open(newline="", encoding="utf-8-sig") as file:
                reader = csv.DictReader(file, delimiter=self.delimiter)
                return str((next(reader, None) or {}).get(column) or "")
        for batch in self._batches([column]):
            if batch.num_rows:
                return str(batch.column(0)[0].as_py())
        return ""

    def batches(self, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Each batch as numpy arrays by name."""
        arrow = need("pyarrow")
        start = 0
        try:
            for batch in self._batches(columns):
                yield {name: self._values(batch, name, start) for name in columns}
                start += batch.num_rows
        except (arrow.ArrowInvalid, arrow.ArrowKeyError, UnicodeDecodeError) as error:
            if self.is_csv:
                self._find_fault(columns)
            raise self._unreadable(error) from error

    def _batches(self, columns: Sequence[str]) -> Iterator[Any]:
        if not self.is_csv:
            file = need("pyarrow.parquet").ParquetFile(self.path)
            yield from file.iter_batches(batch_size=PARQUET_ROWS, columns=list(columns))
            return
        arrow = need("pyarrow")
        reader = need("pyarrow.csv")
        kinds = {c: arrow.string() if c in self.texts else arrow.float64() for c in columns}
        with reader.open_csv(
            self.path,
            read_options=reader.ReadOptions(block_size=CSV_BLOCK_BYTES),
            parse_options=reader.ParseOptions(delimiter=self.delimiter),
            convert_options=reader.ConvertOptions(
                include_columns=list(columns), column_types=kinds, null_values=list(NOTHING)
            ),
        ) as batches:
            yield from batches

    def _values(self, batch: Any, name: str, start: int) -> Any:
        column = batch.column(name) if hasattr(batch, "column") else batch[name]
        if column.null_count:
            row = start + column.is_null().to_pylist().index(True) + 1
            raise refuse(self.words, self.path, row, f"{name}: ", "file.why_missing", name=name)
        return column.to_numpy(zero_copy_only=False)

    def _find_fault(self, columns: Sequence[str]) -> None:
        """Read line by line until the first one that cannot be read, and say what it is."""
        with self.path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
            reader = csv.reader(file, delimiter=self.delimiter)
            next(reader)
            places = {name: self.columns.index(name) for name in columns}
            for row, cells in enumerate(reader, 1):
                shown = self.delimiter.join(cells)[:100]
                if len(cells) != len(self.columns):
                    many = {"cells": len(cells), "columns": len(self.columns)}
                    raise refuse(self.words, self.path, row, shown, "file.why_ragged", **many)
                for name, place in places.items():
                    if name not in self.texts and not _is_number(cells[place]):
                        values = {"name": name, "cell": cells[place][:40]}
                        raise refuse(self.words, self.path, row, shown, "file.why_word", **values)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return cell in NOTHING
    return True


def stacked(batch: dict[str, Any], columns: Sequence[str]) -> Tensor:
    """Columns of numbers side by side; one alone is a vector."""
    values = [np.asarray(batch[name], dtype=np.float64) for name in columns]
    if len(values) == 1:
        return torch.from_numpy(values[0].copy())  # what arrow lends may not be written to
    return torch.from_numpy(np.stack(values, 1))
