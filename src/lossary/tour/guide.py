"""Taking the tour: compute in order, hand each part to whoever shows it, return everything."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from lossary.tour.repairs import repairs
from lossary.tour.results import Step, Tour, TrainingResult
from lossary.tour.thread import walk
from lossary.tour.training import TASKS, Task, Watch, train


class Listener:
    """Hears of each part as it is found; the base class keeps silent."""

    def step(self, order: int, found: Step) -> None:
        """A step was computed."""

    @contextmanager
    def trainings(self, tasks: tuple[Task, ...]) -> Iterator[None]:
        """Surround all trainings."""
        yield

    @contextmanager
    def training(self, task: Task) -> Iterator[Watch]:
        """Surround one training and give what to call after every epoch."""
        yield lambda: None

    def trained(self, found: TrainingResult) -> None:
        """A network was trained."""


def take(listener: Listener | None = None) -> Tour:
    """Walk the thread, train on real data, measure the repairs."""
    listener = listener or Listener()
    with one_thread():
        steps = []
        for order, step in enumerate(walk(), 1):
            steps.append(step)
            listener.step(order, step)
        results = []
        with listener.trainings(TASKS):
            for task in TASKS:
                with listener.training(task) as watch:
                    results.append(train(task, watch))
                listener.trained(results[-1])
        return Tour(tuple(steps), tuple(results), repairs())


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread: these networks are too small to share, and sums keep their order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
