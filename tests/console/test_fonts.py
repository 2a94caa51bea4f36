"""A font installed after matplotlib's first run is found; one that is gone is not."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from lossary.console import fonts
from lossary.console.optional import need


class Manager:
    """Matplotlib's list of fonts, remembered from an earlier run."""

    def __init__(self, remembered: list[SimpleNamespace]) -> None:
        self.ttflist = remembered
        self.read: list[str] = []

    def addfont(self, path: str) -> None:
        self.read.append(path)
        if "broken" in path:
            raise RuntimeError("not a font")
        self.ttflist.append(SimpleNamespace(name="NanumGothic", fname=path))


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Manager:
    """A system with a Korean font, a broken file and a Latin font; nothing remembered."""
    names = ("NanumGothic.ttf", "NanumGothic-broken.ttf", "Latin.ttf")
    for name in names:
        (tmp_path / name).touch()
    manager = Manager([])
    paths = [str(tmp_path / name) for name in names]
    module = SimpleNamespace(fontManager=manager, findSystemFonts=lambda: paths)
    monkeypatch.setattr("lossary.console.fonts.need", lambda name: module)
    return manager


def test_a_fresh_font_is_found_and_others_are_not_read(installed: Manager) -> None:
    assert fonts.korean_font.__wrapped__() == "NanumGothic"
    assert not any("Latin" in path for path in installed.read)


def test_a_remembered_font_saves_the_search(installed: Manager, tmp_path: Path) -> None:
    here = str(tmp_path / "Latin.ttf")
    installed.ttflist.append(SimpleNamespace(name="UnDotum", fname=here))
    assert fonts.korean_font.__wrapped__() == "UnDotum"
    assert not installed.read


def test_a_remembered_font_that_is_gone_does_not_count(installed: Manager) -> None:
    installed.ttflist.append(SimpleNamespace(name="UnDotum", fname="/gone/UnDotum.ttf"))
    assert fonts.korean_font.__wrapped__() == "NanumGothic"


def test_no_font_is_no_error(installed: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lossary.console.fonts.candidates", lambda paths: [])
    assert fonts.korean_font.__wrapped__() is None


def test_matplotlib_has_what_the_search_needs() -> None:
    manager = need("matplotlib.font_manager")
    assert callable(manager.findSystemFonts)
    assert all(hasattr(font, "fname") for font in manager.fontManager.ttflist)
