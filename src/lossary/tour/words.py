"""The tour's texts."""

from typing import ClassVar

from lossary.console import words


class Words(words.Words):
    """One language's texts.

    >>> Words("ko")("way.by_hand")
    '손으로'
    >>> Words("en")("numbers", count=3)
    '3 numbers'
    """

    room: ClassVar[str] = "lossary.tour"
