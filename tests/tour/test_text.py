"""The tour in a terminal: aligned, readable without colour, in both languages."""

import ast
import io
import re
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console, Group

from lossary.console import layout
from lossary.console.words import LANGUAGES, catalogue
from lossary.tour import text, text_results
from lossary.tour.digits import number
from lossary.tour.given_code import GIVEN
from lossary.tour.results import Tour
from lossary.tour.text_code import Code, wrap
from lossary.tour.text_figure import figure as shown_figure
from lossary.tour.words import Words


def told(found: Tour, words: Words, width: int, *, color: bool = False) -> str:
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=color, highlight=False, markup=False)
    steps = [text.step(words, order, step) for order, step in enumerate(found.steps, 1)]
    trainings = [text_results.training(words, training) for training in found.trainings]
    parts = [text.opening(words), *steps, text_results.training_opening(words), *trainings]
    ends = [text_results.repairs(words, found.repairs), text_results.summary(words, found)]
    layout.tell(console, Group(*parts, *ends))
    return file.getvalue()


@pytest.mark.parametrize("width", [60, 80, 120])
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


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_training_is_explained(found: Tour, language: str) -> None:
    output = told(found, Words(language), 100)
    assert output.count("lossary.explain") == len(found.trainings)
    told_words = " ".join(output.split())
    for training in found.trainings:
        sentences = training.explanation.sentences(language)
        assert len(sentences) >= 3
        for sentence in sentences:
            assert f"• {sentence}" in told_words


def test_columns_of_a_figure_are_aligned(found: Tour) -> None:
    figure = next(f for f in found.figures if f.topic == "kl_coin")
    for language in LANGUAGES:
        file = io.StringIO()
        layout.tell(Console(file=file, width=100), shown_figure(Words(language), figure))
        rows = file.getvalue().splitlines()[1:5]
        starts = {cell_len(row[: row.index("0.0204")]) for row in rows}
        assert len(starts) == 1


def test_a_figure_that_differs_says_so_in_words(found: Tour) -> None:
    figure = next(f for f in found.figures if f.topic == "mse")
    wrong = replace(figure.answers["lossary"], values=(1.8,), comes_out=False)
    broken = replace(figure, answers={**figure.answers, "lossary": wrong})
    file = io.StringIO()
    layout.tell(Console(file=file, width=100), shown_figure(Words("en"), broken))
    assert "differs: expected 1.7011" in file.getvalue()
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
    assert number(value) == shown


def pieces(found: Tour) -> list[str]:
    """All code of the tour."""
    figures = [answer.code for f in found.figures for answer in f.answers.values()]
    repairs = [code for repair in found.repairs for _, code in repair.calls]
    return [*figures, *repairs, *GIVEN.values()]


@pytest.mark.parametrize("width", [36, 47, 56, 72])
def test_code_is_broken_only_where_python_lets_it(found: Tour, width: int) -> None:
    for code in filter(None, pieces(found)):
        assert ast.dump(ast.parse("\n".join(wrap(code, width)))) == ast.dump(ast.parse(code))


@pytest.mark.parametrize("width", [56, 72])
def test_code_fits_without_a_cut(found: Tour, width: int) -> None:
    for code in pieces(found):
        assert all(len(line) <= width for line in wrap(code, width))


@pytest.mark.parametrize("width", [60, 80])
def test_no_name_is_cut(found: Tour, width: int) -> None:
    output = told(found, Words("en"), width)
    for code in pieces(found):
        for name in re.findall(r"[A-Za-z_][\w.]*", code):
            assert re.search(rf"(?<!\w){re.escape(name)}(?![\w])", output), name


def test_a_blank_in_a_text_is_no_place_to_break() -> None:
    assert wrap("print('one two three four five')", 20) == [
        "print(",
        "    'one two three four five')",
    ]


def test_only_what_no_line_can_hold_is_cut() -> None:
    file = io.StringIO()
    Console(file=file, width=10).print(Code("abcdefghijklm"))
    assert file.getvalue() == "abcdefghij\nklm\n"


def test_what_every_name_is_stands_with_its_step(found: Tour) -> None:
    for words in map(Words, LANGUAGES):
        output = told(found, words, 100)
        for code in GIVEN.values():
            assert all(f"    {line}\n" in output for line in code.splitlines())
        assert "examples/loss_functions.ipynb" in output


def test_of_several_numbers_the_first_and_the_last_are_shown(found: Tour) -> None:
    output = told(found, Words("en"), 100)
    assert "by hand  0  1  0  torch.tensor([[1.0 if" in output
    assert "0.0985526830 … 0.113308937" in output
    assert "0 …" not in re.sub(r"\d+\.\d+ …", "", output)


def test_the_study_is_introduced_where_it_is_spoken_of() -> None:
    spoken = {key for key, text in catalogue("lossary.tour", "en").items() if "study" in text}
    assert spoken == {"column_note"}
    assert "a study of these losses in PyTorch" in catalogue("lossary.tour", "en")["column_note"]
    assert not any(
        "원래" in text for text in catalogue("lossary.tour", "ko").values() if "자료" in text
    )
