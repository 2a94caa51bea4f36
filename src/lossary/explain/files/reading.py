"""A file and a wish become a loss, its settings and a source of blocks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from lossary.core.errors import OptionError
from lossary.explain import source
from lossary.explain.asking import Asked, asked
from lossary.explain.files import arrays, columns, faults, tabular, targets
from lossary.explain.files.wish import KINDS, REGRESSION, Found, Wish, default_loss
from lossary.explain.source import Block, Source
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
    _check_endings(paths, words)
    if tabular.ending(paths[0]) in tabular.ENDINGS:
        pieces, found, width = _of_table(paths[0], wish, names, words)
    else:
        pieces, found, width = _of_arrays(paths, wish, words)
    loss = wish.loss or default_loss(found.kind, width)
    settings = {} if wish.ignore_index is None else {"ignore_index": wish.ignore_index}
    question = asked(loss, **settings)
    _check_kind(question, found, width, words)
    if found.kind != "prediction":
        targets.check_names(words, names, width)
    start_over = _checked(pieces, question, found, paths[0], words, tell)
    return Reading(question, Source(start_over), names or found.class_names)


Pieces = Callable[[], Iterator[tuple[Tensor, Tensor]]]


def _check_endings(paths: tuple[Path, ...], words: Words) -> None:
    known = (*tabular.ENDINGS, *arrays.ENDINGS)
    for path in paths:
        if tabular.ending(path) not in known:
            raise OptionError(words("file.ending", path=path, known=", ".join(known)))
        if len(paths) > 1 and tabular.ending(path) in tabular.ENDINGS:
            raise OptionError(words("file.two_tables", path=path))


def _of_table(
    path: Path, wish: Wish, names: tuple[str, ...], words: Words
) -> tuple[Pieces, Found, int]:
    table = tabular.table_of(path, words)
    found = columns.find(wish, table.columns, str(path), words)
    tabular.check_once(table, found.prediction + found.target, path, words)
    numbered = _by_name(table, path, found, names or found.class_names, words)
    numbers = found.prediction if numbered else found.prediction + found.target
    texts = found.target if numbered else ()

    def pieces() -> Iterator[tuple[Tensor, Tensor]]:
        start = 0
        for batch in table.batches(tuple(dict.fromkeys(numbers)), texts):
            x = tabular.stacked(batch, found.prediction)
            if numbered is None:
                t = tabular.stacked(batch, found.target)
            else:
                t = numbered(batch[found.target[0]], start)
            start += len(x)
            yield x, t

    return pieces, found, len(found.prediction)


def _by_name(
    table: tabular.Table, path: Path, found: Found, names: tuple[str, ...], words: Words
) -> targets.Numbered | None:
    """What makes class numbers of targets that are words; None where they are numbers."""
    if found.kind == "prediction" or len(found.target) != 1:
        return None
    first = table.first(found.target[0])
    if not first or faults.is_number(first):
        return None
    numbered = targets.numbered(path, words, names, found.target[0], first)
    if numbered is None:
        raise OptionError(words("file.words", path=path, column=found.target[0]))
    return numbered


def _of_arrays(paths: tuple[Path, ...], wish: Wish, words: Words) -> tuple[Pieces, Found, int]:
    there = arrays.arrays_of(paths[0], words)
    if len(paths) > 1:
        found = Found(_kind(wish), ("",), ("",))
        x = _only(paths[0], there, words)
        t = _only(paths[1], arrays.arrays_of(paths[1], words), words)
    else:
        if list(there) in ([], [""]):
            raise OptionError(words("file.alone" if there else "file.no_arrays", path=paths[0]))
        found = columns.find(wish, list(there), str(paths[0]), words)
        x, t = there[found.prediction[0]], there[found.target[0]]
    for name, array in ((found.prediction[0], x), (found.target[0], t)):
        if array.pieces is None and array.shape:
            told = {"path": paths[0], "name": name, "kind": array.kind}
            raise OptionError(words("file.not_numbers", **told))
    if not x.shape or not t.shape or x.shape[0] != t.shape[0]:
        raise OptionError(words("file.lengths", prediction=x.shape, target=t.shape))
    width = x.shape[1] if len(x.shape) > 1 else 1
    return _in_pieces(paths, x, t, words), found, width


def _in_pieces(paths: tuple[Path, ...], x: arrays.Array, t: arrays.Array, words: Words) -> Pieces:
    entries = int(np.prod(x.shape[1:], dtype=np.int64)) or 1
    step = max(1, source.BLOCK_ENTRIES // entries)

    def pieces() -> Iterator[tuple[Tensor, Tensor]]:
        assert x.pieces is not None
        assert t.pieces is not None
        with faults.told(words, paths[0]):
            for a, b in zip(x.pieces(step), t.pieces(step), strict=True):
                yield a.double(), b

    return pieces


def _kind(wish: Wish) -> str:
    given = next((kind for kind in KINDS if getattr(wish, kind) is not None), None)
    return given or ("prediction" if wish.loss in REGRESSION else "logits")


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
    if name in targets.OVER_CLASSES and width < 2:
        raise OptionError(words("file.one_column", loss=name))


def _checked(
    pieces: Pieces, question: Asked, found: Found, path: Path, words: Words, tell: Tell
) -> Callable[[], Iterator[Block]]:
    """Blocks whose values have been looked at, as the loss takes them."""
    name = question.name
    ignored = question.settings.get("ignore_index")
    no_class = -100 if ignored is None else int(ignored)
    over_classes = name in targets.OVER_CLASSES

    def blocks() -> Iterator[Block]:
        start = 0
        for x, t in pieces():
            row = faults.Place(words, path, start)
            faults.check_prediction(row, found.kind, x, over_classes)
            t = targets.fitted(words, name, x, t)
            if over_classes and found.kind == "probs":
                x = x.log()
            if over_classes and t.shape != x.shape:
                t = faults.check_classes(row, t, x.shape[1], no_class)
            elif over_classes or name.startswith("binary"):
                t = t.double()
                faults.check_probabilities(row, t, over_classes)
            else:
                t = t.double()
                faults.check_finite(row, t)
            start += len(x)
            tell(len(x))
            yield Block(x, t)
        if not start:
            raise faults.no_rows(words, path)

    return blocks
