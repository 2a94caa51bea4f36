"""Choices on a command line, refused in its language; of ``--lang``, by any name of a locale."""

from typing import TYPE_CHECKING, Any

import click

from lossary.console.refusal import BadValue
from lossary.console.words import LANGUAGES, language_of

if TYPE_CHECKING:
    Choice = click.Choice[str]
else:
    Choice = click.Choice  # generic from click 8.2 on


class OneOf(Choice):
    """One of some names."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name, or an error that lists them."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            choices = ", ".join(self.choices)
            raise BadValue(param, "not_one_of", value=repr(value), choices=choices) from None


class Language(OneOf):
    """Takes ``ko``, ``KO``, ``ko_KR`` and ``ko-KR.UTF-8`` for Korean."""

    def __init__(self) -> None:
        super().__init__(LANGUAGES)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The code, or an error where there is no such language."""
        code = language_of(str(value))
        return super().convert(code if code in LANGUAGES else value, param, ctx)
