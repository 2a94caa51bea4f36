"""What is measured: points, each a loss on tensors of one size, gathered into suites."""

from dataclasses import dataclass
from typing import Literal

Loss = Literal["cross_entropy", "linear_cross_entropy"]
LOSSES: tuple[Loss, ...] = ("cross_entropy", "linear_cross_entropy")
DTYPES = ("float32", "bfloat16", "float16")
# Who takes part, in the order of the table; the first is ours.
CONTENDERS = ("lossary", "torch", "compile", "chunked", "chunked_auto", "liger", "floor")
SUITES = ("vocabulary", "shapes", "scale")
# Sizes of real heads: a small tokenizer's, the usual 32,000, and one of 128,256.
VOCABULARIES = (8_000, 32_000, 128_256)
QUICK_VOCABULARIES = (32_000,)
DOUBLINGS = tuple(2**k for k in range(13, 19))  # 8k to 256k
ROWS, QUICK_ROWS, WIDTH = 1_024, 256, 512
LONG_ROWS = 4_096

SHAPES = (
    (1_024, 32_000),
    (256, 128_256),
    (65_536, 10),
    (20_000, 100),
    (2_000, 1_000),
    (400, 5_000),
    (128, 10),
)
LINEAR_SHAPES = ((1_024, 32_000),)


@dataclass(frozen=True)
class Point:
    """A loss at one size. ``curve`` is what grows along the points it belongs to."""

    loss: Loss
    rows: int
    vocabulary: int
    dtype: str = "float32"
    width: int = 0  # of the linear layer's input; 0 where there is none
    curve: str = "vocabulary"
    timed: bool = True
    exact: bool = True

    @property
    def entry_bytes(self) -> int:
        """Bytes of one number."""
        return 4 if self.dtype == "float32" else 2

    @property
    def logits_bytes(self) -> int:
        """Bytes of all the logits, held or not."""
        return self.rows * self.vocabulary * self.entry_bytes

    @property
    def gradient_bytes(self) -> int:
        """Bytes of the gradients, which whoever computes them must hold."""
        if not self.width:
            return self.logits_bytes
        return (self.rows + self.vocabulary) * self.width * self.entry_bytes

    @property
    def products(self) -> int:
        """Multiplications and additions of forward and backward, matrix products alone."""
        return 6 * self.rows * self.vocabulary * self.width


def contenders(loss: Loss, without: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Who takes part in a loss: chunks are of a linear layer's logits."""
    own = (name for name in CONTENDERS if name not in without)
    return tuple(n for n in own if loss == "linear_cross_entropy" or not n.startswith("chunked"))


def at(loss: Loss, rows: int, vocabulary: int, dtype: str, **more: str | bool) -> Point:
    """A point of a loss; the linear layer has the one width that all of them have."""
    width = WIDTH if loss == "linear_cross_entropy" else 0
    return Point(loss, rows, vocabulary, dtype, width, **more)  # type: ignore[arg-type]


def vocabulary_suite(
    losses: tuple[Loss, ...], rows: int, vocabularies: tuple[int, ...], dtype: str
) -> list[Point]:
    """Every loss at every size of the vocabulary."""
    return [at(loss, rows, size, dtype) for loss in losses for size in vocabularies]


def shapes_suite(losses: tuple[Loss, ...], dtypes: tuple[str, ...]) -> list[Point]:
    """The fixed list: few rows and many, few classes and many, down to a handful."""
    found = []
    if "cross_entropy" in losses:
        found += [at("cross_entropy", *s, d, curve="") for d in dtypes for s in SHAPES]
    if "linear_cross_entropy" in losses:
        found += [at("linear_cross_entropy", *s, "float32", curve="") for s in LINEAR_SHAPES]
    return found


def scale_suite(losses: tuple[Loss, ...], dtype: str) -> list[Point]:
    """Time against rows and against the vocabulary; memory of many tokens' linear loss."""
    found = []
    for loss in losses:
        for rows in (64, 256, 1_024, 4_096):
            found.append(at(loss, rows, 16_384, dtype, curve="rows", exact=False))
        for size in DOUBLINGS:
            found.append(at(loss, QUICK_ROWS, size, dtype, curve="vocabulary", exact=False))
    if "linear_cross_entropy" in losses:
        for size in DOUBLINGS:
            found.append(
                at(
                    "linear_cross_entropy",
                    LONG_ROWS,
                    size,
                    dtype,
                    curve="memory",
                    timed=False,
                    exact=False,
                )
            )
    return found
