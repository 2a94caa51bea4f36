"""The doors hold every public name of torch's, with torch's own signatures."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest
import torch

import lossary.functional
import lossary.nn
from tests.cases import LOSSES

FUNCTIONS = sorted({loss.function_name for loss in LOSSES} | {"softmax", "log_softmax", "sigmoid"})
MODULES = sorted({loss.module for loss in LOSSES} | {"Softmax", "LogSoftmax", "Sigmoid"})


def public(module: ModuleType) -> set[str]:
    """Names that do not start with an underscore."""
    return {name for name in dir(module) if not name.startswith("_")}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_have_torchs_signatures(name: str) -> None:
    ours = inspect.signature(getattr(lossary.functional, name))
    theirs = inspect.signature(getattr(torch.nn.functional, name))
    assert list(ours.parameters)[: len(theirs.parameters)] == list(theirs.parameters)
    for key, parameter in theirs.parameters.items():
        assert ours.parameters[key].kind == parameter.kind, key
        assert ours.parameters[key].default == parameter.default, key
    more = list(ours.parameters.values())[len(theirs.parameters) :]
    assert all(p.kind == p.KEYWORD_ONLY and p.default is not p.empty for p in more)


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("method", ["__init__", "forward"])
def test_modules_have_torchs_signatures(name: str, method: str) -> None:
    ours = inspect.signature(getattr(getattr(lossary.nn, name), method))
    theirs = inspect.signature(getattr(getattr(torch.nn, name), method))
    assert list(ours.parameters)[: len(theirs.parameters)] == list(theirs.parameters)
    for key, parameter in theirs.parameters.items():
        assert ours.parameters[key].kind == parameter.kind, key
        assert ours.parameters[key].default == parameter.default, key
    more = list(ours.parameters.values())[len(theirs.parameters) :]
    assert all(p.kind == p.KEYWORD_ONLY and p.default is not p.empty for p in more)


@pytest.mark.parametrize(
    ("ours", "theirs"), [(lossary.nn, torch.nn), (lossary.functional, torch.nn.functional)]
)
def test_every_public_name_is_behind_the_door(ours: ModuleType, theirs: ModuleType) -> None:
    missing = {name for name in public(theirs) if not hasattr(ours, name)}
    assert not missing


def test_every_submodule_of_torch_nn_can_be_imported() -> None:
    for part in pkgutil.iter_modules(torch.nn.__path__):
        if part.name.startswith("_"):
            continue
        ours = importlib.import_module(f"lossary.nn.{part.name}")
        theirs = importlib.import_module(f"torch.nn.{part.name}")
        assert not {name for name in public(theirs) if not hasattr(ours, name)}, part.name


def submodules(package: ModuleType) -> list[str]:
    """Every public module below a package, at any depth, by its name there."""
    found = pkgutil.walk_packages(package.__path__, package.__name__ + ".", onerror=lambda _: None)
    names = [part.name.removeprefix(package.__name__ + ".") for part in found]
    return [name for name in names if not any(p.startswith("_") for p in name.split("."))]


def test_submodules_at_every_depth_are_torchs_own() -> None:
    ours_alone = ("modules", "modules.loss", "modules.activation", "modules.adaptive", "functional")
    seen = 0
    for name in submodules(torch.nn):
        try:
            theirs = importlib.import_module(f"torch.nn.{name}")
        except ImportError:  # a part of torch that this build lacks
            continue
        ours = importlib.import_module(f"lossary.nn.{name}")
        seen += 1
        assert (ours is theirs) or name in ours_alone, name
    assert seen > 50
    assert torch.nn.utils.rnn.__name__ == "torch.nn.utils.rnn"


def test_functional_is_the_same_object_by_every_road() -> None:
    by_module = importlib.import_module("lossary.nn.functional")
    assert by_module is lossary.nn.functional
    assert by_module.cross_entropy is lossary.functional.cross_entropy


@pytest.mark.parametrize("name", FUNCTIONS)
def test_losses_are_replaced(name: str) -> None:
    ours = getattr(lossary.functional, name)
    assert ours is not getattr(torch.nn.functional, name)
    assert ours.__module__.startswith("lossary.")
    assert ours.__doc__


def test_what_is_no_loss_is_torchs_own() -> None:
    assert lossary.nn.Linear is torch.nn.Linear
    assert lossary.nn.Module is torch.nn.Module
    assert lossary.functional.relu is torch.nn.functional.relu
    assert lossary.nn.utils.clip_grad_norm_ is torch.nn.utils.clip_grad_norm_


def test_every_loss_class_of_torch_is_replaced() -> None:
    losses = {n for n in public(torch.nn) if n.endswith(("Loss", "Loss2d", "WithLoss"))}
    same = {n for n in losses if getattr(lossary.nn, n) is getattr(torch.nn, n)}
    assert not same
