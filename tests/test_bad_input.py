"""Bad input at every door: the right error, which names what came, what was expected, the fix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

import lossary
import lossary.functional as F
import lossary.nn as nn
from lossary.core import checks, errors
from tests.cases import BY_NAME, LOSSES
from tests.rows import Loss, quietly

ROWS = [pytest.param(loss, id=loss.name) for loss in LOSSES]
PLAIN = [pytest.param(loss, id=loss.name) for loss in LOSSES if "[" not in loss.name]
PAIRED_ROWS = [
    loss
    for loss in LOSSES
    if loss.elementwise and loss.arguments[1] == "target" and "[" not in loss.name
]
PAIRED = [pytest.param(loss, id=loss.name) for loss in PAIRED_ROWS]
NAN_TARGETS = [
    pytest.param(loss, id=loss.name)
    for loss in PAIRED_ROWS
    if loss.function_name != "hinge_embedding_loss"
]
DEVICES = [
    pytest.param(loss, id=loss.name)
    for loss in LOSSES
    if "[" not in loss.name and loss.function_name != "ctc_loss"
]
CLASSES = ["cross_entropy", "nll_loss", "multi_margin_loss", "linear_cross_entropy"]


def refused(
    kind: type[Exception],
    f: Callable[..., Tensor],
    *args: Any,
    names: str | None = None,
    **options: Any,
) -> str:
    """The message of the error, which must teach: what came, and what was expected."""
    with pytest.raises(kind, match=names) as caught:
        quietly(f, *args, **options)
    assert isinstance(caught.value, errors.LossaryError)
    message = str(caught.value)
    assert "\n  expected: " in message
    return message


def ordinary(loss: Loss) -> tuple[Tensor, ...]:
    """Good input, to spoil."""
    return loss.tensors(loss.regimes[0], torch.float32)


@pytest.mark.parametrize("loss", ROWS)
def test_unknown_reductions_are_refused(loss: Loss) -> None:
    tensors = ordinary(loss)
    message = refused(
        errors.OptionError, loss.function, *tensors, names="avg", **loss.always, reduction="avg"
    )
    assert "'none', 'mean', 'sum'" in message
    assert loss.function_name in message
    with pytest.raises(ValueError, match="avg is not"):
        loss.function(*tensors, **loss.always, reduction="avg")


@pytest.mark.parametrize("loss", PAIRED)
@pytest.mark.parametrize("spoil", ["lost squeeze", "other batch", "one missing"])
def test_unequal_shapes_are_refused_with_both_shapes(loss: Loss, spoil: str) -> None:
    x, y, *rest = ordinary(loss)
    if loss.function_name == "gaussian_nll_loss" and spoil == "one missing":
        pytest.skip("a target of (N, 1) is a documented form of gaussian_nll_loss")
    x, y = {
        "lost squeeze": (x[:, :1], y[:, 0]),
        "other batch": (x, y[:3]),
        "one missing": (x, y[:, :1]),
    }[spoil]
    message = refused(errors.ShapeError, loss.function, x, y, *rest)
    assert str(tuple(x.shape)) in message
    assert str(tuple(y.shape)) in message
    assert "\n  fix: " in message
    with pytest.raises(ValueError, match=loss.function_name):
        quietly(loss.function, x, y, *rest)
    with pytest.raises(RuntimeError, match=loss.function_name):
        quietly(loss.function, x, y, *rest)


def test_the_fix_for_a_lost_squeeze_is_named() -> None:
    with pytest.raises(ValueError, match=r"input\.squeeze\(-1\)"):
        F.mse_loss(torch.zeros(4, 1), torch.zeros(4))


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_class_shapes_are_checked(name: str) -> None:
    f = getattr(F, name)
    x = torch.randn(4, 3)
    message = refused(errors.ShapeError, f, x, torch.zeros(5, dtype=torch.long))
    assert "(4, 3)" in message
    assert "(5,)" in message
    classes_last = refused(
        errors.ShapeError, f, torch.randn(2, 7, 3), torch.zeros(2, 7, dtype=torch.long)
    )
    assert "transpose(1, 2)" in classes_last
    column = refused(errors.ShapeError, f, x, torch.zeros(4, 1, dtype=torch.long))
    assert "squeeze" in column


@pytest.mark.parametrize("loss", PLAIN)
def test_integer_predictions_are_refused(loss: Loss) -> None:
    tensors = ordinary(loss)
    whole = tensors[0].round().nan_to_num().long()
    if loss.function_name == "linear_cross_entropy":
        with pytest.raises(RuntimeError):
            loss.function(whole, *tensors[1:])
        return
    message = refused(errors.DtypeError, loss.function, whole, *tensors[1:], names="int64")
    assert "float" in message


@pytest.mark.parametrize("name", CLASSES)
def test_float_class_targets_are_refused(name: str) -> None:
    loss = BY_NAME[name]
    *scores, y = ordinary(loss)
    message = refused(errors.DtypeError, loss.function, *scores, y.float(), names="float32")
    assert "target.long()" in message


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("wrong", [-1, -3, 99])
@pytest.mark.parametrize("rows", [5, 20_000])
def test_class_indices_out_of_range_are_refused(name: str, wrong: int, rows: int) -> None:
    loss = BY_NAME[name]
    *scores, y = ordinary(loss)
    if rows > 5:
        scores[0] = scores[0].repeat(rows // 4, 1)[:rows]
        y = y.repeat(rows // 4)[:rows]
    y = y.clone()
    y[1] = wrong
    message = refused(errors.ClassIndexError, loss.function, *scores, y, names=str(wrong))
    assert "indices from 0 to " in message
    with pytest.raises(IndexError, match=f"Target {wrong} is out of bounds"):
        loss.function(*scores, y)


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss", "multi_margin_loss"])
@pytest.mark.parametrize("length", [3, 5])
def test_wrong_weight_lengths_are_refused(name: str, length: int) -> None:
    loss = BY_NAME[name]
    refused(errors.ShapeError, loss.function, *ordinary(loss), weight=torch.ones(length), names="4")


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss"])
def test_weights_of_another_shape_are_refused(name: str) -> None:
    x, y = torch.zeros(4, 2), torch.zeros(4, 2)
    says = "Weights and input must have the same size"
    refused(errors.ShapeError, getattr(F, name), x, y, weight=torch.ones(4), names=says)


@pytest.mark.parametrize("smoothing", [-0.1, 1.1, float("nan")])
def test_label_smoothing_is_a_share(smoothing: float) -> None:
    x, y = ordinary(BY_NAME["cross_entropy"])
    refused(errors.OptionError, F.cross_entropy, x, y, label_smoothing=smoothing, names="0.0 and")


@pytest.mark.parametrize("loss", NAN_TARGETS)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("rows", [5, 20_000])
def test_nan_targets_of_a_reduced_loss_are_refused(loss: Loss, reduction: str, rows: int) -> None:
    tensors = [t.repeat(rows // 5, 1) for t in ordinary(loss)]
    tensors[1][2, 1] = torch.nan
    message = refused(errors.DomainError, loss.function, *tensors, reduction=reduction)
    assert "NaN" in message or "nan" in message


@pytest.mark.parametrize(
    "name", ["mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss", "gaussian_nll_loss", "kl_div"]
)
def test_nan_targets_pass_where_the_caller_may_still_mask(name: str) -> None:
    loss = BY_NAME[name]
    tensors = list(ordinary(loss))
    tensors[1] = tensors[1].clone()
    tensors[1][2, 1] = torch.nan
    value = loss.function(*tensors, reduction="none")
    assert value.isnan().sum() == 1
    assert value[2, 1].isnan()


@pytest.mark.parametrize("wrong", [-0.25, 1.5, float("nan")])
@pytest.mark.parametrize("which", ["input", "target"])
def test_bce_takes_probabilities_only(wrong: float, which: str) -> None:
    p, y = torch.full((3,), 0.5), torch.full((3,), 0.5)
    (p if which == "input" else y)[1] = wrong
    kind = errors.DomainError
    message = refused(kind, F.binary_cross_entropy, p, y, names=which)
    if which == "input" and wrong == wrong:
        assert "binary_cross_entropy_with_logits" in message
    with pytest.raises(RuntimeError, match=r"between 0 and 1|NaN"):
        F.binary_cross_entropy(p, y)


def test_negative_variances_are_refused() -> None:
    x = torch.zeros(3)
    for var in (torch.tensor([1.0, -1.0, 1.0]), -1.0):
        with pytest.raises(ValueError, match="var has negative entry/entries"):
            F.gaussian_nll_loss(x, x, var)
    with pytest.raises(ValueError, match="var is of incorrect size"):
        F.gaussian_nll_loss(x, x, torch.ones(2))


@pytest.mark.parametrize("margin", [0.0, -1.0])
def test_triplet_margins_are_positive(margin: float) -> None:
    a = torch.randn(2, 3)
    for f in (F.triplet_margin_loss, F.triplet_margin_with_distance_loss):
        with pytest.raises(ValueError, match=f"margin must be greater than 0, got {margin}"):
            f(a, a, a, margin=margin)


@pytest.mark.parametrize("p", [0, 3])
def test_multi_margin_knows_two_powers(p: int) -> None:
    with pytest.raises(ValueError, match="only p == 1 and p == 2 supported"):
        F.multi_margin_loss(torch.zeros(2, 3), torch.tensor([0, 1]), p=p)


@pytest.mark.parametrize("loss", DEVICES)
def test_tensors_on_two_devices_are_refused(loss: Loss) -> None:
    tensors = list(ordinary(loss))
    tensors[1] = tensors[1].to("meta")
    message = refused(errors.DeviceError, loss.function, *tensors, names="meta")
    assert "cpu" in message
    assert "same device" in message


@pytest.mark.parametrize("loss", DEVICES)
def test_meta_tensors_give_meta_losses(loss: Loss) -> None:
    tensors = tuple(t.to("meta") for t in ordinary(loss))
    value = loss.call(tensors, {}, reduction="none")
    assert value.is_meta
    assert value.shape == loss.call(ordinary(loss), {}, reduction="none").shape


def test_errors_come_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    from lossary.losses import cross_entropy as module

    def working(*args: object, **kwargs: object) -> None:
        raise AssertionError("work began before the check")

    monkeypatch.setattr(module, "evaluate", working)
    x, y = torch.zeros(4, 3), torch.tensor([0, 1, 2, 3])
    with pytest.raises(IndexError, match="Target 3"):
        F.cross_entropy(x, y)
    with pytest.raises(ValueError, match="avg"):
        F.cross_entropy(x, y, reduction="avg")


class TestValueChecks:
    """The setting that says which checks read values."""

    def test_off_reads_nothing(self) -> None:
        y = torch.tensor([float("nan"), 1.0])
        with lossary.value_checks("off"):
            assert F.mse_loss(torch.zeros(2), y).isnan()
        with pytest.raises(errors.DomainError):
            F.mse_loss(torch.zeros(2), y)

    def test_off_still_checks_shapes_and_dtypes(self) -> None:
        with checks.value_checks("off"):
            with pytest.raises(errors.ShapeError):
                F.mse_loss(torch.zeros(2), torch.zeros(3))
            with pytest.raises(errors.DtypeError):
                F.cross_entropy(torch.zeros(2, 3), torch.zeros(2))

    def test_strict_asks_that_soft_targets_be_distributions(self) -> None:
        x, q = torch.zeros(2, 3), torch.full((2, 3), 0.5)
        assert F.cross_entropy(x, q).isfinite()
        with checks.value_checks("strict"):
            refused(errors.DomainError, F.cross_entropy, x, q, names=r"1\.5")
            refused(errors.DomainError, F.cross_entropy, x, q - 0.7)
            assert F.cross_entropy(x, q / 1.5).isfinite()

    def test_it_is_a_statement_and_a_context(self) -> None:
        assert checks.value_check_mode() == "auto"
        with checks.value_checks("strict"):
            assert checks.value_check_mode() == "strict"
            with checks.value_checks("off"):
                assert checks.value_check_mode() == "off"
            assert checks.value_check_mode() == "strict"
        assert checks.value_check_mode() == "auto"
        checks.value_checks("off")
        assert checks.value_check_mode() == "off"

    def test_an_error_inside_restores_the_mode(self) -> None:
        with pytest.raises(KeyError), checks.value_checks("off"):
            raise KeyError
        assert checks.value_check_mode() == "auto"

    def test_an_unknown_mode_is_refused(self) -> None:
        with pytest.raises(errors.OptionError, match="'loud'"):
            checks.value_checks("loud")


@pytest.mark.parametrize("loss", PLAIN)
def test_modules_refuse_what_functions_refuse(loss: Loss) -> None:
    module: torch.nn.Module
    if loss.module == "LinearCrossEntropyLoss":
        module = nn.LinearCrossEntropyLoss(3, 5, reduction="avg")
        tensors: tuple[Tensor, ...] = (torch.randn(2, 3), torch.tensor([0, 1]))
    else:
        module, tensors = loss.module_class(reduction="avg"), ordinary(loss)
    with pytest.raises(ValueError, match="avg is not"):
        module(*tensors)
