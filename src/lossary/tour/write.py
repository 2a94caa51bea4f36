"""Writing a page whole or not at all."""

import tempfile
from pathlib import Path

from lossary.console import whole
from lossary.core.errors import LossaryError
from lossary.tour.words import Words


class OutputError(LossaryError, OSError):
    """A place that cannot be written to."""


PAGE = "tour.html"


def prepare(directory: Path, words: Words) -> None:
    """Make the directory and try it, so that a wrong ``--out`` is told before the work."""
    if (directory / PAGE).is_dir():
        raise OutputError(words("cli.page_is_a_directory", path=directory, page=directory / PAGE))
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise _told(directory, error, words) from error


def write_whole(path: Path, text: str, words: Words) -> None:
    """Write the page: a reader sees the old one or the new one."""
    try:
        whole.write_whole(path, text)
    except OSError as error:
        raise _told(path.parent, error, words) from error


def _told(directory: Path, error: OSError, words: Words) -> OutputError:
    nearest = directory
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if nearest.is_file():
        parent = nearest.parent
        return OutputError(words("cli.not_a_directory", path=directory, parent=parent / "tour"))
    reason = error.strerror or str(error)
    return OutputError(words("cli.not_writable", path=directory, reason=reason))
