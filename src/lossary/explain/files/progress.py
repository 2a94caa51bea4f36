"""Progress on a terminal: rows read so far, of every pass over the file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lossary.explain.words import Words


@contextmanager
def progress(words: Words) -> Iterator[Callable[[int], None]]:
    """Hears how many rows were read; a bar where somebody watches, else nothing."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from lossary.console import layout

    output = layout.console(stderr=True)
    if not output.is_terminal:
        yield lambda rows: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,}"))
    with Progress(*columns, TimeElapsedColumn(), console=output, transient=True) as bar:
        task = bar.add_task(words("file.reading"), total=None)
        yield lambda rows: bar.advance(task, rows)
