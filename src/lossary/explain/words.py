"""The explanations' texts."""

from typing import ClassVar

from lossary.console import words


class Words(words.Words):
    """One language's texts.

    >>> Words("ko")("heading.classes")
    '클래스별, 손실이 큰 것부터'
    """

    room: ClassVar[str] = "lossary.explain"
