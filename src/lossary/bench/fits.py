"""Whether a contender fits into memory at a point: refused beforehand, not found out by a crash."""

from lossary.bench.points import Point

# Tensors as large as all the logits that are alive at once at the worst moment, beside what is
# given: log-probabilities, upstream gradients, a wider copy of half precision.
COPIES = {
    "cross_entropy": {"lossary": 1, "torch": 3, "compile": 3, "liger": 2, "floor": 1},
    "linear_cross_entropy": {
        "lossary": 0,
        "torch": 3,
        "compile": 3,
        "chunked": 1,
        "chunked_auto": 1,
        "liger": 1,
        "floor": 1,
    },
}
# What a process takes before it has any tensor, and what chunks and workspaces take.
OVERHEAD = 2**29


def inputs_bytes(point: Point) -> int:
    """What is given, and its gradients; each is drawn in float32 first."""
    wider = 4 * (point.gradient_bytes // point.entry_bytes)
    return point.gradient_bytes + max(wider, point.gradient_bytes)


def needed_bytes(point: Point, contender: str) -> int:
    """A cautious estimate of what a step takes at its highest, with everything it is given."""
    copies = COPIES[point.loss][contender]
    # Half precision goes through float32 in torch's own loss, which holds both for a while.
    wide = 1 if point.dtype == "float32" else 2
    apart = point.gradient_bytes if contender == "liger" else 0
    linear = 3 * point.gradient_bytes * wide if point.width else 0
    return inputs_bytes(point) + apart + linear + copies * wide * point.logits_bytes + OVERHEAD
