"""CSV and TSV: a line of names, then rows of text. A fault is looked for line by line."""

import csv
import gzip
import zlib
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TextIO

from lossary.console.optional import need
from lossary.core.errors import OptionError
from lossary.explain.files import faults
from lossary.explain.words import Words

CSV_BLOCK_BYTES = 2**21
# As many bytes as a number in a row takes at most: a block must hold a whole row.
NUMBER_BYTES = 64
# What counts as nothing in a CSV file, as pandas and R write it.
NOTHING = ("", "NA", "N/A", "nan", "NaN", "null", "NULL", "None")


class Delimited:
    """A CSV or TSV file, perhaps compressed with gzip."""

    def __init__(self, path: Path, words: Words) -> None:
        self.path, self.words = path, words
        between = (",", ";", "\t") if ".csv" in path.name.lower() else ("\t", ";", ",")
        try:
            heads = {delimiter: self._names(delimiter) for delimiter in between}
        except UnicodeDecodeError as error:
            raise OptionError(words("file.encoding", path=path, reason=error.reason)) from error
        except (csv.Error, EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise faults.unreadable(words, path, error) from error
        # The one that makes most columns; a name in quotes may hold any of them.
        self.delimiter = max(between, key=lambda delimiter: len(heads[delimiter]))
        self._head = heads[self.delimiter]
        # Blanks around a name are no part of it: "a, b" names b.
        self.columns = [name.strip() for name in self._head]
        if not any(self.columns):
            raise OptionError(words("file.empty", path=path))
        if all(faults.is_number(name) for name in self.columns):
            shown = faults.cells_text(self.columns)
            raise OptionError(words("file.no_names", path=path, shown=shown))
        if path.stat().st_size <= CSV_BLOCK_BYTES:
            self._refuse_open_quote()

    def _refuse_open_quote(self) -> None:
        """Arrow takes all that follows for the text; past a block it finds that out by itself."""
        row = -1
        with self._text() as file:
            try:
                for cells in csv.reader(file, delimiter=self.delimiter, strict=True):
                    row += bool(cells)
            except csv.Error as error:
                if "unexpected end" in str(error):
                    told = self.words, self.path, row + 1, ""
                    raise faults.refuse(*told, "file.why_quote") from error
            except (ValueError, EOFError, zlib.error, OSError):
                return  # arrow meets it as well, and then it is told

    def _text(self) -> TextIO:
        if self.path.suffix.lower() == ".gz":
            return gzip.open(self.path, "rt", encoding="utf-8-sig", newline="")
        return self.path.open(encoding="utf-8-sig", newline="")

    def _rows(self, delimiter: str) -> Generator[list[str]]:
        """The names, then each row; empty lines are none."""
        with self._text() as file:
            yield from filter(None, csv.reader(file, delimiter=delimiter))

    def _names(self, delimiter: str) -> list[str]:
        with closing(self._rows(delimiter)) as rows:
            return next(rows, [])

    def first(self, column: str) -> str:
        """The first value of a column, as it is written; "" where there is none."""
        with closing(self.batches((), (column,))) as batches:
            return next((str(batch[column][0]).strip() for batch in batches), "")

    def batches(self, numbers: Sequence[str], texts: Sequence[str]) -> Generator[dict[str, Any]]:
        """Each batch as numpy arrays by name."""
        start = 0
        with faults.told(self.words, self.path):
            try:
                for batch in self._batches(numbers, texts):
                    faults.refuse_missing(faults.Place(self.words, self.path, start), batch)
                    yield {
                        name: column.to_numpy(zero_copy_only=False)
                        for name, column in zip(batch.schema.names, batch.columns, strict=True)
                    }
                    start += batch.num_rows
            except need("pyarrow").ArrowInvalid:
                self._find_fault(numbers)
                raise

    def _batches(self, numbers: Sequence[str], texts: Sequence[str]) -> Generator[Any]:
        arrow, reader = need("pyarrow"), need("pyarrow.csv")
        raw = dict(zip(self.columns, self._head, strict=True))
        kinds = {raw[name]: arrow.float64() for name in numbers}
        kinds |= {raw[name]: arrow.string() for name in texts}
        block = max(CSV_BLOCK_BYTES, NUMBER_BYTES * len(self.columns))
        file = arrow.input_stream(str(self.path), compression="detect")
        with (
            file,
            reader.open_csv(
                file,
                read_options=reader.ReadOptions(block_size=block),
                parse_options=reader.ParseOptions(
                    delimiter=self.delimiter, newlines_in_values=True
                ),
                convert_options=reader.ConvertOptions(
                    include_columns=list(kinds), column_types=kinds, null_values=list(NOTHING)
                ),
            ) as batches,
        ):
            for batch in batches:
                if batch.num_rows:
                    yield batch.rename_columns([name.strip() for name in batch.schema.names])

    def _find_fault(self, numbers: Sequence[str]) -> None:
        """Read line by line until the first one that cannot be read, and say what it is."""
        with closing(self._rows(self.delimiter)) as rows:
            next(rows)
            row = 0
            try:
                for cells in rows:
                    row += 1
                    self._check(row, cells, numbers)
            except UnicodeDecodeError as error:
                told = self.words, self.path, row + 1, ""
                raise faults.refuse(*told, "file.why_encoding") from error
            except (csv.Error, EOFError, zlib.error, OSError):
                return
        if not row:
            raise faults.no_rows(self.words, self.path)

    def _check(self, row: int, cells: list[str], numbers: Sequence[str]) -> None:
        place, shown = faults.Place(self.words, self.path, row - 1), faults.cells_text(cells)
        if len(cells) != len(self.columns):
            many = {"cells": len(cells), "columns": len(self.columns)}
            raise place.refuse(0, shown, "file.why_ragged", **many)
        for name in numbers:
            cell = cells[self.columns.index(name)].strip()
            if cell in NOTHING:
                raise place.refuse(0, shown, "file.why_missing", name=name)
            if not faults.is_number(cell):
                raise place.refuse(0, shown, "file.why_word", name=name, cell=cell[:40])
