"""What a row of the table of losses is, and how a call is made from it."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from tests.inputs import Make, Tensors
from tests.oracles import ORACLES, Answer

FLOATS = (torch.float32, torch.float64, torch.bfloat16, torch.float16)
HALVES = (torch.bfloat16, torch.float16)
LOGIT_REGIMES = ("ordinary", "saturated", "tied", "huge", "tiny", "zeros", "optimum")
Option = Callable[[torch.Generator, Tensors], Any]


@dataclass(frozen=True)
class BothWays:
    """An option that torch and the oracle need in different forms."""

    for_torch: Any
    for_oracle: Any


@dataclass(frozen=True)
class Loss:
    """A row of the table.

    ``name`` is the function's name, with a variant in brackets where one function takes two
    kinds of input. ``grid`` holds the options to try; a value that is an ``Option`` is drawn
    to fit the tensors. ``differentiable``, ``arguments`` and ``fixed`` are by position;
    ``fixed`` tensors hold codes such as -1 and 1. ``smooth`` says that the loss has a second
    derivative everywhere. ``cancels`` names the regimes in which the exact gradient is a
    difference of nearly equal numbers of order 1, ``multiplies`` that logits are made by a
    matrix product in the input's own dtype.
    """

    name: str
    module: str
    make: Make
    arguments: tuple[str, ...]
    regimes: tuple[str, ...] = LOGIT_REGIMES
    grid: tuple[dict[str, Any], ...] = ({},)
    differentiable: tuple[int, ...] = (0,)
    reductions: tuple[str, ...] = ("none", "mean", "sum")
    always: dict[str, Any] = field(default_factory=dict)
    function_only: tuple[str, ...] = ("weight",)
    elementwise: bool = False
    smooth: bool = True
    fixed: tuple[int, ...] = ()
    cancels: tuple[str, ...] = ()
    multiplies: bool = False
    domain: str = "any finite number"

    @property
    def function_name(self) -> str:
        """The name without its variant."""
        return self.name.partition("[")[0]

    @property
    def function(self) -> Callable[..., Tensor]:
        """The function at Lossary's door."""
        import lossary.functional as door

        found: Callable[..., Tensor] = getattr(door, self.function_name)
        return found

    @property
    def torch_function(self) -> Callable[..., Tensor]:
        """The same function of torch."""
        found: Callable[..., Tensor] = getattr(torch.nn.functional, self.function_name)
        return found

    @property
    def module_class(self) -> type[torch.nn.Module]:
        """The module at Lossary's door."""
        import lossary.nn as door

        found: type[torch.nn.Module] = getattr(door, self.module)
        return found

    @property
    def torch_module_class(self) -> type[torch.nn.Module]:
        """The same module of torch."""
        found: type[torch.nn.Module] = getattr(torch.nn, self.module)
        return found

    def rng(self, *salt: object) -> torch.Generator:
        """A generator that depends on the row and on ``salt`` alone."""
        seed = zlib.crc32(repr((self.name, *map(str, salt))).encode())
        return torch.Generator().manual_seed(seed)

    def tensors(self, regime: str, dtype: torch.dtype, salt: object = 0) -> Tensors:
        """Fresh inputs of a regime, always the same ones."""
        return self.make(self.rng(regime, dtype, salt), regime, dtype)

    def options(self, tensors: Tensors) -> Iterator[dict[str, Any]]:
        """The options grid, drawn to fit the tensors."""
        for row in self.grid:
            # A distance of the user's own runs in the user's own dtype, and rounds in it.
            own = any(isinstance(v, BothWays) for v in row.values())
            if own and tensors[0].dtype in HALVES:
                continue
            rng = self.rng(*row)
            drawn = {k: v(rng, tensors) if callable(v) else v for k, v in row.items()}
            yield {**self.always, **drawn}

    def oracle(self, tensors: Tensors, options: dict[str, Any]) -> Answer:
        """The exact answer."""
        exact = {k: v.for_oracle if isinstance(v, BothWays) else v for k, v in options.items()}
        return ORACLES[self.function_name](tensors, **exact)

    def call(self, tensors: Tensors, options: dict[str, Any], **more: Any) -> Tensor:
        """Lossary's answer."""
        return quietly(self.function, *tensors, **for_torch(options), **more)

    def call_torch(self, tensors: Tensors, options: dict[str, Any], **more: Any) -> Tensor:
        """torch's answer."""
        return quietly(self.torch_function, *tensors, **for_torch(options), **more)

    def in_module(self, options: dict[str, Any]) -> bool:
        """Whether the module takes these options too."""
        return not (set(options) & set(self.function_only))


def for_torch(options: dict[str, Any]) -> dict[str, Any]:
    """The options as torch takes them."""
    return {k: v.for_torch if isinstance(v, BothWays) else v for k, v in options.items()}


def quietly(f: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
    """Call without torch's standing advice on ``kl_div``'s mean, which every call repeats."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*reduction: 'mean' divides the total loss")
        return f(*args, **kwargs)


def with_gradient(t: Tensor) -> Tensor:
    """A leaf with the same entries."""
    return t.detach().clone().requires_grad_()


def leaves(loss: Loss, tensors: Tensors) -> Tensors:
    """The tensors of a call, with the differentiable ones as leaves."""
    return tuple(with_gradient(t) if i in loss.differentiable else t for i, t in enumerate(tensors))


def upstream_for(value: Tensor) -> Tensor:
    """Uneven weights, small integers of both signs, which every dtype holds exactly."""
    pattern = torch.tensor([1.0, 3.0, -2.0, 2.0, -1.0])
    return pattern.repeat(value.numel() // 5 + 1)[: value.numel()].view(value.shape).to(value.dtype)


def value_and_gradients(
    loss: Loss, tensors: Tensors, value_of: Callable[..., Tensor]
) -> tuple[Tensor, Tensors]:
    """The value, and the gradients of the upstream-weighted value."""
    inputs_ = leaves(loss, tensors)
    value = value_of(inputs_)
    wanted = [inputs_[i] for i in loss.differentiable]
    grads = torch.autograd.grad(value, wanted, upstream_for(value))
    return value.detach(), grads
