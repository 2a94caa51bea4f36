"""The tour in a terminal: aligned, readable without colour, in both languages."""

import io
import re
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console, Group

from lossary.tour import text, text_results
from lossary.tour.results import Tour
from lossary.tour.words import LANGUAGES, Words


def told(found: Tour, words: Words, width: int, *, color: bool = False) -> str:
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=color, highlight=False, markup=False)
    steps = [text.step(words, order, step) for order, step in enumerate(found.steps, 1)]
    trainings = [text_results.training(words, training) for training in found.trainings]
    parts = [text.opening(words), *steps, text_results.training_opening(words), *trainings]
    ends = [text_results.repairs(words, found.repairs), text_results.summary(words, found)]
    text.tell(console, Group(*parts, *ends))
    return file.getvalue()


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("language", LANGUAGES)
def test_lines_fit_and_are_plain(found: Tour, language: str, width: int) -> None:
    output = told(found, Words(language), width)
    assert "\x1b" not in output
    for line in output.splitlines():
        assert cell_len(line) <= width, line
        assert line == line.rstrip()


def test_every_figure_and_way_is_shown(found: Tour) -> None:
    output = told(found, Words("en"), 100)
    for figure in ("0.42035338282585144", "0.6730", "33.8456", "2.3930", "1.7011", "2.3407"):
        assert figure in output
    assert output.count("by hand  ") == len(found.figures)
    assert output.count("    exact    ") >= len(found.figures)
    assert "20 of 20 figures come out digit for digit" in output
    assert "1e-30" in output


def test_korean(found: Tour) -> None:
    output = told(found, Words("ko"), 100)
    assert "교차 엔트로피: 정답 클래스의 놀라움" in output
    assert output.count("정확한 값") >= len(found.figures)
    assert "값 20개 가운데 20개가 마지막 자리까지 똑같음" in output


def test_columns_of_a_figure_are_aligned(found: Tour) -> None:
    figure = next(f for f in found.figures if f.topic == "kl_coin")
    for language in LANGUAGES:
        file = io.StringIO()
        text.tell(Console(file=file, width=100), text.figure(Words(language), figure))
        rows = file.getvalue().splitlines()[1:5]
        starts = {cell_len(row[: row.index("0.0204")]) for row in rows}
        assert len(starts) == 1


def test_a_figure_that_differs_says_so_in_words(found: Tour) -> None:
    figure = next(f for f in found.figures if f.topic == "mse")
    wrong = replace(figure.answers["lossary"], values=(1.8,), comes_out=False)
    broken = replace(figure, answers={**figure.answers, "lossary": wrong})
    file = io.StringIO()
    text.tell(Console(file=file, width=100), text.figure(Words("en"), broken))
    assert "differs: the study prints 1.7011" in file.getvalue()
    assert "Lossary  DIFFERS" in file.getvalue()


def test_no_color_drops_colour_and_keeps_words(
    found: Tour, monkeypatch: pytest.MonkeyPatch
) -> None:
    colored = told(found, Words("en"), 100, color=True)
    assert re.search(r"\x1b\[[0-9;]*3[0-7]m", colored)
    monkeypatch.setenv("NO_COLOR", "1")
    plain = told(found, Words("en"), 100, color=True)
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", plain)
    assert "✓" in plain


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (6.0, "6"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
        (0.020410955, "0.0204109550"),
        (-1.2665987e-07, "-1.26659870e-07"),
    ],
)
def test_number(value: float, shown: str) -> None:
    assert text.number(value) == shown
