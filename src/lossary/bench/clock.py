"""Time: the steps take turns, so that whatever else the machine does meets all of them alike."""

import statistics
import time
from collections.abc import Callable, Sequence

Step = Callable[[], None]

# With a limit of time, no median is taken of fewer rounds than this.
FEWEST_ROUNDS = 3
WARM_ROUNDS = 2


def milliseconds(
    steps: Sequence[Step], rounds: int, seconds: float | None = None
) -> tuple[list[float], int]:
    """The median time of each step, and how many rounds that is the median of."""
    times = turns(steps, rounds, seconds)
    return [statistics.median(own) for own in times], len(times[0]) if times else 0


def spread(times: Sequence[float]) -> float | None:
    """How far the middle half of some times reaches, as a part of their median.

    >>> spread([1.0, 2.0, 2.0, 3.0]), spread([2.0])
    (0.25, None)
    """
    if len(times) < FEWEST_ROUNDS:
        return None
    low, middle, high = statistics.quantiles(times, n=4, method="inclusive")
    return (high - low) / middle


def turns(steps: Sequence[Step], rounds: int, seconds: float | None = None) -> list[list[float]]:
    """The time of each step in each round, in milliseconds.

    ``seconds`` ends the rounds early. Every round begins with another step, so that none of them
    always finds in the cache what the same other one left there.
    """
    times: list[list[float]] = [[] for _ in steps]
    begun = time.perf_counter()
    warm = WARM_ROUNDS if seconds is None else 1  # who is short of time has taken a first step
    for number in range(rounds + warm):
        for place in range(len(steps)):
            which = (number + place) % len(steps)
            start = time.perf_counter()
            steps[which]()
            if number >= warm:
                times[which].append((time.perf_counter() - start) * 1e3)
        spent = time.perf_counter() - begun
        if seconds is not None and number + 1 >= FEWEST_ROUNDS + warm and spent > seconds:
            break
    return times
