"""Texts in English and Korean: a room keeps two catalogues with the same keys."""

import json
import os
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import ClassVar, Self

LANGUAGES = ("en", "ko")


class Words:
    """One language's texts of a room; each room derives its own, with its name in ``room``."""

    room: ClassVar[str]

    def __init__(self, language: str) -> None:
        self.language = language
        self._texts = catalogue(self.room, language)

    def __call__(self, key: str, **values: object) -> str:
        """The text of a key, with its values filled in."""
        return self._texts[key].format(**values)

    def get(self, key: str) -> str:
        """The text of a key, or nothing where there is none, as for optional notes."""
        return self._texts.get(key, "")

    def into(self, language: str) -> Self:
        """The same room's texts in another language."""
        return type(self)(language)


@cache
def catalogue(room: str, language: str) -> Mapping[str, str]:
    """All texts of a room in a language, by key."""
    path = files(room).joinpath("locale", f"{language}.json")
    texts: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return texts


def default_language(environment: Mapping[str, str] = os.environ) -> str:
    """Korean where the locale says so, else English; POSIX's order of precedence.

    >>> default_language({"LANG": "ko_KR.UTF-8"})
    'ko'
    >>> default_language({"LANG": "ko_KR.UTF-8", "LC_ALL": "C"})
    'en'
    """
    chosen = next(filter(None, (environment.get(k) for k in ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    language = language_of(chosen)
    return language if language in LANGUAGES else "en"


def language_of(locale: str) -> str:
    """The language in a locale's name.

    >>> language_of("ko_KR.UTF-8"), language_of("KO"), language_of("en-GB")
    ('ko', 'ko', 'en')
    """
    return re.split("[-_.@]", locale.strip())[0].lower()
