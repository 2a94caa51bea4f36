"""torch's own operator samples, error inputs included, answered by the functional door."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing._internal.common_methods_invocations import op_db

import lossary.functional as door
from tests.torch_samples.differences import REFUSALS, assert_close, named_difference, widened

F = torch.nn.functional
QUIET = pytest.mark.filterwarnings(
    # torch's own advice, which its samples trigger on purpose.
    "ignore:.*'mean' divides the total loss:UserWarning",
    "ignore:Using a target size:UserWarning",
    "ignore:linear_cross_entropy. ``options`` ignored:UserWarning",
    # A pattern among torch's error inputs that Python finds odd.
    "ignore:Possible nested set:FutureWarning",
    "ignore:size_average and reduce args will be deprecated:UserWarning",
)


def short(op: Any) -> str:
    """The function's name in torch.nn.functional."""
    name: str = op.name.removeprefix("nn.functional.")
    return name


OPS = [
    op
    for op in op_db
    if hasattr(F, short(op)) and getattr(door, short(op)) is not getattr(F, short(op))
]
# Links make no loss: in half precision they are torch's, rounding for rounding.
LINKS = ("sigmoid", "softmax", "log_softmax", "softmin")
DTYPES = (torch.float32, torch.float64, torch.bfloat16, torch.float16)
SAMPLES = [
    pytest.param(op, dtype, id=f"{short(op)}-{op.variant_test_name or 'plain'}-{str(dtype)[6:]}")
    for op in OPS
    for dtype in DTYPES
    if dtype in op.dtypes
]


def test_every_loss_of_torch_that_has_samples_is_among_them() -> None:
    losses = {short(op) for op in op_db if "loss" in op.name or "cross_entropy" in op.name}
    losses |= {"kl_div"}
    assert losses <= {short(op) for op in OPS}


def tensors_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Tensor]:
    """The tensors of a call that want a gradient."""
    given = [*args, *kwargs.values()]
    return [t for t in given if isinstance(t, Tensor) and t.requires_grad]


def run(f: Callable[..., Tensor], args: Any, kwargs: Any) -> list[Tensor]:
    """Value, and gradients of an uneven sum of it."""
    value = f(*args, **kwargs)
    wanted = tensors_of(args, kwargs)
    if not wanted or not value.requires_grad:
        return [value.detach()]
    weights = torch.linspace(0.5, 1.5, value.numel(), dtype=value.dtype).view(value.shape)
    grads = torch.autograd.grad(value, wanted, weights, materialize_grads=True)
    return [value.detach(), *grads]


@QUIET
@pytest.mark.parametrize(("op", "dtype"), SAMPLES)
def test_samples_agree_with_torch(op: Any, dtype: torch.dtype) -> None:
    name, ours = short(op), getattr(door, short(op))
    judged = 0
    for sample in op.sample_inputs("cpu", dtype, requires_grad=op.supports_autograd):
        args, kwargs = (sample.input, *sample.args), sample.kwargs
        difference = named_difference(name, args, kwargs)
        if difference in REFUSALS:
            with pytest.raises(REFUSALS[difference]):
                ours(*args, **kwargs)
            continue
        judged += 1
        found = run(ours, args, kwargs)
        if difference == "a mean over nothing is 0":
            assert all((t == 0).all() for t in found)
            continue
        # torch's half precision rounds at every step: losses are judged in float64.
        half = dtype in (torch.bfloat16, torch.float16)
        wide = half and name not in LINKS
        call = (widened(args), widened(kwargs)) if wide else (args, kwargs)
        exact = difference == "the factorial is exact"
        expected = run(exact_factorials if exact else getattr(F, name), *call)
        if difference == "the gradient of ctc_loss is its own":
            found, expected = found[:1], expected[:1]
        for a, b in zip(found, expected, strict=True):
            assert a.shape == b.shape
            assert half or a.dtype == b.dtype
            assert_close(a, b.to(a.dtype), sample)
    assert judged, "no sample of torch's was comparable"


def exact_factorials(*args: Any, **kwargs: Any) -> Tensor:
    """torch's value without its constant, plus the logarithm of the true factorial."""
    settings = {k: v for k, v in kwargs.items() if k not in ("full", "reduction")}
    settings["reduction"] = "none"
    items = F.poisson_nll_loss(*args, **settings) + torch.lgamma(args[1] + 1)
    reduction = kwargs.get("reduction", "mean")
    reduced: Tensor = items if reduction == "none" else getattr(items, reduction)()
    return reduced


ERRORS = [
    pytest.param(op, id=f"{short(op)}-{op.variant_test_name or 'plain'}")
    for op in OPS
    if op.error_inputs_func is not None
]


@QUIET
@pytest.mark.parametrize("op", ERRORS)
def test_error_inputs_raise_what_torch_raises(op: Any) -> None:
    seen = 0
    for error in op.error_inputs("cpu"):
        sample = error.sample_input
        seen += 1
        with pytest.raises(error.error_type, match=error.error_regex):
            getattr(door, short(op))(sample.input, *sample.args, **sample.kwargs)
    assert seen
