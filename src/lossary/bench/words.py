"""The benchmark's texts."""

from typing import ClassVar

from lossary.console import words


class Words(words.Words):
    """One language's texts.

    >>> Words("ko")("contender.floor")
    '하한'
    """

    room: ClassVar[str] = "lossary.bench"
