"""Finding a Korean font: matplotlib remembers fonts from its first run, the system knows now."""

import os
import warnings
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from lossary.console.optional import need
from lossary.console.words import Words

SomeWords = TypeVar("SomeWords", bound=Words)

KOREAN_FONTS = (
    "Noto Sans CJK KR",
    "Noto Sans KR",
    "NanumGothic",
    "Nanum Gothic",
    "NanumBarunGothic",
    "Malgun Gothic",
    "Apple SD Gothic Neo",
    "AppleGothic",
    "UnDotum",
    "Baekmuk Dotum",
    # Of a collection matplotlib reads the first face only; this one's has Korean letters too.
    "Noto Sans CJK JP",
)
# How the files of these fonts are named, without blanks, hyphens and capitals.
_FILES = (
    "notosanscjk",
    "notosanskr",
    "nanumgothic",
    "nanumbarungothic",
    "malgun",
    "applesdgothicneo",
    "applegothic",
    "undotum",
    "dotum",
)


def label_words(words: SomeWords) -> SomeWords:
    """The language of a plot's labels: English, with one warning, without a Korean font."""
    if words.language == "ko" and korean_font() is None:
        warnings.warn(words("plot.no_font"), stacklevel=2)
        return words.into("en")
    return words


@cache
def korean_font() -> str | None:
    """An installed font with Korean letters, if there is one.

    The system is asked only where matplotlib's remembered list has none, and only files with
    a known name are read: both are cheap.
    """
    fonts = need("matplotlib.font_manager")
    return _known(fonts.fontManager) or _fresh(fonts)


def _known(manager: Any) -> str | None:
    # A remembered font may be gone by now.
    installed = {font.name for font in manager.ttflist if os.path.exists(font.fname)}
    return next((name for name in KOREAN_FONTS if name in installed), None)


def _fresh(fonts: Any) -> str | None:
    for path in candidates(fonts.findSystemFonts()):
        try:
            fonts.fontManager.addfont(path)
        except (OSError, RuntimeError, ValueError):
            continue  # a file that matplotlib cannot read is no font for it
    return _known(fonts.fontManager)


def candidates(paths: Iterable[str]) -> list[str]:
    """The files that may hold a Korean font, by their names.

    >>> candidates(["/f/NotoSansCJK-Regular.ttc", "/f/DejaVuSans.ttf", "/f/NanumGothic.ttf"])
    ['/f/NanumGothic.ttf', '/f/NotoSansCJK-Regular.ttc']
    """

    def plain(path: str) -> str:
        return Path(path).stem.lower().replace("-", "").replace("_", "").replace(" ", "")

    return sorted(path for path in paths if plain(path).startswith(_FILES))
