"""What a loss means: numbers first, then sentences, a page and a figure made from them.

Nothing is imported before it is asked for, so that the command line need not wait for torch.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lossary.explain.comparing import Comparison as Comparison
    from lossary.explain.comparing import compare as compare
    from lossary.explain.door import explain as explain
    from lossary.explain.explanation import Explanation as Explanation
    from lossary.explain.monitor import Monitor as Monitor

_PLACES = {
    "explain": "door",
    "Explanation": "explanation",
    "Monitor": "monitor",
    "Comparison": "comparing",
    "compare": "comparing",
}

__all__ = list(_PLACES)


class _Room(ModuleType):
    """``import lossary.explain`` puts this module where the verb is: it can be called as well."""

    def __call__(self, *arguments: Any, **settings: Any) -> Any:
        return self.explain(*arguments, **settings)


sys.modules[__name__].__class__ = _Room


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = value
    return value
