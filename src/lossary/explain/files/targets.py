"""Targets of a file: names become numbers of classes, and shapes those that the loss takes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lossary.core.errors import OptionError
from lossary.explain.files import faults
from lossary.explain.words import Words

TRUTHS = ("false", "true")
OVER_CLASSES = ("cross_entropy", "nll_loss", "kl_div")

Numbered = Callable[[Any, int], Tensor]


def numbered(
    path: Path, words: Words, names: tuple[str, ...], column: str, first: str
) -> Numbered | None:
    """What makes numbers of a column of words that begins with ``first``; None without names."""
    if first.lower() in TRUTHS and not set(TRUTHS) <= {name.lower() for name in names}:
        places = {word: k for k, truth in enumerate(TRUTHS) for word in _spelled(truth)}
    else:
        places = {word: k for k, name in enumerate(names) for word in _spelled(name)}
        # Names that differ in their capitals alone mean what is written.
        places |= {name: k for k, name in enumerate(names)}
    if not places:
        return None

    def numbers(values: Any, start: int) -> Tensor:
        found = np.fromiter((places.get(str(v).strip(), -1) for v in values), np.int64)
        if len(found) and found.min() < 0:
            row = int((found < 0).argmax())
            word = str(values[row]).strip()
            told = {"names": ", ".join(names[:10] or TRUTHS), "name": column}
            why = "file.why_name" if word else "file.why_missing"
            raise faults.refuse(words, path, start + row + 1, word, why, **told)
        return torch.from_numpy(found)

    return numbers


def _spelled(name: str) -> tuple[str, ...]:
    """A name, and a truth as other programs write it."""
    if name.lower() not in TRUTHS:
        return (name,)
    return name, name.lower(), name.title(), name.upper()


def check_names(words: Words, names: tuple[str, ...], width: int) -> None:
    """As many names as classes; one column has two, no and yes."""
    classes = max(2, width)
    if names and len(names) != classes:
        raise OptionError(words("file.class_names", names=len(names), classes=classes))


def fitted(words: Words, loss: str, x: Tensor, target: Tensor) -> Tensor:
    """The targets in the shape in which the loss takes them beside its prediction."""
    shape, rest = tuple(x.shape), tuple(x.shape[2:])
    if loss not in OVER_CLASSES:
        takes = {shape: shape}
        # One column more or less: a vector beside a table of one column.
        takes |= {(len(x), 1): shape, (len(x),): shape} if x.numel() == len(x) else {}
    else:
        takes = {shape: shape}
        if loss != "kl_div":
            takes |= {(len(x), 1, *rest): (len(x), *rest), (len(x), *rest): (len(x), *rest)}
    found = takes.get(tuple(target.shape))
    if found is None:
        told = {"prediction": _shown(shape), "target": _shown(tuple(target.shape))}
        wanted = " / ".join(dict.fromkeys(map(_shown, takes.values())))
        raise OptionError(words("file.shapes", loss=loss, wanted=wanted, **told))
    return target.reshape(found)


def _shown(shape: tuple[int, ...]) -> str:
    return "(" + ", ".join(["n", *map(str, shape[1:])]) + ")"
