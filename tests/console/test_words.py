"""Two languages that say the same things, in every room: same keys, same blanks, both complete."""

import re
import string

import pytest

from lossary.console.words import LANGUAGES, catalogue, default_language

ROOMS = ("lossary.console", "lossary.tour", "lossary.bench", "lossary.explain")
TEXTS = [(room, key) for room in ROOMS for key in catalogue(room, "en")]


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("room", ROOMS)
def test_same_keys_in_the_same_order(room: str) -> None:
    assert list(catalogue(room, "en")) == list(catalogue(room, "ko"))


@pytest.mark.parametrize(("room", "key"), TEXTS)
def test_texts_fill_the_same_blanks_and_are_not_empty(room: str, key: str) -> None:
    english, korean = (catalogue(room, language)[key] for language in LANGUAGES)
    assert english.strip()
    assert korean.strip()
    if not key.endswith(".alt"):  # a description may name its number in one language only
        assert blanks(english) == blanks(korean)


@pytest.mark.parametrize("room", ROOMS)
def test_english_has_no_korean_letters_and_sentences_are_translated(room: str) -> None:
    for key, english in catalogue(room, "en").items():
        assert not re.search("[가-힣]", english), key
        only_names = not re.search("[a-z]", re.sub("{.*?}", "", english))
        if len(english) > 12 and english != "torch.compile" and not only_names:
            assert re.search("[가-힣]", catalogue(room, "ko")[key]), key


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "ko_KR.UTF-8"}, "ko"),
        ({"LANG": "ko"}, "ko"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "ko_KR.UTF-8", "LC_ALL": "en_US.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "ko_KR.UTF-8"}, "ko"),
        ({"LANG": "ko_KR.UTF-8", "LC_ALL": ""}, "ko"),
        ({"LANG": "C.UTF-8"}, "en"),
    ],
)
def test_default_language(environment: dict[str, str], language: str) -> None:
    assert default_language(environment) == language
