"""What is told of a command line that cannot be understood, in the language that it asks for."""

import re
from collections.abc import Sequence
from typing import Any, ClassVar

import click

from lossary.console import words
from lossary.console.words import LANGUAGES, default_language, language_of
from lossary.core.errors import OptionError
from lossary.core.level import LEVELS, asked


class Words(words.Words):
    """The texts that all commands share.

    >>> Words("ko")("error", message="")
    '오류: '
    """

    room: ClassVar[str] = "lossary.console"


class BadValue(click.BadParameter):
    """A value that an option does not take, told by the key of a text and what fills it."""

    def __init__(self, param: click.Parameter | None, key: str, **values: object) -> None:
        self.key, self.values = key, values
        super().__init__(Words("en")(key, **values), param=param)


class WholeNumber(click.ParamType):  # type: ignore[type-arg, unused-ignore]  # since click 8.3
    """A whole number of at least so much."""

    name = "whole number"

    def __init__(self, least: int) -> None:
        self.least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number, or an error that says what is one."""
        try:
            number = int(value)
        except ValueError:
            number = self.least - 1
        if number < self.least:
            raise BadValue(param, "not_whole", value=repr(value), least=self.least)
        return number


def language_in(arguments: Sequence[str]) -> str:
    """The language that a command line asks for, even if nothing else of it can be read.

    >>> language_in(["bench", "--lang", "ko", "--rounds"]), language_in(["--lang=en"])
    ('ko', 'en')
    """
    line = " ".join(arguments)
    found = [language_of(name) for name in re.findall(r"--lang[ =](\S+)", line)]
    return found[-1] if found and found[-1] in LANGUAGES else default_language()


def check_kernels(language: str) -> None:
    """Refuse a LOSSARY_KERNELS that names no kernels, before anything runs."""
    if asked() and asked() not in LEVELS:
        levels = ", ".join(LEVELS)
        raise OptionError(Words(language)("kernels", name=asked(), levels=levels))


def told(error: click.ClickException, language: str) -> str:
    """Usage, where to find help, and what is wrong."""
    say = Words(language)
    head = []
    ctx = getattr(error, "ctx", None)
    if ctx is not None:
        usage = re.sub(r"^\S+:\s*", "", ctx.get_usage())
        head = [say("usage", usage=usage), say("help", command=ctx.command_path), ""]
    return "\n".join([*head, say("error", message=_message(error, say))])


def _message(error: click.ClickException, say: Words) -> str:
    message = error.format_message()
    if isinstance(error, BadValue) and error.param is not None:
        return say("value", option=error.param.opts[0], message=say(error.key, **error.values))
    if isinstance(error, click.NoSuchOption):
        near = ", ".join(error.possibilities or ())
        perhaps = " " + say("perhaps", names=near) if near else ""
        return say("no_option", option=error.option_name) + perhaps
    if isinstance(error, click.BadOptionUsage):
        key = "needs_value" if "require" in message else "takes_none"
        return say(key, option=error.option_name)
    # Of these click keeps nothing but the sentence.
    for pattern, key in _SENTENCES.items():
        if found := re.search(pattern, message):
            return say(key, **found.groupdict())
    return message


_SENTENCES = {
    r"^No such command '(?P<command>.*)'": "no_command",
    r"^Got unexpected extra arguments? \((?P<names>.*)\)$": "too_much",
}
