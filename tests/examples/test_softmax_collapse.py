"""The study of softmax collapse runs, refuses wrong use, and its pages say what its table says."""

import csv
import importlib
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import mpmath
import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "examples" / "softmax_collapse.py"
RESULTS = ROOT / "examples" / "results" / "softmax_collapse.csv"
FIGURE = ROOT / "docs" / "images" / "softmax_collapse.png"
PAGES = [ROOT / "docs" / f"softmax_collapse{language}.md" for language in ("", ".ko")]
COLUMNS = "run,step,reported_loss,exact_loss,gradient_norm,absorbed,mean_logit,test_accuracy".split(
    ","
)
THEIRS, OURS, STABLEMAX, WIDE = (
    "torch float32",
    "Lossary float32",
    "StableMax float32",
    "torch float64",
)

Table = dict[str, dict[int, dict[str, float]]]


def run(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


def read(path: Path) -> Table:
    """Numbers by run and step."""
    table: Table = {}
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.DictReader(file)
        assert lines.fieldnames == COLUMNS
        for line in lines:
            numbers = {name: float(line[name]) for name in COLUMNS[2:]}
            table.setdefault(line["run"], {})[int(line["step"])] = numbers
    return table


@pytest.fixture(scope="module")
def measured() -> Table:
    return read(RESULTS)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    return importlib.import_module("softmax_collapse")


def test_a_few_steps_give_table_rows_and_figure(tmp_path: Path) -> None:
    done = run("--steps", 25, "--every", 10, "--csv", "rows.csv", "--out", "a.png", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    table = read(tmp_path / "rows.csv")
    assert list(table) == [THEIRS, OURS, STABLEMAX, WIDE]
    assert all(list(steps) == [0, 10, 20, 25] for steps in table.values())
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in tmp_path.iterdir()} == {"rows.csv", "a.png"}
    for name in table:
        assert re.search(rf"^{name} +\d", done.stdout, flags=re.MULTILINE)
        assert f"{name}: 25 steps done" in done.stderr
    assert "do not differ by a factor of ten yet; torch's absorbs nothing" in done.stdout
    assert "\r" not in done.stderr
    # Same weights and pairs: the first loss of all runs of a softmax is the same.
    first = table[WIDE][0]["exact_loss"]
    assert table[THEIRS][0]["exact_loss"] == pytest.approx(first, rel=1e-5)
    assert table[OURS][0]["reported_loss"] == pytest.approx(first, rel=1e-5)


def test_the_table_goes_beside_the_figure(tmp_path: Path) -> None:
    done = run("--steps", 1, "--out", "new/deep/a.PNG", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "new" / "deep").iterdir()} == {"a.PNG", "a.csv"}
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    assert done.stderr.splitlines()[0] == f"made the folder {Path('new/deep')}"
    assert done.stderr.splitlines()[1] == f"{THEIRS}: 1 step done"
    by_default = run("--steps", 1, folder=tmp_path)
    assert by_default.returncode == 0, by_default.stderr
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"softmax_collapse.png", "softmax_collapse.csv"}


def test_a_figure_of_few_steps_has_axes_that_can_be_read(script: Any) -> None:
    report = script.report
    assert report.whole_decades(4.03, 4.08) == (1, 10)
    assert report.whole_decades(0.9, 1.1) == (0.1, 10)
    assert report.whole_decades(1e-17, 2.0) == (1e-17, 2.0)
    rows = [row for run in report.NAMES for row in script.train(run, 2, 1, 0)]
    svg = report.picture(rows, "svg").decode()
    shown = [text.strip() for text in re.findall(r"<!-- (.*?) -->", svg)]
    # Of steps only the whole ones, each once in each of the four panels; no share below 0.
    assert [shown.count(step) for step in "012"] == [4, 4, 4]
    assert shown.count("0%") == shown.count("100%") == 2
    assert not any(text.startswith("\u2212") and "%" in text for text in shown)


