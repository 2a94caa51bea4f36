"""An explanation: numbers first; text, page and figure are made from them when asked for."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lossary.explain.as_json import text_of
from lossary.explain.numbers import (
    Classification,
    Concentration,
    Count,
    HardExample,
    Interval,
    LossBin,
    Regression,
)

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Explanation:
    """What a loss means, measured on predictions and targets.

    ``value`` is what the loss itself returns (for ``reduction="none"``, the mean of its items), and
    ``mean`` its mean over the examples that count, by their weights. Of ``classification`` and
    ``regression`` one is there and the other None. ``sentences()`` says the most important of it,
    ``print`` shows it all, a notebook draws it, ``figure()`` makes a picture, ``save`` a page.
    """

    loss: str
    reduction: str
    value: float
    mean: float
    interval: Interval | None
    count: Count
    concentration: Concentration | None
    hardest: tuple[HardExample, ...]
    histogram: tuple[LossBin, ...]
    classification: Classification | None
    regression: Regression | None
    language: str = "en"

    def sentences(self, language: str | None = None) -> list[str]:
        """Three to eight sentences, the most important first."""
        from lossary.explain.sentences import sentences
        from lossary.explain.words import Words

        return sentences(self, Words(language or self.language))

    def into(self, language: str) -> Explanation:
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
        """A matplotlib figure."""
        from lossary.explain.figure import figure

        return figure(self)

    def save(self, path: str | Path) -> Path:
        """Write one self-contained page and return its path."""
        from lossary.explain.page import save

        return save(self, Path(path))

    def __str__(self) -> str:
        from lossary.explain.text import plain

        return plain(self)

    def _repr_html_(self) -> str:
        from lossary.explain.html import fragment

        return fragment(self)

    def __rich__(self) -> Any:
        from lossary.explain.text import rich

        return rich(self)
