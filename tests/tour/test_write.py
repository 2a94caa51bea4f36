"""A page is written whole or not at all, and a wrong place is told before the work."""

import os
from pathlib import Path

import pytest

from lossary.console.optional import MissingExtraError, need
from lossary.console.words import LANGUAGES
from lossary.tour.words import Words
from lossary.tour.write import OutputError, prepare, write_whole

WORDS = Words("en")


def test_page_is_written_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "tour.html"
    write_whole(path, "한국어\n", WORDS)
    assert path.read_text(encoding="utf-8") == "한국어\n"
    assert list(tmp_path.iterdir()) == [path]


def test_others_may_read_the_page(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_whole(tmp_path / "tour.html", "", WORDS)
    finally:
        os.umask(before)
    assert (tmp_path / "tour.html").stat().st_mode & 0o777 == 0o644


def test_interrupted_writing_keeps_the_old_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tour.html"
    path.write_text("old", encoding="utf-8")

    def interrupted(source: str, target: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, "new", WORDS)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_full_disk_keeps_the_old_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "tour.html"
    path.write_text("old", encoding="utf-8")

    def full(source: str, target: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OutputError, match="No space left on device"):
        write_whole(path, "new", WORDS)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_directory_where_the_page_goes(tmp_path: Path, language: str) -> None:
    (tmp_path / "tour.html").mkdir()
    with pytest.raises(OutputError, match=r"tour\.html(is| is|이).*(directory|디렉터리)"):
        prepare(tmp_path, Words(language))


def test_directories_are_made(tmp_path: Path) -> None:
    prepare(tmp_path / "a" / "b", WORDS)
    assert not list((tmp_path / "a" / "b").iterdir())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("below", [(), ("deeper",)])
def test_a_file_in_the_way(tmp_path: Path, below: tuple[str, ...], language: str) -> None:
    file = tmp_path / "taken"
    file.touch()
    with pytest.raises(OutputError, match=r"(?s)taken.*fix: --out|taken.*고치는 방법: --out"):
        prepare(file.joinpath(*below), Words(language))


def test_a_place_that_may_not_be_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*arguments: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refused)
    with pytest.raises(OutputError, match=r"cannot write there \(Permission denied\)"):
        prepare(tmp_path, WORDS)


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("mpmath", 'pip install "lossary[tour]"'),
        ("sklearn.datasets", 'pip install "lossary[tour]"'),
        ("matplotlib.figure", 'pip install "lossary[plot]"'),
    ],
)
def test_missing_library_names_the_line_that_installs_it(
    module: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name.split(".")[0])

    monkeypatch.setattr("lossary.console.optional.import_module", missing)
    with pytest.raises(MissingExtraError) as told:
        need(module)
    assert line in str(told.value)
    # Not everybody installs from an index: the project's own folder does as well.
    for words in map(Words, LANGUAGES):
        message = told.value.told(words)
        assert line in message
        assert line.replace("lossary[", ".[") in message
    assert "설치" in told.value.told(Words("ko"))


def test_a_fault_inside_a_library_is_not_called_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise ModuleNotFoundError("No module named 'scipy'", name="scipy")

    monkeypatch.setattr("lossary.console.optional.import_module", broken)
    with pytest.raises(ModuleNotFoundError, match="scipy"):
        need("sklearn.datasets")
