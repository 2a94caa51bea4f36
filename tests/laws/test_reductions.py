"""The reductions are one sum, divided or not; the deprecated arguments mean what torch says."""

from __future__ import annotations

import warnings

import pytest
import torch

from tests.cases import BY_NAME, LOSSES
from tests.rows import Loss, leaves, quietly

ROWS = [pytest.param(loss, id=loss.name) for loss in LOSSES]
LEGACY = [p for p, loss in zip(ROWS, LOSSES, strict=True) if loss.module not in (
    "CTCLoss", "LinearCrossEntropyLoss", "GaussianNLLLoss", "HuberLoss",
    "TripletMarginWithDistanceLoss",
)]  # fmt: skip


@pytest.mark.parametrize("loss", ROWS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_mean_and_sum_are_reductions_of_none(loss: Loss, dtype: torch.dtype) -> None:
    for regime in loss.regimes:
        tensors = loss.tensors(regime, dtype)
        for options in loss.options(tensors):
            none = loss.call(tensors, options, reduction="none").double()
            total = loss.call(tensors, options, reduction="sum").double()
            torch.testing.assert_close(total, none.sum(), rtol=1e-6, atol=1e-10)
            if loss.function_name == "ctc_loss":
                none = none / tensors[3].clamp(min=1)
            exact = loss.oracle(tensors, options)
            divisor = len(exact.items) if exact.divisor is None else float(exact.divisor)
            mean = loss.call(tensors, options, reduction="mean").double()
            expected = none.sum() / divisor if divisor else none.sum() * 0
            torch.testing.assert_close(mean, expected, rtol=1e-6, atol=1e-10)


@pytest.mark.parametrize("name", ["kl_div", "kl_div[log_target]"])
def test_batchmean_divides_by_the_first_dimension(name: str) -> None:
    loss = BY_NAME[name]
    tensors = loss.tensors("ordinary", torch.float64)
    total = loss.call(tensors, loss.always, reduction="sum")
    per_row = loss.call(tensors, loss.always, reduction="batchmean")
    torch.testing.assert_close(per_row, total / tensors[0].shape[0], rtol=1e-14, atol=0)
    number = tuple(t[0, 0] for t in tensors)
    alone = loss.call(number, loss.always, reduction="batchmean")
    torch.testing.assert_close(alone, loss.call(number, loss.always, reduction="sum"))


def test_kl_mean_warns_as_torch_does() -> None:
    tensors = BY_NAME["kl_div"].tensors("ordinary", torch.float32)
    with pytest.warns(UserWarning, match="'mean' divides the total loss by both the batch size"):
        BY_NAME["kl_div"].function(*tensors)


@pytest.mark.parametrize("loss", LEGACY)
@pytest.mark.parametrize(
    ("size_average", "reduce", "reduction"),
    [(None, False, "none"), (False, None, "sum"), (True, None, "mean"), (False, True, "sum")],
)
def test_deprecated_arguments_warn_and_mean_what_torch_says(
    loss: Loss, size_average: bool | None, reduce: bool | None, reduction: str
) -> None:
    tensors = loss.tensors(loss.regimes[0], torch.float64)
    old = {**loss.always, "size_average": size_average, "reduce": reduce}
    with pytest.warns(UserWarning, match=f"please use reduction='{reduction}' instead"):
        found = quietly(loss.function, *tensors, **old)
    expected = loss.call(tensors, loss.always, reduction=reduction)
    assert torch.equal(found, expected)
    with pytest.warns(UserWarning, match=f"please use reduction='{reduction}' instead"):
        module = loss.module_class(**old)
    assert module.reduction == reduction


@pytest.mark.parametrize("loss", LEGACY)
def test_deprecated_arguments_warn_as_often_as_in_torch(loss: Loss) -> None:
    tensors = loss.tensors(loss.regimes[0], torch.float64)
    counts = []
    for f in (loss.function, loss.torch_function):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            f(*tensors, **loss.always, reduce=False)
        counts.append([str(w.message) for w in seen])
    assert counts[0] == counts[1]


@pytest.mark.parametrize("loss", ROWS)
def test_gradient_of_mean_is_gradient_of_sum_divided(loss: Loss) -> None:
    if loss.function_name == "ctc_loss":
        tensors = loss.tensors(loss.regimes[0], torch.float64)
        tensors = (*tensors[:3], torch.tensor([3, 3, 3]))
        divisor = 9.0
    else:
        tensors = loss.tensors(loss.regimes[0], torch.float64)
        exact = loss.oracle(tensors, loss.always)
        divisor = len(exact.items) if exact.divisor is None else float(exact.divisor)
    grads = []
    for reduction in ("mean", "sum"):
        call = leaves(loss, tensors)
        value = loss.call(call, loss.always, reduction=reduction)
        grads.append(torch.autograd.grad(value, [call[i] for i in loss.differentiable]))
    for mean, total in zip(*grads, strict=True):
        torch.testing.assert_close(mean * divisor, total, rtol=1e-13, atol=1e-300)
