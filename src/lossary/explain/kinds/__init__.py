"""One file for each kind of loss: which losses it explains, and how it reads them.

A file here offers ``NAMES``, the functional names of its losses; ``BY_ENTRY``;
``explain(asked, source, view)``,
which answers with an :class:`~lossary.explain.explanation.Explanation`; and ``read(asked, block,
start)``, which a monitor adds up: rows of classes, or a few numbers of each example. It is found
by being here.
"""

import importlib
import pkgutil
from functools import cache
from types import ModuleType


@cache
def _kinds() -> dict[str, ModuleType]:
    found: dict[str, ModuleType] = {}
    for file in sorted(pkgutil.iter_modules(__path__), key=lambda file: file.name):
        kind = importlib.import_module(f"{__name__}.{file.name}")
        found |= dict.fromkeys(kind.NAMES, kind)
    return found


def names() -> list[str]:
    """The functional names of all losses that can be explained.

    >>> "cross_entropy" in names()
    True
    """
    return list(_kinds())


def kind_of(name: str) -> ModuleType:
    """The file that explains a loss."""
    return _kinds()[name]
