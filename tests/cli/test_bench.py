"""``lossary bench`` end to end: streams, files, exit status, interruption, wrong use."""

import csv
import json
import os
import pty
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lossary.cli import run
from tests.cli.process import COMMAND, environment, lossary
from tests.cli.test_tour import interruptible

# One small point: what is tested is the command, not a number.
TINY = ("bench", "--loss", "cross_entropy", "--rows", "8", "--vocab", "40", "--rounds", "1")
QUICKLY = (*TINY, "--without", "compile")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """One run with everything."""
    folder = tmp_path_factory.mktemp("bench")
    files = ("--csv", str(folder / "b.csv"), "--figure", str(folder / "b.svg"))
    arguments = (*QUICKLY, "--threads", "1", "--json", "--lang", "ko", *files)
    return lossary(*arguments, LOSSARY_KERNELS="blocks"), folder


def test_stdout_holds_one_object(
    made: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    done, folder = made
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert set(report) == {
        "schema_version",
        "command",
        "language",
        "machine",
        "suite",
        "device",
        "points",
        "conclusions",
        "notes",
    }
    assert (report["schema_version"], report["command"]) == (1, "bench")
    assert report["machine"]["threads"] == 1
    assert report["machine"]["kernels"] == "blocks"
    assert isinstance(report["notes"], list)
    assert set(report["machine"]) >= {"processor", "cores", "gpu", "system", "python", "torch"}
    (point,) = report["points"]
    assert (point["rows"], point["vocabulary"], point["gradient_bytes"]) == (8, 40, 1280)
    names = [row["contender"] for row in point["contenders"]]
    assert names == ["lossary", "torch", "liger", "floor"]
    assert "어휘 40개" in report["conclusions"][0]
    assert done.stderr.splitlines() == [
        f"저장했습니다: {folder / name}" for name in ("b.csv", "b.svg")
    ]


def test_files_are_whole_and_nothing_is_left_beside_them(
    made: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    _, folder = made
    assert sorted(path.name for path in folder.iterdir()) == ["b.csv", "b.svg"]
    with (folder / "b.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert [line["contender"] for line in lines] == ["lossary", "torch", "liger", "floor"]
    assert {line["kernels"] for line in lines} == {"blocks"}
    assert (folder / "b.svg").read_text(encoding="utf-8").rstrip().endswith("</svg>")


def everything(terminal: int) -> bytes:
    """What is written to a terminal until its other end is closed."""
    read = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # how Linux says that the other end is closed
            return read
        if not part:
            return read
        read += part


def test_the_table_on_a_terminal_of_any_kind() -> None:
    """Bars on stderr, where a person watches; stdout stays plain."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *QUICKLY, "--lang", "en"],
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        encoding="utf-8",
        env=environment(
            NO_COLOR="1", TERM="xterm-256color", COLUMNS="90", LOSSARY_KERNELS="formula"
        ),
    )
    os.close(theirs)
    # Read all along: a terminal that nobody reads fills up, and who writes to it waits.
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(everything, ours)
        output, _ = process.communicate(timeout=120)
        errors = reading.result(timeout=10)
    os.close(ours)
    assert process.returncode == 0
    assert "\x1b" not in output
    assert re.search(r"^  Lossary +[\d.,]+ +[\d.,]+ ", output, re.MULTILINE)
    assert "cross-entropy at vocabulary 40: Lossary takes" in output
    # Nobody is explained who takes no part, and nothing is 0.0 MB large.
    assert "torch in 64 MB is" not in output
    assert "matrix products" not in output
    assert "logits 1.3 kB" in output
    assert "LOSSARY_KERNELS=formula" in output
    shown = errors.decode()
    assert "8 x 40" in shown
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", shown)


@pytest.mark.parametrize("moment", ["while libraries load", "while a step is measured"])
def test_interrupted_is_130_without_a_traceback_or_a_file(moment: str, tmp_path: Path) -> None:
    arguments = ["bench", "--rows", "64", "--vocab", "4000", "--rounds", "100000"]
    without = ["--without", "compile", "--without", "chunked_auto"]
    process = subprocess.Popen(
        interruptible(*arguments, *without, "--csv", str(tmp_path / "b.csv")),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment(),
    )
    assert process.stdout is not None
    if moment == "while libraries load":
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.7)
    else:
        assert "torch" in process.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=1.0)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.strip() == "Interrupted."
    assert not list(tmp_path.iterdir())


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What is said to a wrong use, which must end before anything is measured."""
    assert run(["bench", *arguments]) == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    return streams.err


@pytest.fixture(autouse=True)
def nothing_is_measured(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "capsys" in request.fixturenames:

        def never(*arguments: object) -> None:
            raise AssertionError("measured")

        monkeypatch.setattr("lossary.bench.run.run", never)


@pytest.mark.parametrize(
    ("arguments", "came", "fix"),
    [
        (("--vocab", "8k"), "--vocab 8k: these are not whole", "--vocab 8000,32000"),
        (("--vocab", "1"), "fewer than two classes", "--vocab 8000,32000"),
        (("--suite", "shapes", "--rows", "4"), "--rows: --suite shapes has", "leave out --rows"),
        (("--suite", "scale", "--quick"), "--quick: --suite scale has", "leave out --quick"),
        (("--csv", ""), "--csv: this is an empty name", "--csv FILE"),
        (("--csv", "/dev/null"), "no ordinary file", "another name"),
        (("--csv", "."), "no ordinary file", "a name inside it"),
        (("--csv", "no/such/b.csv"), "there is no folder no/such", "make the folder"),
        (("--figure", "b.pdf"), "--figure b.pdf", "--figure b.svg"),
        (("--csv", "b.svg", "--figure", "b.svg"), "both name", "another name"),
        (("--suite", "shapes", "--figure", "b.svg"), "no curve", "leave out --figure"),
        (("--device", "cuda"), "sees no GPU", "--device cpu"),
    ],
)
def test_wrong_use_teaches(
    arguments: tuple[str, ...],
    came: str,
    fix: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    said = refused(capsys, *arguments, "--lang", "en")
    assert came in said
    assert "expected: " in said
    assert fix in said.split("fix: ")[1]
    korean = refused(capsys, *arguments, "--lang", "ko")
    assert "기대한 것: " in korean
    assert "해결: " in korean
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told_before(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    tmp_path.chmod(0o500)
    assert "cannot write there" in refused(capsys, "--csv", str(tmp_path / "b.csv"))


def test_without_matplotlib_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name.split(".")[0])

    monkeypatch.setattr("lossary.console.optional.import_module", missing)
    for language, told in (("en", "is not installed"), ("ko", "설치되어 있지 않습니다")):
        said = refused(capsys, "--figure", str(tmp_path / "b.svg"), "--lang", language)
        assert told in said
        assert 'pip install "lossary[plot]"' in said


@pytest.mark.parametrize(
    ("arguments", "english", "korean"),
    [
        (("--rounds", "0"), "'0' is not a whole number of 1 or more", "1 이상의 정수"),
        (("--threads", "x"), "'x' is not a whole number of 1 or more", "1 이상의 정수"),
        (("--rows", "2.5"), "'2.5' is not a whole number", "1 이상의 정수"),
        (("--dtype", "float64"), "one of float32, bfloat16, float16", "가운데 하나가 아닙니다"),
        (("--loss", "mse"), "Invalid value for '--loss'", "'--loss'의 값이"),
        (("--rouds", "3"), "no option --rouds. Did you mean --rounds", "혹시 --rounds"),
        (("--rows",), "--rows needs a value after it", "--rows 뒤에 값이"),
        (("--quick=3",), "--quick takes no value", "--quick에는 값을"),
        (("more", "and"), "than the command takes: more and", "더 있습니다: more and"),
    ],
)
def test_a_command_line_that_cannot_be_read(
    arguments: tuple[str, ...], english: str, korean: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(capsys, "--lang=en", *arguments)
    assert english in said
    assert "Error: " in said
    told = refused(capsys, "--lang=ko", *arguments)
    assert korean in told
    assert "오류: " in told
    # What is left of the Latin letters are names, not sentences.
    assert not re.search("[A-Za-z]+ [a-z]+ [a-z]+ [a-z]+", told)
    if "Usage: lossary bench" in said:
        assert told.startswith("사용법: lossary bench [OPTIONS]\n도움말: lossary bench --help\n\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bech", "--lang", "ko"], "오류: bech 명령은 없습니다."),
        (["bech"], "Error: There is no command bech."),
        (
            ["bench", "--lang", "fr"],
            "Error: Invalid value for '--lang': 'fr' is not one of en, ko.",
        ),
    ],
)
def test_commands_and_languages_that_are_none(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("command", ["bench", "tour"])
def test_kernels_that_are_none_are_told_before_anything_runs(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOSSARY_KERNELS", "bogus")
    assert run([command, "--lang", "en"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("LOSSARY_KERNELS=bogus: there are no such kernels.\n  expected: ")
    assert "fix: unset LOSSARY_KERNELS" in said.err
    assert run([command, "--lang", "ko"]) == 2
    assert "이런 커널은 없습니다.\n  기대한 것: fused, blocks" in capsys.readouterr().err


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    from lossary.bench.places import check
    from lossary.bench.words import Words

    (tmp_path / "link.csv").symlink_to(tmp_path / "there.csv")
    assert check("--csv", str(tmp_path / "link.csv"), Words("en")) == tmp_path / "there.csv"


@pytest.mark.slow
def test_a_machine_without_a_compiler_is_measured_all_the_same() -> None:
    """Where there is no C++ compiler, torch.compile's place says so, and the rest is measured."""
    nowhere = {"CXX": "/nowhere/c++", "TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1"}
    done = lossary(*TINY, "--without", "liger", "--json", **nowhere)
    assert done.returncode == 0, done.stderr
    rows = {row["contender"]: row for row in json.loads(done.stdout)["points"][0]["contenders"]}
    assert rows["compile"]["status"] == "does_not_compile"
    assert rows["compile"]["detail"]
    assert rows["torch"]["status"] == "measured"
    assert sys.executable not in done.stdout
