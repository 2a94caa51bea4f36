"""The comparison of a result with the exact answer, and what counts as right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath
import torch
from mpmath import mpf
from torch import Tensor

from tests.oracles.answer import Answer

# The promise: five digits in float32, thirteen in float64, one rounding in half precision.
# Half an ulp is the best rounding; float32 arithmetic before it may turn a near tie.
RELATIVE = {
    torch.float32: 1e-5,
    torch.float64: 1e-13,
    torch.bfloat16: 2.0**-8 * 1.02,
    torch.float16: 2.0**-11 * 1.02,
}


@dataclass(frozen=True)
class Miss:
    """One entry that is not what mathematics says."""

    where: str
    index: int
    got: float
    exact: float
    error: float

    def __str__(self) -> str:
        return (
            f"{self.where}[{self.index}]: got {self.got:.9g}, exact {self.exact:.9g}"
            f" (relative error {self.error:.2e})"
        )


def allowance(exact: Any, dtype: torch.dtype, relative: float | None = None) -> Any:
    """How far from a finite exact number a result of this dtype may be.

    Below the smallest normal number a dtype has fewer digits, and hardware may flush to 0.
    """
    info = torch.finfo(dtype)
    half = dtype in (torch.float16, torch.bfloat16)
    floor = info.tiny * info.eps * 0.51 if half and dtype == torch.float16 else 0.0
    if abs(exact) < info.tiny and not floor:
        floor = info.tiny
    return mpf(RELATIVE[dtype] if relative is None else relative) * abs(exact) + mpf(floor)


def relative_error(got: float, exact: Any) -> float:
    """Relative error; infinite where one of the two is not finite and the other differs."""
    if mpmath.isnan(exact):
        return 0.0 if got != got else float("inf")
    if mpmath.isinf(exact):
        return 0.0 if got == float(exact) else float("inf")
    if got != got or got in (float("inf"), float("-inf")):
        return float("inf")
    if exact == 0:
        return 0.0 if got == 0 else float("inf")
    return float(abs(mpf(got) - exact) / abs(exact))


def misses(
    got: Tensor,
    exact: Sequence[Any],
    where: str,
    slack: Sequence[Any] | None = None,
    relative: float | None = None,
) -> list[Miss]:
    """The entries of ``got`` that are further from ``exact`` than its dtype allows."""
    dtype, found = got.dtype, []
    flat = got.detach().double().reshape(-1).tolist()
    assert len(flat) == len(exact), f"{where}: {len(flat)} entries for {len(exact)} exact ones"
    for i, (g, e) in enumerate(zip(flat, exact, strict=True)):
        if not mpmath.isfinite(e):
            right = relative_error(g, e) == 0
        elif g != g:
            right = False
        elif abs(g) == float("inf"):
            largest = mpf(torch.finfo(dtype).max)
            right = abs(e) * (1 + mpf(RELATIVE[dtype])) > largest and (g > 0) == (e > 0)
        else:
            extra = 0 if slack is None else slack[i]
            right = abs(mpf(g) - e) <= allowance(e, dtype, relative) + extra
        if not right:
            found.append(Miss(where, i, g, float(e), relative_error(g, e)))
    return found


def assert_exact(found: list[Miss], about: str) -> None:
    """Fail with the worst entries, so that a report names the numbers."""
    worst = sorted(found, key=lambda m: -m.error)[:5]
    assert not found, f"{about}: {len(found)} wrong entries\n" + "\n".join(map(str, worst))


Read = Callable[[Answer], list[Any]]

# What a dtype's arithmetic resolves: float64 has nothing wider, half precision computes in
# float32, and float32 is promised five digits however badly the problem is conditioned.
WIDE = 2.0**-50
RESOLUTION = {torch.float64: WIDE, torch.bfloat16: 2.0**-21, torch.float16: 2.0**-21}


class Neighbours:
    """The exact answers to inputs that the arithmetic cannot tell from the given ones.

    Near a cancellation no algorithm without a wider type can do better than the exact answer
    to a neighbouring input. ``slack`` measures that limit, entry by entry. Where terms of
    order 1 ``cancel`` inside the formula, their own rounding is added.
    """

    def __init__(
        self,
        evaluate: Callable[[tuple[Tensor, ...]], Answer],
        tensors: tuple[Tensor, ...],
        fixed: Sequence[int] = (),
        cancels: bool = False,
        multiplies: bool = False,
    ) -> None:
        self.base = evaluate(tensors)
        size = RESOLUTION.get(tensors[0].dtype, 2.0**-21 if multiplies else 0.0)
        self.floor = 8 * (size or WIDE) * _magnitude(tensors) if cancels else 0.0
        self.near = []
        for seed in range(3 if size else 0):
            rng = torch.Generator().manual_seed(seed)
            near = [t if i in fixed else nudged(t, rng, size) for i, t in enumerate(tensors)]
            self.near.append(evaluate(tuple(near)))

    def slack(self, read: Read) -> list[Any] | None:
        """How far the exact entries move, at most, between neighbours; None if no room is due.

        float32 is computed wide: there room is due only where the exact answer is 0.
        """
        base = read(self.base)
        if not self.near:
            return [mpf(self.floor) if b == 0 else mpf(0) for b in base] if self.floor else None
        moved = [mpf(0)] * len(base)
        for near in self.near:
            for i, (a, b) in enumerate(zip(read(near), base, strict=True)):
                if mpmath.isfinite(a) and mpmath.isfinite(b):
                    moved[i] = max(moved[i], abs(a - b))
        return [4 * m + mpf(self.floor) for m in moved]


def _magnitude(tensors: tuple[Tensor, ...]) -> float:
    """The largest finite entry, at least 1: the size of the terms that cancel."""
    sizes = [t[t.isfinite()].abs().double() for t in tensors]
    return max([1.0, *(float(s.max()) for s in sizes if s.numel())])


def nudged(t: Tensor, rng: torch.Generator, size: float) -> Tensor:
    """Every entry times 1 +- size; zeros, ones and infinities stay, since they are exact."""
    if not t.is_floating_point():
        return t
    sign = torch.randint(0, 2, t.shape, generator=rng).double() * 2 - 1
    stays = (t.abs() == 1) | (t == 0) | ~t.isfinite()
    wide = t.detach().double()
    return torch.where(stays, wide, wide * (1 + sign * size))
