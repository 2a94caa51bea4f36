"""``--lang``: a language by its code or by a locale's name, however it is written."""

from typing import TYPE_CHECKING, Any

import click

from lossary.console.words import LANGUAGES, language_of

if TYPE_CHECKING:
    Choice = click.Choice[str]
else:
    Choice = click.Choice  # generic from click 8.2 on


class Language(Choice):
    """Takes ``ko``, ``KO``, ``ko_KR`` and ``ko-KR.UTF-8`` for Korean."""

    def __init__(self) -> None:
        super().__init__(LANGUAGES)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The code, or click's own message where there is no such language."""
        code = language_of(str(value))
        return super().convert(code if code in LANGUAGES else value, param, ctx)