def test_the_kept_table_is_redrawn_and_summed_up(tmp_path: Path) -> None:
    done = run("--redraw", RESULTS, "--out", "new/figure.svg", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(r"ends \de\+0[89] times below torch's", done.stdout)
    assert "<svg" in (tmp_path / "new" / "figure.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--steps", "0"), "a whole number from 1"),
        (("--every", "two"), "a whole number from 1"),
        (("--seed", "-1"), "a whole number from 0"),
        (("--out", "figure.jpg"), ".png, .svg or .pdf"),
        (("--out", "figure"), "such as --out figure.png"),
        (("--out", "a.png", "--csv", "a.png"), "a file of its own"),
        (("--out", "folder"), "a folder; name a file in it: --out folder/softmax_collapse.png"),
        (("--out", "folder.png"), "name a file in it: --out folder.png/softmax_collapse.png"),
        (("--csv", "."), "name a file in it: --csv softmax_collapse.csv"),
        (("--out", "new/a.png", "--csv", "taken/rows.csv"), "choose another place"),
        (("--csv", "taken/rows.csv"), "choose another place"),
        (("--redraw", "missing.csv"), "cannot redraw missing.csv"),
        (("--redraw", "taken"), "its columns should be run, step"),
        (("--redraw", "taken", "--csv", "b.csv"), "leave out --csv"),
    ],
)
def test_wrong_use_is_told_before_the_training(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    script: Any,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("a,b\n1,2\n", encoding="utf-8")
    for folder in ("folder", "folder.png"):
        (tmp_path / folder).mkdir()
    monkeypatch.setattr(script, "train_all", lambda *_: pytest.fail("it trained"))
    with pytest.raises(SystemExit) as ended:
        script.main(list(arguments))
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"taken", "folder", "folder.png"}


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, script: Any) -> None:
    kept = tmp_path / "kept.csv"
    kept.write_text("old", encoding="utf-8")
    with pytest.raises(TypeError):
        script.report.write_whole(kept, "text where bytes belong")
    assert kept.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [kept]


@pytest.mark.parametrize("lead", [-30.0, 0.0, 10.0, 25.0, 45.0])
def test_what_judges_the_runs_is_right_itself(script: Any, lead: float) -> None:
    x = torch.randn(3, 7, dtype=torch.float64)
    y = torch.tensor([0, 3, 6])
    x[range(3), y] += lead
    with mpmath.workdps(50):
        rows = [[mpmath.mpf(v) for v in row] for row in x.tolist()]
        true = [row[i] for row, i in zip(rows, y.tolist(), strict=True)]
        logs = [mpmath.log(mpmath.fsum(map(mpmath.exp, row))) for row in rows]
        softmax = mpmath.fsum(a - b for a, b in zip(logs, true, strict=True)) / 3
        s = [[v + 1 if v >= 0 else 1 / (1 - v) for v in row] for row in rows]
        parts = [row[i] / mpmath.fsum(row) for row, i in zip(s, y.tolist(), strict=True)]
        stable = -mpmath.fsum(map(mpmath.log, parts)) / 3
    assert script.exact_loss(OURS, x, y) == pytest.approx(float(softmax), rel=1e-12)
    assert script.exact_loss(STABLEMAX, x, y) == pytest.approx(float(stable), rel=1e-12)
    assert script.stablemax_cross_entropy(x, y).item() == pytest.approx(float(stable), rel=1e-12)


def test_stablemax_has_a_gradient_at_one_and_at_zero(script: Any) -> None:
    x = torch.tensor([-1.0, 0.0, 1.0], requires_grad=True)
    (slope,) = torch.autograd.grad(script.stablemax(x).sum(), x)
    assert slope.tolist() == [0.25, 1, 1]


def test_no_tested_pair_is_a_trained_one_turned_round(script: Any) -> None:
    x, y, test_x, test_y = script.pairs(0)
    rows = {tuple(row) for row in x.tolist()}
    assert not rows & {tuple(row) for row in test_x.tolist()}
    assert (len(y), len(y) + len(test_y)) == (1_239, 1_770)
    # Such a batch takes the compiled kernel: it has 1,239 x 59 logits.
    assert len(y) * 59 >= 32_768


def tail(measured: Table, name: str) -> list[float]:
    """The exact losses of a run's last tenth of steps."""
    return [row["exact_loss"] for step, row in measured[name].items() if step >= 54_000]


