"""The command line: thin. Commands are loaded when they run, so ``--help`` never waits for torch.

Exit status: 0 fine, 1 findings or a failed check, 2 wrong use, 130 interrupted.
"""

import os
import signal
import sys
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NoReturn

import click

from lossary import __version__
from lossary.console import refusal
from lossary.console.plain_letters import register


@dataclass(frozen=True)
class Lazy:
    """A command by its address, with the line that ``lossary --help`` shows for it."""

    module: str
    name: str
    summary: str


# A new command is one line here; its module must be cheap to import.
COMMANDS = {
    "tour": Lazy(
        "lossary.tour.command",
        "tour",
        "Walk from a sigmoid to the mean squared error, in checked numbers.",
    ),
    "explain": Lazy(
        "lossary.explain.command",
        "explain",
        "Say what the loss of a file's predictions means.",
    ),
    "bench": Lazy(
        "lossary.bench.command",
        "bench",
        "Measure time, memory and error beside torch's, on this machine.",
    ),
}


class LazyGroup(click.Group):
    """A group that imports a command only when it is called for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table above."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command."""
        if cmd_name not in COMMANDS:
            return None
        lazy = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(lazy.module), lazy.name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a reader that left early (head, say) is no failure."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            return _reader_left()

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.summary) for name, lazy in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="lossary")
def lossary() -> None:
    """Exact, explained and well-used loss functions for PyTorch."""


def _reader_left(status: int = 0) -> int:
    # What Python still holds for stdout goes nowhere, or it would complain while it exits.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status; never a traceback for a user's mistake."""
    for stream in (sys.stdout, sys.stderr):
        # A console that cannot show a letter gets one that it can show, not an error.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=register())
    try:
        status: Any = lossary.main(arguments, prog_name="lossary", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        if isinstance(error, click.exceptions.NoArgsIsHelpError):
            error.show()
        else:
            language = refusal.language_in(sys.argv[1:] if arguments is None else arguments)
            print(refusal.told(error, language), file=sys.stderr)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        print("\nInterrupted.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        status = _reader_left()
    except OSError as error:
        print(_told(error), file=sys.stderr)
        status = _reader_left(2)
    return status if isinstance(status, int) else 0


def _told(error: OSError) -> str:
    reason = error.strerror or str(error)
    if error.filename is not None:
        return f"lossary: {error.filename}: {reason}"
    # A stream has no file name: it is what the output goes to, a full disk say.
    return (
        f"lossary: cannot write the output: {reason}\n"
        "  fix: send the output to a place that can take it, and run the command again"
    )


def main() -> NoReturn:
    """Entry point of the ``lossary`` program."""
    try:
        status = run()
        # All is said and done. While Python clears up, Ctrl-C would end the process by the
        # raw signal, and a finished run would look like a killed one.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:  # a second one, while the first was being told, or a late one
        status = 130
    sys.exit(status)
