"""Libraries that only the tour needs: imported where used, with the install line if missing."""

from importlib import import_module
from typing import Any

from lossary.core.errors import LossaryError

EXTRAS = {"mpmath": "tour", "sklearn": "tour", "matplotlib": "plot"}
DISTRIBUTIONS = {"sklearn": "scikit-learn"}


class MissingExtraError(LossaryError, ImportError):
    """A library that comes with an extra is not installed."""


def need(module: str) -> Any:
    """Import a module of an extra, or say in one line how to install it.

    >>> need("mpmath").mpf(2) ** 0.5 > 1.4142
    True
    """
    root = module.split(".")[0]
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != root:
            raise
        library = DISTRIBUTIONS.get(root, root)
        line = f'pip install "lossary[{EXTRAS[root]}]"'
        raise MissingExtraError(f"{library} is not installed. Install it with: {line}") from error
