"""How explanations are shown: in a terminal, in a notebook, as JSON, as a page, as a figure."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch

from lossary.explain import Explanation, explain

EXPECTED = Path(__file__).parent / "expected"


def small(language: str = "en", smoothing: float = 0.1) -> Explanation:
    x = torch.tensor([[3.0, 0.5, -1.0], [0.2, 1.5, 0.1], [2.5, -0.5, 0.0], [0.0, 0.3, 2.0]] * 8)
    y = torch.tensor([0, 1, 1, 2] * 8)
    return explain("cross_entropy", x, y, label_smoothing=smoothing, language=language,
                   class_names=("cat", "dog", "<owl>"))  # fmt: skip


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_text_is_the_expected_one(language: str) -> None:
    path = EXPECTED / f"classes.{language}.txt"
    assert str(small(language)) + "\n" == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_text_of_quantities_is_the_expected_one(language: str) -> None:
    t = torch.arange(40.0)
    found = explain("mse_loss", t + torch.tensor([0.5, -0.5, 1.0, 0.0] * 10), t, language=language)
    path = EXPECTED / f"quantities.{language}.txt"
    assert str(found) + "\n" == path.read_text(encoding="utf-8")


def test_the_notebook_shows_it_scoped_still_and_safe() -> None:
    shown = small()._repr_html_()
    assert "<script" not in shown
    assert "&lt;owl&gt;" in shown
    assert "<owl>" not in shown
    style = re.search("<style>(.*?)</style>", shown, re.DOTALL)
    assert style is not None
    rules = re.sub(r"/\*.*?\*/", "", style.group(1), flags=re.DOTALL)
    for selector in re.findall(r"([^{}]+)\{", rules):
        assert all(".lossary-explain" in part for part in selector.split(",")), selector
    assert "#" not in rules  # no colour of its own


def test_json_and_dictionary_hold_every_number() -> None:
    found = small()
    whole = json.loads(found.to_json())
    assert whole["schema_version"] == 1
    assert whole["value"] == found.value
    assert whole["classification"]["baselines"]["kl_nats"] > 0
    assert whole["sentences"] == found.sentences()


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_page_stands_alone(language: str, tmp_path: Path) -> None:
    path = small(language).save(tmp_path / "report.html")
    page = path.read_text(encoding="utf-8")
    assert f'<html lang="{language}">' in page
    assert "<svg" in page
    links = re.findall(r"""(?:src|href)=["']([^"']+)""", page)
    assert all(link.startswith("#") for link in links)
    assert not re.search(r"url\((?!#)", page)


def test_the_figure_belongs_to_nobody() -> None:
    figure = small().figure()
    assert len([axes for axes in figure.axes if axes.axison]) == 5
    matplotlib = pytest.importorskip("matplotlib.pyplot")
    assert not matplotlib.get_fignums()
