"""Names and patterns, matched against what a file holds."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from lossary.core.errors import OptionError
from lossary.explain.files.wish import GUESSES, KINDS, Found, Wish
from lossary.explain.words import Words


def matched(pattern: str, there: Sequence[str]) -> tuple[str, ...]:
    """The names that a list of names and patterns means, each part in the file's order.

    >>> matched("logit_*,bias", ["y", "logit_b", "logit_a", "bias"])
    ('logit_b', 'logit_a', 'bias')
    """
    found: list[str] = []
    for part in filter(None, (part.strip() for part in pattern.split(","))):
        whole = [name for name in there if name == part]
        found += whole or [name for name in there if fnmatchcase(name, part)]
    return tuple(dict.fromkeys(found))


def find(wish: Wish, there: Sequence[str], path: str, words: Words) -> Found:
    """Where prediction and target are; an error lists what there is."""
    target = _named("target", wish.target, there, path, words)
    kind = next((kind for kind in KINDS if getattr(wish, kind) is not None), None)
    if kind is not None:
        prediction = _named(kind, getattr(wish, kind), there, path, words)
    else:
        kind, prediction = _guessed_kind(there, target, path, words)
    names = class_names(getattr(wish, kind), kind, prediction)
    # Numbers are told by their size: sorted as words, 10 would stand before 2.
    if names and sorted(names) == sorted(map(str, range(len(names)))):
        prediction = tuple(prediction[names.index(str(k))] for k in range(len(names)))
        names = tuple(map(str, range(len(names))))
    return Found(kind, prediction, target, names)


def class_names(given: str | None, kind: str, prediction: tuple[str, ...]) -> tuple[str, ...]:
    """What the star of a pattern stands for, where the columns are told apart by it.

    >>> class_names("logit_*", "logits", ("logit_cat", "logit_dog"))
    ('cat', 'dog')
    """
    patterns = [given] if given is not None else list(GUESSES[kind])
    if len(prediction) < 2:
        return ()
    for pattern in patterns:
        before, star, after = pattern.partition("*")
        if star and all(fnmatchcase(name, pattern) for name in prediction):
            names = [name[len(before) : len(name) - len(after)].strip("_- ") for name in prediction]
            if all(names):
                return tuple(names)
    return ()


def _named(
    what: str, given: str | None, there: Sequence[str], path: str, words: Words
) -> tuple[str, ...]:
    for pattern in [given] if given is not None else GUESSES[what]:
        found = matched(pattern, there)
        if found:
            return found
    shown = ", ".join(there[:20]) + (", ..." if len(there) > 20 else "")
    key = "file.no_column" if given is not None else "file.not_guessed"
    raise OptionError(words(key, path=path, option=f"--{what}", pattern=given or "", names=shown))


def _guessed_kind(
    there: Sequence[str], target: tuple[str, ...], path: str, words: Words
) -> tuple[str, tuple[str, ...]]:
    left = [name for name in there if name not in target]
    for kind in KINDS:
        for pattern in GUESSES[kind]:
            found = matched(pattern, left)
            if found:
                return kind, found
    shown = ", ".join(there[:20]) + (", ..." if len(there) > 20 else "")
    options = " / ".join(f"--{kind}" for kind in KINDS)
    raise OptionError(words("file.not_guessed", path=path, option=options, pattern="", names=shown))
