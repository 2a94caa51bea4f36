"""Cross-entropy of classes, compiled: a few rows at a time, where a row is soon over.

Exponentials are stored and then added. What was stored in another step than it is read in, as the
end of a row is, cannot be read for a while; meanwhile the rows beside it are made.
"""

from typing import Any

import numpy as np

from lossary.kernels.cpu._hard_rows import summary
from lossary.kernels.cpu._labels import counts
from lossary.kernels.cpu._numbers import DROP, compiled, lifted_exponential, widened
from lossary.kernels.cpu._row_sums import filled, largest, total

ROWS = 8


@compiled
def losses(
    x: Any, target: Any, ignored: int, wrong: Any, out: Any, notes: Any, start: int, stop: int
) -> None:
    """Losses of rows, and the notes of :mod:`_hard_rows`."""
    odds = np.zeros((ROWS, filled(x.shape[1])), notes.dtype)
    tops, shares = np.zeros(ROWS, notes.dtype), np.zeros(ROWS, notes.dtype)
    label = np.zeros(ROWS, np.int64)
    for first in range(start, stop, ROWS):
        some = min(ROWS, stop - first)
        for k in range(some):
            y, row, own = target[first + k], x[first + k], odds[k]
            label[k] = y if counts(y, ignored, row.shape[0], wrong) else -1
            if label[k] < 0:
                continue
            top = largest(row)
            if top == -np.inf:
                top = notes.dtype.type(0)
            for j in range(row.shape[0]):
                own[j] = lifted_exponential(widened(row[j]) - top)
            # The truth is left out of the sum: a certain prediction would drown the tail in it.
            tops[k], shares[k], own[y] = top, own[y], 0
        for k in range(some):
            i = first + k
            if label[k] < 0:
                out[i] = 0
                continue
            tail, truth = total(odds[k]) * DROP, widened(x[i, label[k]])
            found = summary(tail, tops[k], truth, np.float64(shares[k]) * DROP)
            out[i] = found[0]
            notes[0, i], notes[1, i], notes[2, i] = tops[k], found[1], found[2]
