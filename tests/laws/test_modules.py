"""Modules: the function with its settings kept, and everything torch's own modules can do."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.cases import LOSSES
from tests.rows import Loss, for_torch, quietly

ROWS = [
    pytest.param(loss, id=loss.name)
    for loss in LOSSES
    if loss.function_name != "linear_cross_entropy"
]


def modules(loss: Loss) -> list[tuple[nn.Module, nn.Module, dict[str, Any]]]:
    """Ours and torch's, for every row of options that the constructor takes."""
    tensors = loss.tensors(loss.regimes[0], torch.float32)
    made = []
    for options in loss.options(tensors):
        if not loss.in_module(options):
            continue
        for reduction in loss.reductions:
            settings = {**for_torch(options), "reduction": reduction}
            ours = loss.module_class(**settings)
            made.append((ours, loss.torch_module_class(**settings), settings))
    return made


@pytest.mark.parametrize("loss", ROWS)
def test_module_forwards_to_its_function(loss: Loss) -> None:
    tensors = loss.tensors(loss.regimes[0], torch.float32)
    made = modules(loss)
    assert made or loss.name == "gaussian_nll_loss[number]"
    for ours, _, settings in made:
        found = quietly(ours, *tensors)
        expected = quietly(loss.function, *tensors, **settings)
        assert torch.equal(found.nan_to_num(3), expected.nan_to_num(3))


@pytest.mark.parametrize("loss", ROWS)
def test_module_is_a_torch_module_with_the_same_state(loss: Loss) -> None:
    for ours, theirs, _ in modules(loss):
        assert isinstance(ours, type(theirs))
        assert type(ours) is not type(theirs) or loss.module in REEXPORTED
        state, expected = ours.state_dict(), theirs.state_dict()
        assert list(state) == list(expected)
        for key in state:
            assert torch.equal(state[key], expected[key])
        ours.load_state_dict(expected)
        theirs.load_state_dict(state)
        assert {k: v for k, v in vars(theirs).items() if not k.startswith("_")}.items() <= (
            {k: v for k, v in vars(ours).items() if not k.startswith("_")}.items()
        )


# Where torch's own is exact and fast it is re-exported; these would be such modules.
REEXPORTED: tuple[str, ...] = ()


@pytest.mark.parametrize("loss", ROWS)
def test_module_survives_pickle_deepcopy_and_save(loss: Loss) -> None:
    tensors = loss.tensors(loss.regimes[0], torch.float32)
    for ours, _, settings in modules(loss):
        if callable(settings.get("distance_function")):
            continue  # a lambda cannot be pickled, in torch's module neither
        expected = quietly(ours, *tensors)
        file = io.BytesIO()
        torch.save(ours, file)
        file.seek(0)
        copies = (
            pickle.loads(pickle.dumps(ours)),
            copy.deepcopy(ours),
            torch.load(file, weights_only=False),
        )
        for again in copies:
            assert repr(again) == repr(ours)
            assert torch.equal(quietly(again, *tensors).nan_to_num(3), expected.nan_to_num(3))


@pytest.mark.parametrize("loss", ROWS)
def test_repr_shows_the_settings(loss: Loss) -> None:
    for ours, _, settings in modules(loss):
        text = repr(ours)
        assert text.startswith(f"{loss.module}(")
        assert f"reduction='{settings['reduction']}'" in text
        for name, value in settings.items():
            if isinstance(value, float | int | bool):
                assert f"{name}={value!r}" in text, text
            if isinstance(value, Tensor):
                assert name in text, text


@pytest.mark.parametrize("loss", ROWS)
def test_module_moves_its_buffers_with_to(loss: Loss) -> None:
    tensors = loss.tensors(loss.regimes[0], torch.float64)
    for ours, theirs, _ in modules(loss):
        ours.to(torch.float64)
        theirs.to(torch.float64)
        assert [b.dtype for b in ours.buffers()] == [b.dtype for b in theirs.buffers()]
        assert quietly(ours, *tensors).dtype == torch.float64


def test_linear_module_is_its_function() -> None:
    import lossary.functional as F
    from lossary.nn import LinearCrossEntropyLoss

    torch.manual_seed(1)
    ours = LinearCrossEntropyLoss(3, 5, bias=True, label_smoothing=0.1)
    theirs = nn.LinearCrossEntropyLoss(3, 5, bias=True, label_smoothing=0.1)
    theirs.load_state_dict(ours.state_dict())
    x, y = torch.randn(4, 3), torch.tensor([0, 4, 2, 2])
    expected = F.linear_cross_entropy(
        x, ours.linear.weight, y, linear_bias=ours.linear.bias, label_smoothing=0.1
    )
    assert torch.equal(ours(x, y), expected)
    torch.testing.assert_close(ours(x, y), theirs(x, y))
    assert isinstance(ours, nn.LinearCrossEntropyLoss)
    assert "label_smoothing=0.1" in repr(ours)
    again = pickle.loads(pickle.dumps(ours))
    assert torch.equal(again(x, y), expected)
