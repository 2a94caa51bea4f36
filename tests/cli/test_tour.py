"""``lossary tour`` end to end: streams, exit status, interruption, a reader that leaves."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lossary.explain.explanation import SCHEMA_VERSION
from tests.cli.process import COMMAND, environment, lossary


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """One run with everything: Korean, JSON and a page."""
    directory = tmp_path_factory.mktemp("tour") / "made" / "here"
    return lossary("tour", "--json", "--lang", "ko", "--out", str(directory)), directory


@pytest.fixture(scope="module")
def report(made: tuple[subprocess.CompletedProcess[str], Path]) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(made[0].stdout)
    return answer


def test_stdout_holds_one_object_and_stderr_the_rest(
    made: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    done, directory = made
    assert done.returncode == 0
    assert done.stdout.startswith("{")
    assert done.stdout.endswith("}\n")
    assert "\x1b" not in done.stdout + done.stderr
    last = done.stderr.splitlines()[-1]
    assert last == f"페이지를 저장했습니다: {directory / 'tour.html'}"


def test_schema(report: dict[str, Any]) -> None:
    assert report["schema_version"] == 2
    assert report["command"] == "tour"
    assert report["language"] == "ko"
    assert report["passed"] is True
    assert set(report) == {
        "schema_version",
        "command",
        "language",
        "versions",
        "passed",
        "imports",
        "steps",
        "trainings",
        "repairs",
        "page",
    }
    figures = [figure for step in report["steps"] for figure in step["figures"]]
    assert sum(figure["from_study"] for figure in figures) == 20
    for figure in figures:
        assert figure["comes_out"] is True
        assert set(figure["answers"]) == {"by_hand", "lossary", "torch", "exact"}
        assert re.search("[가-힣0-9]", figure["title"])
    assert [t["data"] for t in report["trainings"]] == ["breast_cancer", "digits", "diabetes"]
    assert all(repair["lossary_is_right"] for repair in report["repairs"])


def test_trainings_are_explained_as_the_explain_command_does(report: dict[str, Any]) -> None:
    for training in report["trainings"]:
        explanation = training["explanation"]
        assert explanation["schema_version"] == SCHEMA_VERSION
        assert explanation["value"] == pytest.approx(training["held_out_loss"], rel=1e-5)
        assert explanation["language"] == "ko"
        assert all(re.search("[가-힣]", sentence) for sentence in explanation["sentences"])
    digits = report["trainings"][1]["explanation"]
    assert digits["loss"] == "cross_entropy"
    assert len(digits["classification"]["per_class"]) == 10


def test_numbers_beyond_json_are_strings(report: dict[str, Any]) -> None:
    (impossible,) = (
        figure
        for step in report["steps"]
        for figure in step["figures"]
        if figure["topic"] == "kl_impossible"
    )
    assert impossible["answers"]["lossary"]["values"] == ["inf"]


def test_page_is_there_and_korean(
    made: tuple[subprocess.CompletedProcess[str], Path], report: dict[str, Any]
) -> None:
    _, directory = made
    assert [path.name for path in directory.iterdir()] == ["tour.html"]
    html = (directory / "tour.html").read_text(encoding="utf-8")
    assert html.startswith("<!doctype html>")
    assert '<html lang="ko">' in html
    assert "소프트맥스" in html
    assert report["page"] == str(directory / "tour.html")


def test_out_that_is_a_file_is_2_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    done = lossary("tour", "--json", "--out", str(tmp_path / "taken"))
    assert done.returncode == 2
    assert done.stdout == ""
    assert "this is a file, not a directory" in done.stderr
    assert "fix: --out" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_leaves_is_no_failure() -> None:
    """Like ``lossary tour | head -1``: quiet, and not the status of a failed check."""
    process = subprocess.Popen(
        [*COMMAND, "tour"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment(),
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 0
    assert errors == ""


def test_a_terminal_of_no_width_and_no_letters_gets_all_the_same() -> None:
    """COLUMNS=0 is a terminal that does not know its width; ASCII has no check mark."""
    done = lossary("tour", COLUMNS="0", PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "  ok 20 of 20 figures" in done.stdout
    # Only what one letter became several letters for may stand out a little.
    assert 70 < max(map(len, done.stdout.splitlines())) < 90
    assert "H(p) = -sum p_k log p_k" in done.stdout


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full device here")
def test_a_full_disk_behind_stdout_is_2() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, "tour", "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
            timeout=120,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.startswith("lossary: cannot write the output: No space left on device\n")


@pytest.mark.parametrize(
    ("moment", "status"), [("after the run", 0), ("when run raises", 130)], ids=str
)
def test_a_late_interrupt_is_no_raw_signal(moment: str, status: int) -> None:
    """Ctrl-C while Python clears up must not end the process by the signal itself."""
    kill = "os.kill(os.getpid(), signal.SIGINT)"
    late = {
        "after the run": f"atexit.register(lambda: {kill}); cli.run = lambda: 0",
        "when run raises": f"cli.run = lambda: {kill}",
    }[moment]
    code = (
        "import atexit, os, signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"from lossary import cli\n{late}\ncli.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env=environment(), check=False
    )
    assert done.returncode == status
    assert done.stderr == b""


def interruptible(*arguments: str) -> list[str]:
    """A command that hears Ctrl-C even where the tests were started in the background."""
    code = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL);"
        f"os.execv(sys.executable, {[*COMMAND, *arguments]!r})"
    )
    return [sys.executable, "-c", code]


@pytest.mark.parametrize("moment", ["while libraries load", "while the tour is told"])
def test_interrupted_is_130_without_a_traceback(moment: str) -> None:
    process = subprocess.Popen(
        interruptible("tour"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment(),
    )
    if moment == "while libraries load":
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.7)
    else:
        assert process.stdout is not None
        process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.strip() == "Interrupted."


def test_on_a_terminal_there_are_bars_on_stderr_and_no_colour_if_unwanted() -> None:
    """A real terminal for stderr only: bars appear there, and stdout stays plain."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "tour", "--lang", "en"],
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        encoding="utf-8",
        env=environment(NO_COLOR="1", TERM="xterm-256color", COLUMNS="100"),
    )
    os.close(theirs)
    output, _ = process.communicate(timeout=120)
    errors = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # how Linux says that a terminal's other end is closed
            break
        if not part:
            break
        errors += part
    os.close(ours)
    assert process.returncode == 0
    assert "\x1b" not in output
    assert "20 of 20 figures come out digit for digit" in output
    shown = errors.decode()
    assert "training: digits" in shown
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", shown)
