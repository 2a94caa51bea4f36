"""Where predictions come from: blocks of a few examples each, read as often as is needed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from torch import Tensor

# As many numbers as a block of predictions holds at most.
BLOCK_ENTRIES = 2**18


@dataclass(frozen=True)
class Block:
    """Some examples; ``weight`` is what each entry counts, for losses that take it."""

    prediction: Tensor
    target: Tensor
    weight: Tensor | None = None


@dataclass(frozen=True)
class Source:
    """Blocks in the order of the examples; ``blocks()`` begins anew each time."""

    blocks: Callable[[], Iterator[Block]]


def in_memory(prediction: Tensor, target: Tensor, weight: Tensor | None = None) -> Source:
    """Slices of tensors along their first dimension."""
    prediction, target = prediction.detach().cpu(), target.detach().cpu()
    weight = None if weight is None else weight.detach().cpu().expand_as(prediction)
    count = prediction.shape[0]
    step = max(1, BLOCK_ENTRIES * count // max(1, prediction.numel()))

    def blocks() -> Iterator[Block]:
        for start in range(0, max(1, count), step):
            part = slice(start, start + step)
            own = None if weight is None else weight[part]
            yield Block(prediction[part], target[part], own)

    return Source(blocks)
