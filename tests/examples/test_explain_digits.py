"""The digits example: it trains what it says, and pages show what commands print."""

import csv
import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
import torch

import lossary
import lossary.nn as nn
from tools import explain_pages

ROOT = Path(__file__).resolve().parents[2]
PAGES = {"en": ROOT / "docs" / "explain.md", "ko": ROOT / "docs" / "explain.ko.md"}


@pytest.fixture(scope="module")
def example() -> Any:
    spec = importlib.util.spec_from_file_location(
        "explain_digits", ROOT / "examples" / "explain_digits.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_training_anew_gives_such_scores(
    example: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, page = tmp_path / "digits.csv", tmp_path / "digits.html"
    assert example.main(["--csv", str(table), "--page", str(page), "--lang", "ko"]) == 0
    assert "교차 엔트로피" in capsys.readouterr().out
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    with table.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    assert head == [*(f"logit_{k}" for k in range(10)), "target"]
    scores = torch.tensor([[float(cell) for cell in row[:-1]] for row in rows])
    labels = torch.tensor([int(row[-1]) for row in rows])
    kept_scores, kept_labels = explain_pages.predictions()
    assert torch.equal(labels, kept_labels)
    loss = nn.CrossEntropyLoss()
    # A training's digits move with the processor; how good it is does not.
    assert loss(scores, labels).item() == pytest.approx(loss(kept_scores, labels).item(), rel=0.1)
    assert (scores.argmax(1) == labels).double().mean() > 0.95


def test_what_is_held_out_is_never_trained_on(example: Any) -> None:
    digits = example.load()
    assert len(digits.held_out_y) == 450
    seen = {tuple(image) for image in digits.x.tolist()}
    assert not any(tuple(image) in seen for image in digits.held_out_x.tolist())


def test_a_place_that_cannot_be_written_to_is_2(
    example: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert example.main(["--csv", str(tmp_path / "none" / "digits.csv")]) == 2
    assert "error: cannot write" in capsys.readouterr().err


@pytest.mark.parametrize("path", explain_pages.PAGES, ids=lambda path: path.name)
def test_pages_show_what_commands_print(path: Path) -> None:
    page = path.read_text(encoding="utf-8")
    fresh = explain_pages.filled(page)
    assert explain_pages.BLOCK.search(page) is not None
    assert explain_pages.masked(page) == explain_pages.masked(fresh), "run: make explain-pages"


def test_the_picture_is_of_these_predictions(tmp_path: Path) -> None:
    explain_pages.draw(tmp_path / "fresh.svg")
    fresh, kept = (
        path.read_text(encoding="utf-8") for path in (tmp_path / "fresh.svg", explain_pages.PICTURE)
    )
    # Another matplotlib draws letters otherwise, but not another number of elements.
    assert re.findall(r"<(\w+)", fresh) == re.findall(r"<(\w+)", kept), "run: make explain-pages"
    assert "docs/images/explain_digits.svg" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_both_languages_tell_of_the_same_numbers() -> None:
    pages = {language: path.read_text(encoding="utf-8") for language, path in PAGES.items()}
    for pattern in (
        r"^#+ ",  # headings
        r"^- \*\*",  # numbers
        r"^- \*\*.*?\*\* \((.*?)\)",  # their names
        r"\b(?:19|20)\d\d,",  # sources
        r"```(\w+)",  # code
        r"\]\((http[^)]*)\)",  # links
    ):
        found = {lang: re.findall(pattern, page, re.MULTILINE) for lang, page in pages.items()}
        assert found["en"]
        assert found["en"] == found["ko"], pattern


def test_every_number_of_an_explanation_is_told_of() -> None:
    found = explain_pages.explained()
    numbers = found.to_dict()
    names = {*numbers, *numbers["classification"], *numbers["classification"]["baselines"]}
    names |= {*numbers["classification"]["calibration"], *numbers["count"]}
    quantities = lossary.explain("mse_loss", torch.tensor([0.5, 1.0]), torch.tensor([0.0, 2.0]))
    names |= set(quantities.to_dict()["regression"])
    # What is told in the text, not in a name.
    names -= {"schema_version", "loss", "reduction", "language", "sentences", "baselines"}
    for path in PAGES.values():
        page = path.read_text(encoding="utf-8")
        missing = {name for name in names if not re.search(rf"`(?:\w+\.)?{name}`", page)}
        assert not missing, path.name
