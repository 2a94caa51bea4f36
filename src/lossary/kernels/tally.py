"""Running sums over rows of classes, all in one vector of float64: where each of them lies.

Two vectors of one layout add up to what one over both would hold, so that merging is a sum.
"""

# What is added up over all examples, in this order at the vector's beginning. Squares are of
# finite losses; "loss_weight" is of each loss times what it adds to a mean's divisor.
SCALARS = (
    "examples",
    "ignored",
    "passed_over",
    "nan",
    "weight",
    "loss",
    "loss_squared",
    "loss_weight",
    "weight_squared",
    "entropy",
    "divergence",
    "prediction_entropy",
    "saturated",
    "infinite",
    "right",
    "brier",
)
# Bins divide each doubling evenly, as floats themselves do.
PARTS = 16
# Losses from 2**LOW_LOSS up; confidences, and their distance from 1, likewise.
LOW_LOSS, LOSS_DOUBLINGS = -40, 64
LOW_SURE, SURE_DOUBLINGS = -24, 25
LOSS_BINS, SURE_BINS = LOSS_DOUBLINGS * PARTS, 2 * SURE_DOUBLINGS * PARTS
# A bin of confidences: examples, confidence, rightness. One of losses: examples, loss.
SURE_AT = len(SCALARS)
LOSS_AT = SURE_AT + 3 * SURE_BINS
COLUMNS_AT = LOSS_AT + 2 * LOSS_BINS
# Of each class, or label of many: examples, loss, truth, hits, asked, gradient.
COLUMNS = 6
# Up to so many classes, which is taken for which is counted: examples, loss of each pair.
CONFUSED = 64


def size(classes: int, groups: int = 1) -> int:
    """How many numbers there are.

    >>> size(10) - size(9) == COLUMNS + 1 + 2 * (100 - 81)
    True
    """
    return confusion_at(classes, groups) + (2 * classes**2 if classes <= CONFUSED else 0)


def masses_at(classes: int, groups: int = 1) -> int:
    """Where the targets' mass of each class begins, a row for each label of many."""
    return COLUMNS_AT + COLUMNS * (groups if groups > 1 else classes)


def confusion_at(classes: int, groups: int = 1) -> int:
    """Where the pairs of target and prediction begin: their examples, then their loss."""
    return masses_at(classes, groups) + groups * classes
