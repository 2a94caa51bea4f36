"""docs/speed.md is what its tool writes from the tables that are committed."""

import csv
import re
from pathlib import Path

import pytest

from tools import speed_page

TABLES = sorted(speed_page.RESULTS.glob("*.csv"))


def test_the_page_is_the_tools() -> None:
    assert speed_page.PAGE.read_text(encoding="utf-8") == speed_page.page(), "run: make speed-page"


def test_every_figure_is_there_and_none_is_left_over() -> None:
    page = speed_page.PAGE.read_text(encoding="utf-8")
    shown = set(re.findall(r"images/(speed_\w+)\.svg", page))
    assert shown
    assert shown == {path.stem for path in speed_page.IMAGES.glob("speed_*.svg")}
    assert shown == set(speed_page.figures())


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.name)
def test_every_table_names_the_machine_and_not_its_owner(path: Path) -> None:
    with path.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert lines
    for line in lines:
        assert line["processor"]
        assert int(line["cores"]) > 0
        assert line["torch"].startswith("2.")
        assert re.fullmatch(r"\w+ [\d.]+ \w+", line["system"])
        assert not any("/home" in text or "/work" in text for text in line.values())


def test_a_device_without_tables_is_not_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speed_page, "RESULTS", tmp_path)
    assert speed_page.page().count("Not measured.") == 8
    assert speed_page.figures() == {}
