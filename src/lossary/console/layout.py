"""Where text goes in a terminal: its width, its headings, its indentation."""

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

# Lines longer than this are hard to read, however wide the terminal is.
READABLE_WIDTH = 100
# Narrower than this nothing can be laid out: the terminal breaks the lines itself.
NARROWEST = 40
UNKNOWN_WIDTH = 80


def console(*, stderr: bool = False) -> Console:
    """A console; rich drops colour for NO_COLOR, and all styling off a terminal."""
    made = Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=False)
    made.width = readable(made.width)
    return made


def readable(width: int) -> int:
    """The width to write for; a terminal that calls itself 0 wide does not know.

    >>> readable(0), readable(10), readable(72), readable(250)
    (80, 40, 72, 100)
    """
    return min(max(width or UNKNOWN_WIDTH, NARROWEST), READABLE_WIDTH)


def tell(to: Console, part: RenderableType) -> None:
    """Print a part; a file or a pipe gets no blanks at the ends of lines."""
    if to.is_terminal:
        to.print(part)
        return
    with to.capture() as captured:
        to.print(part)
    lines = captured.get().split("\n")
    to.file.write("\n".join(line.rstrip() for line in lines))
    to.file.flush()


def indent(part: RenderableType, by: int) -> Padding:
    """A part moved to the right, without blanks after it."""
    return Padding(part, (0, 0, 0, by), expand=False)


def heading(text: str) -> RenderableType:
    """A rule with a heading on it."""
    return Group(Text(), Rule(Text(f" {text} ", style="bold"), align="left", style="cyan"))
