"""Sums of several monitors or processes as one: their vectors are added."""

from typing import Any

import torch
import torch.distributed as dist

from lossary.core.errors import OptionError, teach
from lossary.explain.monitor.class_tally import ClassTally, Shape
from lossary.explain.monitor.meeting import Tally
from lossary.explain.monitor.quantity_tally import QuantityTally


def shape_of(tally: Tally | None) -> list[int]:
    """What sums are of, in whole numbers: nothing, or classes, labels, yes and no, or quantities.

    >>> shape_of(None), shape_of(QuantityTally()), shape_of(ClassTally(Shape(3)))
    ([0, 0, 0, 0], [2, 0, 0, 0], [1, 3, 1, 0])
    """
    if tally is None:
        return [0, 0, 0, 0]
    if isinstance(tally, QuantityTally):
        return [2, 0, 0, 0]
    return [1, tally.shape.classes, tally.shape.groups, int(tally.shape.is_binary)]


def told(tally: Tally | None) -> dict[str, Any] | None:
    """Sums as plain values and a tensor, for a checkpoint."""
    return None if tally is None else {"shape": shape_of(tally), "values": tally.values.clone()}


def empty(shape: list[int]) -> Tally | None:
    """Sums of nothing, of this shape."""
    kind, classes, groups, binary = shape
    if kind == 0:
        return None
    return QuantityTally() if kind == 2 else ClassTally(Shape(classes, groups, bool(binary)))


def tally_from(state: dict[str, Any] | None) -> Tally | None:
    """Sums that were told."""
    found = None if state is None else empty(state["shape"])
    if found is not None and state is not None:
        found.values.copy_(state["values"])
    return found


def across_ranks(tally: Tally | None) -> Tally | None:
    """The sums of all processes of the default group; this one's stay as they are."""
    if not (dist.is_available() and dist.is_initialized()):
        expected = "torch.distributed.init_process_group(...) before"
        raise OptionError(teach("Monitor.report", "all_ranks=True without processes", expected))
    device = _device()
    shape = torch.tensor(shape_of(tally), device=device)
    lowest = torch.where(shape[0] > 0, -shape, -(2**40))
    both = torch.cat((shape, lowest))
    dist.all_reduce(both, dist.ReduceOp.MAX)
    widest, narrowest = both[:4].tolist(), (-both[4:]).tolist()
    if widest[0] and widest != narrowest:
        came = f"got sums of {narrowest} on one rank and of {widest} on another"
        raise OptionError(teach("Monitor.report", came, "the same loss and classes on every rank"))
    found = empty(widest)
    if found is None:
        return None
    values = (found if tally is None else tally).values.to(device, copy=True)
    dist.all_reduce(values)
    found.values.copy_(values)
    return found


def _device() -> torch.device:
    """Where the default group can add up: on the GPU if that is all it knows."""
    known = str(dist.get_backend())
    return torch.device("cuda" if "nccl" in known and "gloo" not in known else "cpu")