def test_the_kept_run_is_whole_and_small(measured: Table) -> None:
    steps = list(range(0, 60_001, 200))
    assert {name: list(rows) for name, rows in measured.items()} == dict.fromkeys(
        (THEIRS, OURS, STABLEMAX, WIDE), steps
    )
    assert RESULTS.stat().st_size < 200_000
    assert 10_000 < FIGURE.stat().st_size < 300_000


def test_ours_ends_orders_of_magnitude_below_torch(measured: Table) -> None:
    assert max(tail(measured, OURS)) < 1e-7 * min(tail(measured, THEIRS))
    ours = [row["exact_loss"] for row in measured[OURS].values()]
    assert all(after < before for before, after in pairwise(ours[5:]))
    assert all(row["absorbed"] == 0 for row in measured[OURS].values())
    for row in measured[OURS].values():
        assert row["reported_loss"] == pytest.approx(row["exact_loss"], rel=1e-5)


def test_ours_follows_float64_while_that_absorbs_nothing(measured: Table) -> None:
    trusted = [step for step, row in measured[WIDE].items() if row["absorbed"] == 0]
    assert max(trusted) > 50_000
    for step in trusted:
        ours, truth = measured[OURS][step], measured[WIDE][step]
        assert ours["exact_loss"] == pytest.approx(truth["exact_loss"], rel=0.02)
        assert abs(ours["test_accuracy"] - truth["test_accuracy"]) < 0.03
    # Further on it is float64 that stands still.
    assert measured[OURS][60_000]["exact_loss"] < measured[WIDE][60_000]["exact_loss"]
    assert measured[WIDE][60_000]["absorbed"] > 0.5


def test_torch_stops_and_forgets(measured: Table) -> None:
    theirs = measured[THEIRS]
    assert min(row["exact_loss"] for row in theirs.values()) > 5e-8
    assert min(row["gradient_norm"] for row in theirs.values()) > 1e-8
    assert theirs[60_000]["mean_logit"] < -30_000
    assert abs(measured[OURS][60_000]["mean_logit"]) < 10
    assert max(row["test_accuracy"] for row in theirs.values()) > 0.45
    assert theirs[60_000]["test_accuracy"] < 0.1


def test_stablemax_falls_more_slowly_and_is_absorbed_too(measured: Table) -> None:
    stable = measured[STABLEMAX]
    wide = measured[WIDE]
    assert all(stable[n]["exact_loss"] > wide[n]["exact_loss"] for n in range(600, 60_001, 200))
    assert stable[45_000]["absorbed"] < 0.01 < 0.3 < stable[60_000]["absorbed"]
    best = max(row["test_accuracy"] for row in stable.values())
    assert best > 0.9 > stable[60_000]["test_accuracy"]


def number(cell: str) -> float:
    return float(cell.strip(" %")) / (100 if "%" in cell else 1)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_a_page_shows_what_was_measured(measured: Table, page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if re.match(r"\| (torch|Lossary|StableMax), float", line)]
    assert len(rows) == 4
    for line in rows:
        name, exact, span, absorbed, accuracy = (c.strip() for c in line.strip("|").split("|"))
        run_rows = measured[name.replace(",", "")]
        last, best = run_rows[60_000], max(row["test_accuracy"] for row in run_rows.values())
        losses = tail(measured, name.replace(",", ""))
        low, high = (number(text) for text in re.findall(r"[\d.]+e-\d+", span))
        assert number(exact) == pytest.approx(last["exact_loss"], rel=0.06)
        assert (low, high) == pytest.approx((min(losses), max(losses)), rel=0.06)
        assert number(absorbed) == pytest.approx(last["absorbed"], abs=0.006)
        shown = [number(text) for text in re.findall(r"\d+ ?%", accuracy)]
        assert shown == pytest.approx([best, last["test_accuracy"]], abs=0.006)


def test_both_pages_give_the_same_numbers() -> None:
    english, korean = (path.read_text(encoding="utf-8") for path in PAGES)
    figures = r"(?<![\w.])[\u2212-]?\d+(?:,\d{3})*(?:\.\d+)?(?:e-\d+)?"
    assert sorted(set(re.findall(figures, english))) == sorted(set(re.findall(figures, korean)))
    assert "arxiv.org/abs/2501.04697" in english
    assert len(re.findall("[가-힣]", korean)) > 500
