"""``lossary bench``: options and exit status. Heavy imports wait until it runs."""

import sys
from pathlib import Path

import click

from lossary.bench import places
from lossary.bench.points import CONTENDERS, DTYPES, LOSSES, SUITES
from lossary.bench.wishes import Wishes
from lossary.bench.words import Words
from lossary.console.interrupt import leaving_at_once
from lossary.console.language import Language, OneOf
from lossary.console.optional import MissingExtraError, need
from lossary.console.refusal import WholeNumber, check_kernels
from lossary.console.words import default_language
from lossary.core.errors import LossaryError, OptionError

_HELP = Words(default_language())
# What a point may take with --quick.
QUICK_SECONDS = 2.0
OTHERS = OneOf(CONTENDERS[1:])
# How many seconds a step of a contender may take before it is left out.
PATIENCE = {True: 5.0, False: 20.0}
DEVICE = OneOf(("cpu", "cuda"))
AT_LEAST_ONE = WholeNumber(1)


@click.command(help=_HELP("cli.help"))
@click.option("--quick", is_flag=True, help=_HELP("cli.quick"))
@click.option("--suite", type=OneOf(SUITES), default=SUITES[0], help=_HELP("cli.suite"))
@click.option("--loss", type=OneOf((*LOSSES, "all")), default="all", help=_HELP("cli.loss"))
@click.option("--vocab", metavar="N,N,...", help=_HELP("cli.vocab"))
@click.option("--rows", type=AT_LEAST_ONE, metavar="N", help=_HELP("cli.rows"))
@click.option("--without", type=OTHERS, multiple=True, help=_HELP("cli.without"))
@click.option("--dtype", type=OneOf(DTYPES), help=_HELP("cli.dtype"))
@click.option("--rounds", type=AT_LEAST_ONE, metavar="N", help=_HELP("cli.rounds"))
@click.option("--device", type=DEVICE, default="cpu", help=_HELP("cli.device"))
@click.option("--threads", type=AT_LEAST_ONE, metavar="N", help=_HELP("cli.threads"))
@click.option("--json", "json_wanted", is_flag=True, help=_HELP("cli.json"))
@click.option("--csv", "csv_file", metavar="FILE", help=_HELP("cli.csv"))
@click.option("--figure", "figure_file", metavar="FILE", help=_HELP("cli.figure"))
@click.option("--lang", type=Language(), help=_HELP("cli.lang"))
def bench(
    quick: bool,
    suite: str,
    loss: str,
    vocab: str | None,
    rows: int | None,
    without: tuple[str, ...],
    dtype: str | None,
    rounds: int | None,
    device: str,
    threads: int | None,
    json_wanted: bool,
    csv_file: str | None,
    figure_file: str | None,
    lang: str | None,
) -> int:
    """Measure and return the exit status."""
    words = Words(lang or default_language())
    try:
        check_kernels(words.language)
        points = Wishes(suite, quick, loss, vocab, rows, dtype).points(words)
        csv, figure = _places(csv_file, figure_file, suite, words)
        with leaving_at_once():
            import torch

            from lossary.bench.measure import Effort
            from lossary.bench.run import Output, run
        if device == "cuda" and not torch.cuda.is_available():
            raise OptionError(words("wish.no_gpu", torch=torch.__version__))
    except MissingExtraError as error:
        return _refused(error.told(words))
    except LossaryError as error:
        return _refused(str(error))
    # A number of rounds is meant; without one, the time that a point may take decides.
    seconds = None if rounds else QUICK_SECONDS if quick else Effort.seconds
    patience = Effort.patience if rounds else PATIENCE[quick]
    # The small chunks of torch's own choice take very long on a CPU.
    slow = ("chunked_auto",) if quick or suite == "scale" else ()
    effort = Effort(rounds or Effort.rounds, seconds, (*without, *slow), patience, device)
    run(suite, points, effort, threads, Output(json_wanted, csv, figure), words)
    return 0


def _places(
    csv_name: str | None, figure_name: str | None, suite: str, words: Words
) -> tuple[Path | None, Path | None]:
    """Where to write, tried now; and whether there is something to draw, and to draw it with."""
    csv = places.check("--csv", csv_name, words)
    figure = places.check("--figure", figure_name, words, places.FIGURE_ENDINGS)
    places.differ(csv, figure, words)
    if figure is not None:
        if suite == "shapes":
            raise OptionError(words("wish.no_curves"))
        with leaving_at_once():
            need("matplotlib.figure")
    return csv, figure


def _refused(message: str) -> int:
    print(message, file=sys.stderr)
    return 2
