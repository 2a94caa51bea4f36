"""What the command line returns, run inside the test: failed checks, missing libraries."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from lossary.cli import run
from lossary.explain import explain
from lossary.tour.results import Baseline, Measured, Repair, Tour, TrainingResult

GOOD = TrainingResult(
    data="diabetes",
    loss_name="MSELoss",
    sizes=(10, 16, 1),
    train_examples=331,
    held_out_examples=111,
    epochs=2,
    curve=(1.0, 0.5),
    train_loss=0.4,
    held_out_loss=0.5,
    torch_held_out_loss=0.5,
    baselines=(Baseline("mean", 1.0),),
    meaning={"explained": 0.5, "typical_error": 57.0, "typical_error_of_mean": 79.0},
    explanation=explain("mse_loss", torch.tensor([0.5, 0.5]), torch.tensor([0.0, 1.0])),
)
HELD = Repair("confident", "code", (Measured("value", torch=0.0, lossary=2.0, exact=2.0),))


@pytest.fixture
def finds(monkeypatch: pytest.MonkeyPatch) -> Callable[[Tour], None]:
    def plant(tour: Tour) -> None:
        monkeypatch.setattr("lossary.tour.guide.take", lambda listener: tour)

    return plant


def test_all_well_is_0(finds: Callable[[Tour], None], capsys: pytest.CaptureFixture[str]) -> None:
    finds(Tour((), (GOOD,), (HELD,)))
    assert run(["tour", "--json", "--lang", "en"]) == 0
    streams = capsys.readouterr()
    assert json.loads(streams.out)["passed"] is True
    assert streams.err == ""


def test_a_failed_check_is_1(
    finds: Callable[[Tour], None], capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = Repair("confident", "code", (Measured("value", torch=0.0, lossary=1.0, exact=2.0),))
    finds(Tour((), (GOOD,), (wrong,)))
    assert run(["tour", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["passed"] is False
    finds(Tour((), (replace(GOOD, held_out_loss=1.1),), (HELD,)))
    assert run(["tour", "--lang", "en"]) == 1
    assert "✗ 0 of 1 trainings" in capsys.readouterr().out


def test_missing_library_is_2_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name.split(".")[0])

    monkeypatch.setattr("lossary.console.optional.import_module", missing)
    assert run(["tour", "--json"]) == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert 'pip install "lossary[tour]"' in streams.err
    assert run(["tour", "--lang", "ko"]) == 2
    assert "설치되어 있지 않습니다" in capsys.readouterr().err


def test_interrupted_is_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(listener: object) -> Tour:
        raise KeyboardInterrupt

    monkeypatch.setattr("lossary.tour.guide.take", interrupted)
    assert run(["tour", "--json"]) == 130
    streams = capsys.readouterr()
    assert streams.out == ""
    assert "Interrupted." in streams.err


def test_language_comes_from_the_environment(
    finds: Callable[[Tour], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    finds(Tour((), (GOOD,), (HELD,)))
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    run(["tour", "--json"])
    assert json.loads(capsys.readouterr().out)["language"] == "ko"
    run(["tour", "--json", "--lang", "en"])
    assert json.loads(capsys.readouterr().out)["language"] == "en"


def test_a_full_disk_behind_stdout_is_2(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def full(listener: object) -> Tour:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lossary.tour.guide.take", full)
    monkeypatch.setattr("lossary.cli._reader_left", lambda status=0: status)
    assert run(["tour", "--json"]) == 2
    errors = capfd.readouterr().err
    assert errors.startswith("lossary: cannot write the output: No space left on device\n  fix: ")
    assert "Errno" not in errors


def test_a_file_that_fails_is_named(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def gone(listener: object) -> Tour:
        raise FileNotFoundError(2, "No such file or directory", "data.csv")

    monkeypatch.setattr("lossary.tour.guide.take", gone)
    monkeypatch.setattr("lossary.cli._reader_left", lambda status=0: status)
    assert run(["tour", "--json"]) == 2
    assert capfd.readouterr().err == "lossary: data.csv: No such file or directory\n"


@pytest.mark.parametrize("language", ["KO", "ko_KR", "ko-KR", "ko_KR.UTF-8", "ko"])
def test_a_language_by_any_of_its_names(
    finds: Callable[[Tour], None], capsys: pytest.CaptureFixture[str], language: str
) -> None:
    finds(Tour((), (GOOD,), (HELD,)))
    assert run(["tour", "--json", "--lang", language]) == 0
    assert json.loads(capsys.readouterr().out)["language"] == "ko"


@pytest.mark.parametrize(("language", "told"), [("en", "empty name"), ("ko", "비어")])
def test_an_empty_out_is_2(capsys: pytest.CaptureFixture[str], language: str, told: str) -> None:
    assert run(["tour", "--out", "", "--lang", language]) == 2
    streams = capsys.readouterr()
    assert told in streams.err
    assert streams.out == ""
