"""The page stands alone: one file, no script, no request, a name for every picture."""

import re
from html import escape
from html.parser import HTMLParser

import pytest

from lossary.console.fonts import korean_font
from lossary.console.words import LANGUAGES
from lossary.tour.gallery import gallery
from lossary.tour.given import draw
from lossary.tour.given_code import GIVEN, IMPORTS
from lossary.tour.page import page
from lossary.tour.results import Tour
from lossary.tour.svg import INK
from lossary.tour.words import Words

VOID = {"meta", "br", "hr", "img", "link", "input"}


class Reader(HTMLParser):
    """Collects what the page holds and checks that every element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture(scope="module", params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def html(found: Tour, language: str) -> str:
    words = Words(language)
    if language == "ko" and korean_font() is None:
        with pytest.warns(UserWarning, match="fonts-nanum"):
            return page(found, gallery(found, draw(), words), words)
    return page(found, gallery(found, draw(), words), words)


@pytest.fixture(scope="module")
def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert not reader.open
    return reader


def test_nothing_comes_from_elsewhere(read: Reader, html: str) -> None:
    assert not {tag for tag, _ in read.tags} & {"script", "link", "iframe", "object", "embed"}
    for _, attributes in read.tags:
        for name in ("src", "href", "xlink:href", "srcset", "action", "data", "poster"):
            assert (attributes.get(name) or "#").startswith("#")
        assert not any(name.startswith("on") for name in attributes)
    assert "url(http" not in html
    assert "@import" not in html
    assert "//" not in html.replace("<!doctype html>", "").split("<body>")[1]


def test_language_title_and_headings(read: Reader, language: str) -> None:
    assert read.tags[0] == ("html", {"lang": language})
    assert [tag for tag, _ in read.tags].count("h1") == 1
    assert [tag for tag, _ in read.tags].count("h2") == 10
    assert Words(language)("title") in read.text


def test_every_picture_and_formula_has_a_text(read: Reader) -> None:
    pictures = [a for tag, a in read.tags if tag == "svg"]
    assert len(pictures) == 10
    for attributes in pictures:
        assert attributes["role"] == "img"
        assert len(attributes["aria-label"] or "") > 30
    formulas = [a for tag, a in read.tags if tag == "math"]
    assert len(formulas) == 8
    assert all(a["alttext"] for a in formulas)


def test_ids_are_unique_and_links_lead_somewhere(read: Reader) -> None:
    ids = [a["id"] for _, a in read.tags if "id" in a]
    assert len(ids) == len(set(ids))
    for _, attributes in read.tags:
        for name in ("href", "xlink:href"):
            if name in attributes:
                assert (attributes[name] or "").removeprefix("#") in ids


def test_light_and_dark(html: str) -> None:
    assert "color-scheme: light dark" in html
    assert "prefers-color-scheme: dark" in html
    assert INK not in html
    assert "currentColor" in html


def test_figures_are_on_the_page(read: Reader, found: Tour) -> None:
    text = " ".join(read.text)
    for number in ("0.42035338282585144", "33.8456", "2.3930", "1.7011", "-0.9629"):
        assert number in text
    tables = [tag for tag, _ in read.tags].count("table")
    # The tables of an explanation are each behind a heading of their own.
    tables -= [tag for tag, _ in read.tags].count("details")
    assert tables == len(found.figures) + len(found.trainings) + len(found.repairs)


def test_every_training_is_explained(read: Reader, html: str, found: Tour, language: str) -> None:
    elements = [a for tag, a in read.tags if a.get("class") == "lossary-explain"]
    assert [a["lang"] for a in elements] == [language] * len(found.trainings)
    for training in found.trainings:
        for sentence in training.explanation.sentences(language):
            assert f"<li>{escape(sentence)}</li>" in html
    # One style sheet for all of them, and none in the text.
    assert html.count("<style>") == 1
    assert ".lossary-explain table {" in html


def test_page_is_the_same_every_time(found: Tour, language: str, html: str) -> None:
    words = Words(language)
    if language == "en":
        assert page(found, gallery(found, draw(), words), words) == html


def test_every_figure_has_a_caption_in_the_pages_language(read: Reader, html: str) -> None:
    tags = [tag for tag, _ in read.tags]
    assert tags.count("figcaption") == tags.count("figure") == 10
    captions = re.findall("<figcaption>(.*?)</figcaption>", html)
    assert len(set(captions)) == 10
    assert all(len(caption) > 20 for caption in captions)
    assert "binary_cross_entropy_with_logits" in captions[-1]


def test_only_the_steps_are_numbered(read: Reader, html: str) -> None:
    assert [number for number in re.findall(r"<h2>(\d+)\.", html)] == list("12345678")
    assert sum(a.get("class") == "plain" for tag, a in read.tags if tag == "li") == 2
    assert "nav li.plain { list-style: none; }" in html


def test_code_scrolls_in_its_own_box(html: str) -> None:
    assert re.search(r"\npre {[^}]*white-space: pre;[^}]*overflow-x: auto", html)


def test_page_says_what_every_name_is_and_where_the_notebook_is(read: Reader) -> None:
    text = "".join(read.text)
    for code in (IMPORTS, *GIVEN.values()):
        assert code in text
    assert "examples/loss_functions.ipynb" in text
