"""Doors that stand where a module of torch stands: its names, with some of them ours."""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any


def mirror(source: ModuleType, names: dict[str, Any]) -> None:
    """Put every public name of a module into another's namespace."""
    for name in dir(source):
        if not name.startswith("_"):
            names.setdefault(name, getattr(source, name))


def fall_back_to(source: ModuleType) -> Callable[[str], Any]:
    """A module's ``__getattr__`` that finds what it lacks (private names) in another module."""

    def find(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(source, name)

    return find


def door(name: str, source: ModuleType, replaced: Mapping[str, Any]) -> ModuleType:
    """A module that shows another's names, some of them replaced, and register it."""
    module = ModuleType(name, source.__doc__)
    module.__dict__.update({k: v for k, v in vars(source).items() if not k.startswith("__")})
    module.__dict__.update({k: v for k, v in replaced.items() if hasattr(source, k)})
    if hasattr(source, "__all__"):
        module.__dict__["__all__"] = list(source.__all__)
    module.__dict__["__getattr__"] = fall_back_to(source)
    module.__path__ = []
    sys.modules[name] = module
    return module


class SubmoduleAliases(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds ``import lossary.nn.utils.rnn`` where torch keeps it, as the very same module."""

    def __init__(self, ours: str, theirs: str) -> None:
        self.ours, self.theirs = ours + ".", theirs + "."

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Answer for names below the door alone."""
        if not fullname.startswith(self.ours):
            return None
        real = self.theirs + fullname.removeprefix(self.ours)
        if importlib.util.find_spec(real) is None:
            return None
        return importlib.machinery.ModuleSpec(fullname, self)

    def exec_module(self, module: ModuleType) -> None:
        """Let the alias's name stand for torch's module."""
        real = self.theirs + module.__name__.removeprefix(self.ours)
        sys.modules[module.__name__] = importlib.import_module(real)
