"""Libraries of an extra: imported where they are used, with the install line if missing."""

from importlib import import_module
from typing import Any

from lossary.console.words import Words
from lossary.core.errors import LossaryError

EXTRAS = {
    "mpmath": "tour",
    "sklearn": "tour",
    "matplotlib": "plot",
    "pyarrow": "files",
    "safetensors": "files",
}
DISTRIBUTIONS = {"sklearn": "scikit-learn"}


class MissingExtraError(LossaryError, ImportError):
    """A library that comes with an extra is not installed."""

    def __init__(self, library: str, extra: str) -> None:
        self.library = library
        self.extra = extra
        super().__init__(f'{library} is not installed; pip install "lossary[{extra}]"')

    def told(self, words: Words) -> str:
        """What is missing and how to install it, in a language."""
        return words("cli.missing", library=self.library, extra=self.extra)


def need(module: str) -> Any:
    """Import a module of an extra, or say how to install it.

    >>> need("mpmath").mpf(2) ** 0.5 > 1.4142
    True
    """
    root = module.split(".")[0]
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != root:
            raise
        raise MissingExtraError(DISTRIBUTIONS.get(root, root), EXTRAS[root]) from error
