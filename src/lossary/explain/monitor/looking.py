"""Which examples of a call a monitor looks at: all of few, some of many.

Where rows of classes are met by a compiled kernel, each small call is looked at whole. Of large
ones it is each sixteenth, and of that so many rows as take, together with the Python around them,
which is never in a cache then, a few hundredths of the loss. Where torch's operations do it, most
calls are passed over: a few dozen small operations take longer than many a loss.
"""

from dataclasses import dataclass

from torch import Tensor

# Up to so many scores each call is looked at whole; of more, each so many-th is looked at.
FEW, SELDOM = 2**13, 16
# As many of a large call's scores a compiled kernel reads at least, and at least this share.
ENTRIES, SHARE = 2**15, 1 / 64
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

    >>> rows(128, 10, 5), rows(2000, 1000, 32)
    ((0, 1), (2, 63))
    """
    entries = max(ENTRIES, count * classes * SHARE)
    wanted = max(1, int(entries) // max(1, classes))
    step = max(1, -(-count // wanted))
    return call // SELDOM % step, step


def is_passed_over(call: int, entries: int) -> bool:
    """Whether a call is so large that it need not be looked at, now that others were."""
    return entries > FEW and call % SELDOM > 0


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
