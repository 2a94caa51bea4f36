"""Where results go: a place that cannot be written is told before anything is measured."""

import os
import tempfile
from pathlib import Path

from lossary.bench.words import Words
from lossary.core.errors import LossaryError

FIGURE_ENDINGS = (".png", ".svg")


class PlaceError(LossaryError, OSError):
    """A file that cannot be written."""


def check(
    option: str, name: str | None, words: Words, endings: tuple[str, ...] = ()
) -> Path | None:
    """The path of a file that can be written, or an error that says why it cannot."""
    if name is None:
        return None
    if not name:
        raise PlaceError(words("place.empty", option=option))
    path = Path(os.path.realpath(name))  # what a link leads to is written, the link stays
    if endings and path.suffix.lower() not in endings:
        raise PlaceError(
            words("place.ending", option=option, name=name, fix=Path(name).with_suffix(".svg"))
        )
    if path.exists() and not path.is_file():
        raise PlaceError(words("place.not_a_file", option=option, name=name))
    if not path.parent.is_dir():
        raise PlaceError(
            words("place.no_folder", option=option, name=name, folder=Path(name).parent)
        )
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise PlaceError(
            words("place.not_writable", option=option, name=name, reason=reason)
        ) from error
    return path


def differ(csv: Path | None, figure: Path | None, words: Words) -> None:
    """Two files of one name would leave only the later."""
    if csv is not None and csv == figure:
        raise PlaceError(words("place.same", name=csv))
