"""The tensors of a point: the same numbers for everybody, from a fixed seed."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lossary.bench.points import Point

SEED = 70
# A trained head's scores are of size one; a matrix of unit entries would make them of size 20.
HEAD_SCALE = 0.02
# A call of this many logits runs the way that any larger call does.
WARM_LOGITS = 2**21


@dataclass(frozen=True)
class Problem:
    """A point's tensors: what gets gradients (logits, or tokens and a matrix), and the targets."""

    point: Point
    leaves: tuple[Tensor, ...]
    target: Tensor

    @property
    def device(self) -> str:
        """Where the tensors are."""
        return self.target.device.type

    def forget_gradients(self) -> None:
        """Drop the gradients of the last step."""
        for leaf in self.leaves:
            leaf.grad = None

    def apart(self) -> "Problem":
        """The same numbers in memory of their own, for a contender that overwrites its input."""
        leaves = tuple(leaf.detach().clone().requires_grad_() for leaf in self.leaves)
        return replace(self, leaves=leaves)


def make(point: Point, device: str = "cpu") -> Problem:
    """Draw the tensors of a point."""
    generator = torch.Generator(device).manual_seed(SEED)
    dtype = getattr(torch, point.dtype)

    def draw(*shape: int, scale: float = 1.0) -> Tensor:
        drawn = torch.randn(shape, generator=generator, device=device).mul_(scale)
        return drawn.to(dtype).requires_grad_()

    if point.width:
        matrix = draw(point.vocabulary, point.width, scale=HEAD_SCALE)
        leaves: tuple[Tensor, ...] = (draw(point.rows, point.width), matrix)
    else:
        leaves = (draw(point.rows, point.vocabulary),)
    shape = (point.rows,)
    target = torch.randint(point.vocabulary, shape, generator=generator, device=device)
    return Problem(point, leaves, target)


def smaller(point: Point) -> Point:
    """The same point with only as many rows as it takes to load and compile what will run."""
    enough = max(1, -(-WARM_LOGITS // point.vocabulary))
    return replace(point, rows=min(point.rows, enough))
