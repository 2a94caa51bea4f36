"""Code in a terminal: lines break only where Python lets them, so that what is shown runs."""

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

HANG = 4


class Code:
    """Lines of code, as wide as the place they are put in."""

    def __init__(self, code: str) -> None:
        self.code = code

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the lines."""
        for line in wrap(self.code, options.max_width):
            for part in fold(line, options.max_width):
                yield Text(part, style="cyan", no_wrap=True)


def wrap(code: str, width: int) -> list[str]:
    """Code with lines of at most ``width`` letters where that needs no cut inside a name.

    Breaks are at blanks inside brackets, else after an opening bracket: both leave Python
    as it was.

    >>> wrap("loss = nn.MSELoss()(prediction, target)", 32)
    ['loss = nn.MSELoss()(prediction,', '    target)']
    >>> wrap("torch.distributions.Categorical", 10)
    ['torch.distributions.Categorical']
    """
    return [part for line in code.splitlines() for part in _wrapped(line, width)]


def _wrapped(line: str, width: int) -> Iterator[str]:
    places = list(_places(line))
    start, hang = 0, ""
    while len(hang) + len(line) - start > width:
        at = _best(places, start, width - len(hang))
        if at is None:
            break
        yield hang + line[start:at].rstrip()
        start, hang = at, " " * HANG
    yield hang + line[start:]


def _best(places: list[tuple[int, bool]], start: int, room: int) -> int | None:
    """The last blank that fits, else the last bracket that does, else the next of either."""
    left = [(at, blank) for at, blank in places if at > start]
    # The blank itself goes away at the break, so it need not fit.
    fitting = [(blank, at) for at, blank in left if at - blank - start <= room]
    if fitting:
        return max(fitting)[1]
    return left[0][0] if left else None


def _places(line: str) -> Iterator[tuple[int, bool]]:
    """Where the next line may start, and whether a blank stands before that place."""
    depth, quote = 0, ""
    for at, letter in enumerate(line, 1):
        if quote or letter in "'\"":
            quote = "" if letter == quote else quote or letter
        elif letter in "([{":
            depth += 1
            if line[at : at + 1] not in ")]}":
                yield at, False
        elif letter in ")]}":
            depth -= 1
        elif letter == " " and depth:
            yield at, True


def fold(line: str, width: int) -> list[str]:
    """The last resort for a name that is longer than the whole line."""
    return [line[at : at + width] for at in range(0, len(line), width)] or [""]
