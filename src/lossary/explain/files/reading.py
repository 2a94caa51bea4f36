"""A file and a wish become a loss, its settings and a source of blocks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lossary.core.errors import OptionError
from lossary.explain.asking import Asked, asked
from lossary.explain.files import arrays, columns, faults, tabular
from lossary.explain.files.wish import REGRESSION, Found, Wish, default_loss
from lossary.explain.source import BLOCK_ENTRIES, Block, Source
from lossary.explain.words import Words

Tell = Callable[[int], None]


@dataclass(frozen=True)
class Reading:
    """What is explained, where its blocks come from, and what the file calls its classes."""

    question: Asked
    source: Source
    class_names: tuple[str, ...]


def reading(
    paths: tuple[Path, ...], wish: Wish, names: tuple[str, ...], words: Words, tell: Tell
) -> Reading:
    """Open the files; ``tell`` hears of every block how many rows it had."""
    wish.check(words)
    path = paths[0]
    ending = path.suffix.lower()
    if ending in tabular.ENDINGS and len(paths) == 1:
        pieces, found, width = _of_table(path, wish, names, words)
    elif ending in arrays.ENDINGS:
        pieces, found, width = _of_arrays(paths, wish, words)
    else:
        known = ", ".join((*tabular.ENDINGS, *arrays.ENDINGS))
        raise OptionError(words("file.ending", path=path, known=known))
    loss = wish.loss or default_loss(found.kind, width)
    settings = {} if wish.ignore_index is None else {"ignore_index": wish.ignore_index}
    question = asked(loss, **settings)
    _check_kind(question, found, width, words)
    start_over = _checked(pieces, question, found, str(path), words, tell)
    return Reading(question, Source(start_over), names or found.class_names)


Pieces = Callable[[], Iterator[tuple[Tensor, Tensor]]]


def _of_table(
    path: Path, wish: Wish, names: tuple[str, ...], words: Words
) -> tuple[Pieces, Found, int]:
    table = tabular.Table(path, words)
    found = columns.find(wish, table.columns, str(path), words)
    names = names or found.class_names
    by_name = len(found.target) == 1 and not _is_number(table.first(found.target[0]))
    if by_name:
        table.texts = found.target
        if not names:
            raise OptionError(words("file.words", path=path, column=found.target[0]))

    def pieces() -> Iterator[tuple[Tensor, Tensor]]:
        start = 0
        for batch in table.batches(tuple(dict.fromkeys(found.prediction + found.target))):
            x = tabular.stacked(batch, found.prediction)
            if by_name:
                t = _numbered(batch[found.target[0]], names, words, path, start)
            else:
                t = tabular.stacked(batch, found.target)
            start += len(x)
            yield x, t

    return pieces, found, len(found.prediction)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text == ""
    return True


def _numbered(
    values: "np.ndarray[tuple[int, ...], np.dtype[np.object_]]",
    names: tuple[str, ...],
    words: Words,
    path: Path,
    start: int,
) -> Tensor:
    places = {name: place for place, name in enumerate(names)}
    found = np.fromiter((places.get(str(v), -1) for v in values), np.int64, len(values))
    if (found < 0).any():
        at = int((found < 0).argmax())
        known = ", ".join(names[:10])
        raise faults.refuse(
            words, path, start + at + 1, str(values[at]), "file.why_name", names=known
        )
    return torch.from_numpy(found)


def _of_arrays(paths: tuple[Path, ...], wish: Wish, words: Words) -> tuple[Pieces, Found, int]:
    there = arrays.arrays_of(paths[0], words)
    if len(paths) > 1:
        found = Found(_kind(wish), ("",), ("",))
        x = _only(paths[0], there, words)
        t = _only(paths[1], arrays.arrays_of(paths[1], words), words)
    else:
        found = columns.find(wish, list(there), str(paths[0]), words)
        x, t = there[found.prediction[0]], there[found.target[0]]
    if not x.shape or not t.shape or x.shape[0] != t.shape[0]:
        raise OptionError(words("file.lengths", prediction=x.shape, target=t.shape))
    entries = int(np.prod(x.shape[1:], dtype=np.int64)) or 1
    step = max(1, BLOCK_ENTRIES // entries)
    width = x.shape[1] if len(x.shape) > 1 else 1

    def pieces() -> Iterator[tuple[Tensor, Tensor]]:
        for a, b in zip(x.pieces(step), t.pieces(step), strict=True):
            yield a.double(), b

    return pieces, found, width


def _kind(wish: Wish) -> str:
    for kind in ("probs", "prediction"):
        if getattr(wish, kind) is not None:
            return kind
    return "prediction" if wish.loss in REGRESSION else "logits"


def _only(path: Path, there: dict[str, arrays.Array], words: Words) -> arrays.Array:
    if len(there) != 1:
        raise OptionError(words("file.not_alone", path=path, names=", ".join(there)))
    return next(iter(there.values()))


def _check_kind(question: Asked, found: Found, width: int, words: Words) -> None:
    """Whether this loss can take this kind of prediction."""
    name, kind = question.name, found.kind
    if name == "linear_cross_entropy":
        raise OptionError(words("file.no_layer"))
    takes = {
        "cross_entropy": ("logits", "probs"),
        "nll_loss": ("logits", "probs"),
        "kl_div": ("logits", "probs"),
        "binary_cross_entropy": ("probs",),
        "binary_cross_entropy_with_logits": ("logits",),
    }.get(name, ("prediction",))
    if kind not in takes:
        wanted = " / ".join(f"--{kind}" for kind in takes)
        raise OptionError(words("file.kind", loss=name, option=f"--{kind}", wanted=wanted))
    if name in ("cross_entropy", "nll_loss", "kl_div") and width < 2:
        raise OptionError(words("file.one_column", loss=name))


def _checked(
    pieces: Pieces, question: Asked, found: Found, path: str, words: Words, tell: Tell
) -> Callable[[], Iterator[Block]]:
    """Blocks whose values have been looked at, as the loss takes them."""
    name = question.name
    ignored = question.settings.get("ignore_index")
    over_classes = name in ("cross_entropy", "nll_loss", "kl_div")

    def blocks() -> Iterator[Block]:
        start = 0
        for x, t in pieces():
            faults.check_prediction(words, path, start, found.kind, x, over_classes)
            if over_classes and found.kind == "probs":
                x = x.log()
            if over_classes and t.shape != x.shape:
                no_class = -100 if ignored is None else int(ignored)
                t = faults.check_classes(words, path, start, t, x.shape[1], no_class)
            elif over_classes or name.startswith("binary"):
                t = t.double().reshape(x.shape)
                faults.check_probabilities(words, path, start, t)
            else:
                faults.check_finite(words, path, start, t)
                t = t.double().reshape(x.shape)
            start += len(x)
            tell(len(x))
            yield Block(x, t)

    return blocks
