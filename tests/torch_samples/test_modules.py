"""torch's own module samples, error inputs included, answered by the module door."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.testing._internal.common_modules import module_db

import lossary.nn as door
from tests.torch_samples.differences import REFUSALS, assert_close, named_difference
from tests.torch_samples.test_operators import QUIET, exact_factorials, run

NAMES = {
    "L1Loss": "l1_loss",
    "MSELoss": "mse_loss",
    "SmoothL1Loss": "smooth_l1_loss",
    "HuberLoss": "huber_loss",
    "KLDivLoss": "kl_div",
    "PoissonNLLLoss": "poisson_nll_loss",
    "HingeEmbeddingLoss": "hinge_embedding_loss",
    "MarginRankingLoss": "margin_ranking_loss",
    "SoftMarginLoss": "soft_margin_loss",
    "MultiLabelSoftMarginLoss": "multilabel_soft_margin_loss",
    "CrossEntropyLoss": "cross_entropy",
    "LinearCrossEntropyLoss": "linear_cross_entropy",
    "NLLLoss": "nll_loss",
    "CTCLoss": "ctc_loss",
}
MODULES = [m for m in module_db if getattr(door, m.name.split(".")[-1], None) is not m.module_cls]
MODULES = [m for m in MODULES if hasattr(nn, m.module_cls.__name__)]


def cases(infos: list[Any]) -> list[Any]:
    """Each module in both dtypes."""
    return [
        pytest.param(info, dtype, id=f"{info.module_cls.__name__}-{str(dtype)[6:]}")
        for info in infos
        for dtype in (torch.float32, torch.float64)
    ]


CASES = cases(MODULES)


def ours_of(info: Any) -> type[nn.Module]:
    """The class behind our door."""
    found: type[nn.Module] = getattr(door, info.module_cls.__name__)
    return found


def test_every_loss_module_of_torch_is_replaced() -> None:
    torchs = {m.module_cls.__name__ for m in module_db if m.module_cls.__name__.endswith("Loss")}
    assert torchs <= {m.module_cls.__name__ for m in MODULES}


@QUIET
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("info", "dtype"), CASES)
def test_module_samples_agree_with_torch(info: Any, dtype: torch.dtype, training: bool) -> None:
    name = NAMES.get(info.module_cls.__name__, "")
    samples = info.module_inputs_func(
        info, device="cpu", dtype=dtype, requires_grad=True, training=training
    )
    judged = 0
    for sample in samples:
        made, given = sample.constructor_input, sample.forward_input
        theirs = info.module_cls(*made.args, **made.kwargs).to(dtype)
        ours = ours_of(info)(*made.args, **made.kwargs).to(dtype)
        ours.load_state_dict(theirs.state_dict())
        args = given.args
        if name == "linear_cross_entropy":
            linear = theirs.get_submodule("linear")
            args = (args[0], linear.weight, *args[1:])
        difference = named_difference(name, args, made.kwargs)
        if difference in REFUSALS:
            with pytest.raises(REFUSALS[difference]):
                ours(*given.args, **given.kwargs)
            continue
        judged += 1
        found = run(ours, given.args, given.kwargs)
        expected = run(theirs, given.args, given.kwargs)
        if difference == "a mean over nothing is 0":
            assert all((t == 0).all() for t in found)
            continue
        if difference == "the factorial is exact":
            expected = run(exact_factorials, given.args, made.kwargs)
        if difference == "the gradient of ctc_loss is its own":
            found, expected = found[:1], expected[:1]
        compare(found, expected, f"{info.name} {sample.desc} {made.kwargs}")
    assert judged


def compare(found: list[Tensor], expected: list[Tensor], about: str) -> None:
    """Value and gradients, within the tolerance of the dtype."""
    for a, b in zip(found, expected, strict=True):
        assert_close(a, b, about)


ERRORS = cases([m for m in MODULES if m.module_error_inputs_func is not None])


@QUIET
@pytest.mark.parametrize(("info", "dtype"), ERRORS)
def test_module_error_inputs_raise_what_torch_raises(info: Any, dtype: torch.dtype) -> None:
    errors = info.module_error_inputs_func(
        info, device="cpu", dtype=dtype, requires_grad=False, training=True
    )
    for error in errors:
        made = error.module_error_input.constructor_input
        given = error.module_error_input.forward_input
        with pytest.raises(error.error_type, match=error.error_regex):
            ours_of(info)(*made.args, **made.kwargs)(*given.args, **given.kwargs)
