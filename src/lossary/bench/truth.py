"""The loss and its gradients in float64, on the very numbers that everybody was given."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from lossary.bench.points import Point
from lossary.bench.problem import Problem

# Logits in float64 at a time: 64 MB of them.
CHUNK_LOGITS = 2**23
# More multiplications than this in float64 take too long to wait for.
MOST_PRODUCTS = 10**12


@dataclass(frozen=True)
class Truth:
    """What is right."""

    loss: float
    gradients: tuple[Tensor, ...]


@dataclass(frozen=True)
class Errors:
    """How far an answer is from what is right.

    ``loss`` is the relative error of the loss; ``gradient`` is the largest error of any entry of
    a gradient, as a part of that gradient's largest entry.
    """

    loss: float
    gradient: float


def affordable(point: Point) -> bool:
    """Whether the truth of a point is worth its time."""
    return point.products <= MOST_PRODUCTS


def truth_bytes(point: Point) -> int:
    """What it takes to compute and keep the truth of a point."""
    matrix = point.vocabulary * point.width
    return 8 * (point.gradient_bytes // point.entry_bytes + matrix + 4 * CHUNK_LOGITS)


def truth(problem: Problem) -> Truth:
    """Compute it, some rows at a time."""
    wide = [leaf.detach().double() if problem.point.width else leaf for leaf in problem.leaves]
    made = tuple(torch.zeros_like(leaf, dtype=torch.float64) for leaf in wide)
    total = 0.0
    for rows in _chunks(problem.point):
        tokens = wide[0][rows].detach().double()
        logits = tokens @ wide[1].t() if problem.point.width else tokens
        slope = _slope(logits, problem.target[rows])
        total += slope[0]
        slope[1].div_(problem.point.rows)
        if problem.point.width:
            torch.mm(slope[1], wide[1], out=made[0][rows])
            made[1].addmm_(slope[1].t(), tokens)
        else:
            made[0][rows] = slope[1]
    return Truth(total / problem.point.rows, made)


def _slope(logits: Tensor, target: Tensor) -> tuple[float, Tensor]:
    """The sum of some rows' losses and its slope: softmax, less one at the target."""
    log_p = logits.log_softmax(1)
    here = target[:, None]
    losses = -log_p.gather(1, here)
    p = log_p.exp_()
    # expm1 keeps the digits of a probability close to one, where p - 1 would lose them.
    p.scatter_(1, here, torch.expm1(-losses))
    return losses.sum().item(), p


def _chunks(point: Point) -> Iterator[slice]:
    step = max(1, CHUNK_LOGITS // point.vocabulary)
    for start in range(0, point.rows, step):
        yield slice(start, start + step)


def errors(loss: Tensor, gradients: tuple[Tensor | None, ...], right: Truth) -> Errors:
    """Compare an answer with the truth."""
    off = abs(loss.double().item() - right.loss) / abs(right.loss)
    pairs = zip(gradients, right.gradients, strict=True)
    return Errors(off, max(_largest(g, true) for g, true in pairs))


def _largest(gradient: Tensor | None, right: Tensor) -> float:
    if gradient is None:
        return float("inf")
    step = max(1, CHUNK_LOGITS // right.shape[1])
    parts = zip(gradient.split(step), right.split(step), strict=True)
    worst = torch.stack([(g.double() - true).abs().amax() for g, true in parts])
    # torch's maximum keeps a NaN, as it should.
    return (worst.amax() / right.abs().amax()).item()
