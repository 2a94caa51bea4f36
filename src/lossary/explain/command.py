"""``lossary explain``: options, output and exit status. Heavy imports wait until it runs."""

import sys
from pathlib import Path

import click

from lossary.console.interrupt import leaving_at_once
from lossary.console.language import Language
from lossary.console.optional import MissingExtraError, need
from lossary.console.words import default_language
from lossary.core.errors import LossaryError, OptionError
from lossary.explain.files.wish import Wish
from lossary.explain.words import Words

_HELP = Words(default_language())


@click.command(help=_HELP("cli.help"))
@click.argument("files", metavar="FILE [TARGETS]", nargs=-1)
@click.option("--loss", metavar="NAME", help=_HELP("cli.loss"))
@click.option("--logits", metavar="NAMES", help=_HELP("cli.logits"))
@click.option("--probs", metavar="NAMES", help=_HELP("cli.probs"))
@click.option("--prediction", metavar="NAMES", help=_HELP("cli.prediction"))
@click.option("--target", metavar="NAMES", help=_HELP("cli.target"))
@click.option("--ignore-index", type=int, metavar="N", help=_HELP("cli.ignore_index"))
@click.option("--class-names", metavar="NAME,NAME,...", help=_HELP("cli.class_names"))
@click.option("--json", "json_wanted", is_flag=True, help=_HELP("cli.json"))
@click.option("--out", metavar="FILE", help=_HELP("cli.out"))
@click.option("--lang", type=Language(), help=_HELP("cli.lang"))
def explain(
    files: tuple[str, ...],
    loss: str | None,
    logits: str | None,
    probs: str | None,
    prediction: str | None,
    target: str | None,
    ignore_index: int | None,
    class_names: str | None,
    json_wanted: bool,
    out: str | None,
    lang: str | None,
) -> int:
    """Explain the loss of a file's predictions and return the exit status."""
    words = Words(lang or default_language())
    wish = Wish(logits, probs, prediction, target, loss, ignore_index)
    names = tuple(part.strip() for part in (class_names or "").split(",") if part.strip())
    try:
        paths = _paths(files, words)
        page = _page(out, words)
        return _run(paths, wish, names, page, json_wanted, words)
    except MissingExtraError as error:
        print(error.told(words), file=sys.stderr)
    except LossaryError as error:
        print(error, file=sys.stderr)
    return 2


def _paths(files: tuple[str, ...], words: Words) -> tuple[Path, ...]:
    if len(files) not in (1, 2):
        raise OptionError(words("file.how_many", count=len(files)))
    paths = tuple(Path(name) for name in files)
    for path in paths:
        if not path.is_file():
            key = "file.folder" if path.is_dir() else "file.none"
            raise OptionError(words(key, path=path))
    return paths


def _page(out: str | None, words: Words) -> Path | None:
    """Where the page goes, looked at before anything is read."""
    if out is None:
        return None
    path = Path(out)
    if not out or path.is_dir() or not path.parent.is_dir():
        raise OptionError(words("file.out", path=out))
    need("matplotlib.figure")
    return path


def _run(
    paths: tuple[Path, ...],
    wish: Wish,
    names: tuple[str, ...],
    page: Path | None,
    json_wanted: bool,
    words: Words,
) -> int:
    with leaving_at_once():
        from lossary.explain.door import explain_source
        from lossary.explain.files.progress import progress
        from lossary.explain.files.reading import reading
        from lossary.explain.view import View
    with progress(words) as tell:
        read = reading(paths, wish, names, words, tell)
        view = View(class_names=read.class_names, language=words.language)
        found = explain_source(read.question, read.source, view)
    if page is not None:
        found.save(page)
        print(words("page.written", path=page), file=sys.stderr)
    if json_wanted:
        print(found.to_json())
    else:
        from lossary.console import layout
        from lossary.explain.text import rich

        layout.tell(layout.console(), rich(found))
    return 0
