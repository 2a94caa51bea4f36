"""Parquet: columns of many kinds, of which numbers, truths and words can be read."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lossary.console.optional import need
from lossary.core.errors import OptionError
from lossary.explain import source
from lossary.explain.files import faults
from lossary.explain.words import Words

# A row group may hold everything: of each column so many bytes are read at once.
BUFFER_BYTES = 2**16


class Parquet:
    """A Parquet file."""

    def __init__(self, path: Path, words: Words) -> None:
        self.path, self.words = path, words
        with faults.told(words, path):
            with self._file() as file:
                self.columns = [str(name) for name in file.schema_arrow.names]

    def _file(self) -> Any:
        return need("pyarrow.parquet").ParquetFile(
            self.path, buffer_size=BUFFER_BYTES, pre_buffer=False
        )

    def first(self, column: str) -> str:
        """The first value of a column, as it is written; "" where there is none."""
        with faults.told(self.words, self.path), self._file() as file:
            for batch in file.iter_batches(batch_size=1, columns=[column]):
                if batch.num_rows and batch.column(0)[0].is_valid:
                    return str(batch.column(0)[0])
        return ""

    def batches(self, numbers: Sequence[str], texts: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Each batch as numpy arrays by name."""
        names = [*numbers, *texts]
        rows, start = max(1, source.BLOCK_ENTRIES // len(names)), 0
        with faults.told(self.words, self.path), self._file() as file:
            for batch in file.iter_batches(batch_size=rows, columns=names):
                place = faults.Place(self.words, self.path, start)
                faults.refuse_missing(place, batch)
                kinds = {name: "string" if name in texts else "float64" for name in names}
                yield {name: self._values(place, batch, name, kinds[name]) for name in names}
                start += batch.num_rows

    def _values(self, place: faults.Place, batch: Any, name: str, kind: str) -> Any:
        arrow = need("pyarrow")
        column = batch.column(name)
        try:
            return column.cast(kind, safe=False).to_numpy(zero_copy_only=False)
        except arrow.ArrowNotImplementedError as error:
            told = {"name": name, "kind": column.type, "path": self.path}
            raise OptionError(self.words("file.not_numbers", **told)) from error
        except arrow.ArrowInvalid as error:  # words among numbers
            cells = [str(cell) for cell in column]
            row = next((k for k, cell in enumerate(cells) if not faults.is_number(cell)), 0)
            told = {"name": name, "cell": cells[row][:40]}
            shown = faults.arrow_row(batch, row)
            raise place.refuse(row, shown, "file.why_word", **told) from error
