"""What a user wished for, read and checked: wrong use is told before anything is measured."""

from dataclasses import dataclass
from typing import cast

from lossary.bench import points
from lossary.bench.points import Loss, Point
from lossary.bench.words import Words
from lossary.core.errors import OptionError


@dataclass(frozen=True)
class Wishes:
    """The options that say what is measured."""

    suite: str = "vocabulary"
    quick: bool = False
    loss: str = "all"
    vocabulary: str | None = None
    rows: int | None = None
    dtype: str | None = None

    def points(self, words: Words) -> list[Point]:
        """The points, or an error that says what to change."""
        self._check(words)
        losses = points.LOSSES if self.loss == "all" else (cast(Loss, self.loss),)
        if self.suite == "shapes":
            dtypes = (self.dtype,) if self.dtype else ("float32", "bfloat16")
            return points.shapes_suite(losses, dtypes)
        dtype = self.dtype or "float32"
        if self.suite == "scale":
            return points.scale_suite(losses, dtype)
        rows = self.rows or (points.QUICK_ROWS if self.quick else points.ROWS)
        default = points.QUICK_VOCABULARIES if self.quick else points.VOCABULARIES
        sizes = default if self.vocabulary is None else read_sizes(self.vocabulary, words)
        return points.vocabulary_suite(losses, rows, sizes, dtype)

    def _check(self, words: Words) -> None:
        if self.suite == "vocabulary":
            return
        given = {"--vocab": self.vocabulary, "--rows": self.rows, "--quick": self.quick or None}
        for option, value in given.items():
            if value is not None:
                raise OptionError(words("wish.only_vocabulary", option=option, suite=self.suite))


def read_sizes(text: str, words: Words) -> tuple[int, ...]:
    """Sizes of the vocabulary, in growing order, each once.

    >>> read_sizes("32_000,8000,8000", Words("en"))
    (8000, 32000)
    """
    try:
        sizes = sorted({int(part) for part in text.split(",")})
    except ValueError:
        raise OptionError(words("wish.not_sizes", text=text)) from None
    if sizes[0] < 2:
        raise OptionError(words("wish.too_small", text=text))
    return tuple(sizes)
