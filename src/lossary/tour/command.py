"""``lossary tour``: options, output and exit status. Heavy imports wait until it runs."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lossary.console.interrupt import leaving_at_once
from lossary.console.language import Language
from lossary.console.optional import MissingExtraError, need
from lossary.console.refusal import check_kernels
from lossary.console.words import default_language
from lossary.core.errors import LossaryError
from lossary.tour.words import Words

if TYPE_CHECKING:
    from lossary.tour.results import Tour

_HELP = Words(default_language())


@click.command(help=_HELP("cli.help"))
@click.option("--lang", type=Language(), help=_HELP("cli.lang"))
@click.option("--json", "json_wanted", is_flag=True, help=_HELP("cli.json"))
@click.option(
    "--out",
    "directory",
    metavar="DIR",
    type=click.Path(),
    help=_HELP("cli.out"),
)
def tour(lang: str | None, json_wanted: bool, directory: str | None) -> int:
    """Take the tour and return the exit status."""
    words = Words(lang or default_language())
    if directory == "":
        # Path("") is the current folder, which nobody meant: an unset variable, most likely.
        return _refused(words("cli.empty_out"))
    try:
        check_kernels(words.language)
        return _take(words, json_wanted, None if directory is None else Path(directory))
    except MissingExtraError as error:
        return _refused(error.told(words))
    except LossaryError as error:
        return _refused(str(error))


def _refused(message: str) -> int:
    print(message, file=sys.stderr)
    return 2


def _take(words: Words, json_wanted: bool, directory: Path | None) -> int:
    if directory is not None:
        from lossary.tour.write import prepare

        prepare(directory, words)
    with leaving_at_once():
        for module in ("mpmath", "sklearn.datasets", "sklearn.model_selection"):
            need(module)
        if directory is not None:
            need("matplotlib.figure")
        from lossary.tour import guide, live

    found = guide.take(live.Bars(words) if json_wanted else live.Teller(words))
    page = None if directory is None else _write_page(found, directory, words)
    if json_wanted:
        from lossary.tour.as_json import as_json

        report = as_json(found, words) | {"page": None if page is None else str(page)}
        print(json.dumps(report, ensure_ascii=not _speaks_unicode(), indent=2, allow_nan=False))
    else:
        from lossary.console import layout
        from lossary.tour import text_results

        output = layout.console()
        layout.tell(output, text_results.repairs(words, found.repairs))
        layout.tell(output, text_results.summary(words, found))
    if page is not None:
        print(words("page.written", path=page), file=sys.stderr)
    return 0 if found.passed else 1


def _write_page(found: "Tour", directory: Path, words: Words) -> Path:
    import warnings

    from lossary.tour.gallery import gallery
    from lossary.tour.given import draw
    from lossary.tour.page import page
    from lossary.tour.write import PAGE, write_whole

    with warnings.catch_warnings(record=True) as caught:
        drawn = gallery(found, draw(), words)
    for warning in caught:
        print(warning.message, file=sys.stderr)
    path = directory / PAGE
    write_whole(path, page(found, drawn, words), words)
    return path


def _speaks_unicode() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
