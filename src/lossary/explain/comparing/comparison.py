"""A comparison of losses: numbers first; text, notebook and figure are made when asked for."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from lossary.explain.as_json import text_of

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Cared:
    """An example, counted from 0, and what share of a loss's gradient it has."""

    index: int
    gradient_share: float


@dataclass(frozen=True)
class OneLoss:
    """One of the losses.

    ``cumulative`` is what share of the gradient the 0, 10, ..., 100 % of the examples have that
    have most of it; ``cares`` names the first of them.
    """

    name: str
    value: float
    gradient_norm: float
    without_gradient: int
    cumulative: tuple[float, ...]
    cares: tuple[Cared, ...]


@dataclass(frozen=True)
class Pair:
    """Two losses: the cosine of their gradients, None if one has none.

    ``shared`` is how many of the tenth of the examples that the one minds most the other does too.
    """

    first: str
    second: str
    cosine: float | None
    shared: float


@dataclass(frozen=True)
class Comparison:
    """Several losses on the same predictions."""

    examples: int
    losses: tuple[OneLoss, ...]
    pairs: tuple[Pair, ...]
    language: str = "en"

    def sentences(self, language: str | None = None) -> list[str]:
        """What matters most, first."""
        from lossary.explain.comparing.telling import sentences
        from lossary.explain.words import Words

        return sentences(self, Words(language or self.language))

    def into(self, language: str) -> Comparison:
        """The same in another language: "en" or "ko"."""
        return dataclasses.replace(self, language=language)

    def to_dict(self) -> dict[str, Any]:
        """All numbers, and the sentences, as one dictionary of plain values."""
        numbers = dataclasses.asdict(self)
        return {"schema_version": SCHEMA_VERSION, **numbers, "sentences": self.sentences()}

    def to_json(self, *, indent: int | None = 2) -> str:
        """The same as JSON; what JSON has no number for is "Infinity", "-Infinity" or "NaN"."""
        return text_of(self.to_dict(), indent)

    def figure(self) -> Any:
        """A matplotlib figure: cosines of the gradients, and how they are shared out."""
        from lossary.explain.comparing.figure import figure

        return figure(self)

    def __str__(self) -> str:
        from lossary.explain.text import as_letters

        return as_letters(self.__rich__())

    def _repr_html_(self) -> str:
        from lossary.explain.comparing.telling import fragment

        return fragment(self)

    def __rich__(self) -> Any:
        from lossary.explain.comparing.telling import rich

        return rich(self)
