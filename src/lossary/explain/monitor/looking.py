"""Which examples of a call a monitor looks at: all of few, some of many.

Where rows of classes are met by a compiled kernel, each call is looked at, and of a large one so
many rows as cost about a twentieth of the loss. Where torch's operations do it, most calls are
passed over: a few dozen small operations take longer than many a loss.
"""

from dataclasses import dataclass

from torch import Tensor

# Scores of one call that a compiled kernel reads at most, and the share of them beyond.
ENTRIES, SHARE = 2**12, 1 / 512
# Without one: the first calls and then each so many-th, and so many numbers of those.
FIRST_CALLS, EACH, ENTRIES_OF_ONE = 64, 64, 2**16


@dataclass(frozen=True)
class Part:
    """Every ``step``-th along a dimension, from ``first`` on."""

    dim: int
    first: int
    step: int

    def of(self, t: Tensor) -> Tensor:
        """That part of a tensor."""
        at = [slice(None)] * t.dim()
        at[self.dim] = slice(self.first, None, self.step)
        return t[tuple(at)]


def rows(count: int, classes: int, call: int) -> tuple[int, int]:
    """First and step of the rows that a kernel reads; each call begins at another.

    >>> rows(128, 10, 5), rows(2000, 1000, 5)
    ((0, 1), (5, 500))
    """
    entries = max(ENTRIES, count * classes * SHARE)
    wanted = max(1, int(entries) // max(1, classes))
    step = max(1, -(-count // wanted))
    return call % step, step


def is_turn(call: int) -> bool:
    """Whether torch's operations look at this call."""
    return call < FIRST_CALLS or call % EACH == 0


def parts(prediction: Tensor, call: int, inside: bool) -> list[Part]:
    """What they look at: some examples, and ``inside`` huge ones some of the last dimension."""
    found, entries = [], prediction.numel()
    dims = [0, -1] if prediction.dim() > 2 and inside else [0]
    for dim in dims:
        length = prediction.shape[dim]
        step = max(1, min(length, -(-entries // ENTRIES_OF_ONE)))
        found.append(Part(dim, call % step, step))
        entries = entries // max(1, length) * len(range(call % step, length, step))
    return found
