"""The tour as it happens: text on stdout, progress on stderr where a person watches."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from lossary.console.layout import console, tell
from lossary.tour import text, text_results
from lossary.tour.guide import Listener
from lossary.tour.results import Step, TrainingResult
from lossary.tour.training import Task, Watch
from lossary.tour.words import Words


class Bars(Listener):
    """Progress bars of the trainings, on stderr, on a terminal only."""

    def __init__(self, words: Words) -> None:
        self.words = words
        errors = console(stderr=True)
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            console=errors,
            transient=True,
            disable=not errors.is_terminal,
        )

    @contextmanager
    def training(self, task: Task) -> Iterator[Watch]:
        """One bar; it goes away when the training is done, so that text never meets it."""
        name = self.words("training.progress", data=self.words(f"axis.{task.data}"))
        with self.progress:
            bar = self.progress.add_task(name, total=2 * task.epochs)
            yield lambda: self.progress.advance(bar)
            self.progress.remove_task(bar)


class Teller(Bars):
    """Prints every part as soon as it is known."""

    def __init__(self, words: Words) -> None:
        super().__init__(words)
        self.console = console()
        tell(self.console, text.opening(words))

    def step(self, order: int, found: Step) -> None:
        """Print a step."""
        tell(self.console, text.step(self.words, order, found))

    @contextmanager
    def trainings(self, tasks: tuple[Task, ...]) -> Iterator[None]:
        """Print what the trainings are about."""
        tell(self.console, text_results.training_opening(self.words))
        yield

    def trained(self, found: TrainingResult) -> None:
        """Print a training."""
        tell(self.console, text_results.training(self.words, found))
