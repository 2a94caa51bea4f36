"""Progress on stderr, where a person watches, and nowhere else."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from lossary.bench.numbers import count
from lossary.bench.points import Point
from lossary.bench.words import Words
from lossary.console.layout import console

STAGES = 4


class Bar:
    """One bar for a whole run; it steps aside while results are printed."""

    def __init__(self, words: Words, points: int) -> None:
        self.words = words
        self.done, self.total = 0, STAGES * points
        self.errors = console(stderr=True)

    @contextmanager
    def point(self, point: Point) -> Iterator[Callable[[str], None]]:
        """Show what is done at a point; the bar goes away at its end."""
        progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            console=self.errors,
            transient=True,
            disable=not self.errors.is_terminal,
        )
        sizes = f"{count(point.rows)} x {count(point.vocabulary)}"
        stages = 0

        def turn(stage: str) -> None:
            nonlocal stages
            shown = f"{self.words(f'loss.{point.loss}')} {sizes}: {self.words(f'stage.{stage}')}"
            progress.update(bar, description=shown, completed=self.done + stages)
            stages += 1

        with progress:
            bar = progress.add_task("", total=self.total)
            yield turn
        self.done += STAGES
