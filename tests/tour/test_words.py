"""Two languages that say the same things: same keys, same blanks, both complete."""

import re
import string

import pytest

from lossary.tour.fonts import KOREAN_FONTS
from lossary.tour.gallery import description
from lossary.tour.results import Tour
from lossary.tour.svg import label_words
from lossary.tour.words import LANGUAGES, Words, catalogue, default_language

TERMS = {
    "교차 엔트로피": "step.cross_entropy.title",
    "소프트맥스": "step.softmax.title",
    "로짓": "step.softmax.idea",
    "KL 발산": "step.kl_divergence.title",
    "엔트로피": "step.entropy.title",
    "자기정보량": "step.self_information.title",
    "손실 함수": "lead",
}


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_same_keys_in_the_same_order() -> None:
    assert list(catalogue("en")) == list(catalogue("ko"))


@pytest.mark.parametrize("key", catalogue("en"))
def test_texts_fill_the_same_blanks_and_are_not_empty(key: str) -> None:
    english, korean = (catalogue(language)[key] for language in LANGUAGES)
    assert english.strip()
    assert korean.strip()
    if not key.endswith(".alt"):  # a description may name its number in one language only
        assert blanks(english) == blanks(korean)


def test_english_has_no_korean_letters_and_sentences_are_translated() -> None:
    for key, english in catalogue("en").items():
        assert not re.search("[가-힣]", english), key
        if len(english) > 12:
            assert re.search("[가-힣]", catalogue("ko")[key]), key


@pytest.mark.parametrize(("term", "key"), TERMS.items())
def test_terms_of_the_field(term: str, key: str) -> None:
    assert term in catalogue("ko")[key]


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


@pytest.mark.parametrize("language", LANGUAGES)
def test_descriptions_name_the_number_that_the_plot_marks(found: Tour, language: str) -> None:
    assert "0.6730" in description("entropy", found, Words(language))
    assert "0.4204" in description("sigmoid", found, Words(language))


def test_labels_fall_back_to_english_with_one_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lossary.tour.svg.korean_font", lambda: None)
    with pytest.warns(UserWarning, match="apt install fonts-nanum") as caught:
        assert label_words(Words("ko")).language == "en"
    assert len(caught) == 1
    assert label_words(Words("en")).language == "en"


def test_labels_stay_korean_where_a_font_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lossary.tour.svg.korean_font", lambda: KOREAN_FONTS[0])
    assert label_words(Words("ko")).language == "ko"
