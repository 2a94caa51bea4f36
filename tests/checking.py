"""One question, asked everywhere: where does this function differ from the oracle?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from tests.oracles import Answer
from tests.oracles.compare import Miss, Neighbours, misses
from tests.rows import Loss, leaves, upstream_for

Tensors = tuple[Tensor, ...]


def neighbours(loss: Loss, tensors: Tensors, options: dict[str, Any], regime: str) -> Neighbours:
    """The exact answer, with the room that conditioning gives this dtype in this regime."""
    return Neighbours(
        lambda t: loss.oracle(t, options),
        tensors,
        loss.fixed,
        cancels=regime in loss.cancels,
        multiplies=loss.multiplies,
    )


def disagreements(
    loss: Loss,
    tensors: Tensors,
    exact: Neighbours,
    reduction: str,
    value_of: Callable[[Tensors], Tensor],
) -> list[Miss]:
    """The entries of value and gradient in which ``value_of`` and the oracle differ."""
    call = leaves(loss, tensors)
    value = value_of(call)
    assert value.dtype == tensors[0].dtype
    assert tuple(value.shape) == (exact.base.shape if reduction == "none" else ())
    room = exact.slack(lambda a: a.value(reduction))
    found = misses(value, exact.base.value(reduction), "value", room)
    return found + _gradient_disagreements(loss, call, value, exact, reduction)


def _gradient_disagreements(
    loss: Loss, call: Tensors, value: Tensor, exact: Neighbours, reduction: str
) -> list[Miss]:
    upstream = upstream_for(value)
    grads = torch.autograd.grad(value, [call[i] for i in loss.differentiable], upstream)
    weights = upstream.double().reshape(-1).tolist()
    found = []
    for i, grad in zip(loss.differentiable, grads, strict=True):
        assert grad.dtype == call[i].dtype
        assert grad.shape == call[i].shape

        def read(a: Answer, i: int = i) -> list[Any]:
            return a.gradient(reduction, call, weights)[i]

        found += misses(grad, read(exact.base), f"d/d{loss.arguments[i]}", exact.slack(read))
    return found
