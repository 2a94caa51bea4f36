"""The tour's texts: the terms of the field, the numbers in descriptions, labels without a font."""

import pytest

from lossary.console.fonts import KOREAN_FONTS, label_words
from lossary.console.words import LANGUAGES, catalogue
from lossary.tour.gallery import description
from lossary.tour.results import Tour
from lossary.tour.words import Words

TERMS = {
    "교차 엔트로피": "step.cross_entropy.title",
    "소프트맥스": "step.softmax.title",
    "로짓": "step.softmax.idea",
    "KL 발산": "step.kl_divergence.title",
    "엔트로피": "step.entropy.title",
    "자기정보량": "step.self_information.title",
    "손실 함수": "lead",
}


@pytest.mark.parametrize(("term", "key"), TERMS.items())
def test_terms_of_the_field(term: str, key: str) -> None:
    assert term in catalogue("lossary.tour", "ko")[key]


@pytest.mark.parametrize("language", LANGUAGES)
def test_descriptions_name_the_number_that_the_plot_marks(found: Tour, language: str) -> None:
    assert "0.6730" in description("entropy", found, Words(language))
    assert "0.4204" in description("sigmoid", found, Words(language))


def test_labels_fall_back_to_english_with_one_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lossary.console.fonts.korean_font", lambda: None)
    with pytest.warns(UserWarning, match="apt install fonts-nanum") as caught:
        assert label_words(Words("ko")).language == "en"
    assert len(caught) == 1
    assert label_words(Words("en")).language == "en"


def test_labels_stay_korean_where_a_font_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lossary.console.fonts.korean_font", lambda: KOREAN_FONTS[0])
    assert label_words(Words("ko")).language == "ko"
