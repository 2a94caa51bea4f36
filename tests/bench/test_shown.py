"""How results are shown: table, sentence, CSV, figure. They are made up, nothing is measured."""

import csv
import itertools
import re
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from rich.console import Console

from lossary.bench import text
from lossary.bench.as_csv import COLUMNS, as_csv, read
from lossary.bench.as_json import as_json
from lossary.bench.curves import MEMORY, TIME, curves
from lossary.bench.figure import LINE_HEIGHT, _part, draw, panel
from lossary.bench.machine import Machine
from lossary.bench.notes import notes
from lossary.bench.points import SHAPES, at, scale_suite, shapes_suite
from lossary.bench.reading import reading
from lossary.bench.results import Found, Report, Row
from lossary.bench.sentence import conclusions
from lossary.bench.wishes import Wishes, read_sizes
from lossary.bench.words import Words
from lossary.console.words import LANGUAGES
from lossary.core.errors import OptionError

MACHINE = Machine("A processor", 2, 2, "", "Linux 6.1 x86_64", "3.11.7", "2.13.0", "0.1.0")
EN = Words("en")


def found(vocabulary: int, torch_peak: int | None = 3_000_000_000) -> Found:
    point = at("cross_entropy", 1_024, vocabulary, "float32")
    rows = (
        Row(point, "lossary", "measured", "", 40.0, 10.0, 5, 525_000_000, 1e-8, 3e-8),
        Row(point, "torch", "measured", "", 100.0, 50.0, 5, torch_peak, 1e-8, 3e-8),
        Row(point, "compile", "does_not_compile", "no compiler"),
        Row(point, "liger", "not_installed"),
        Row(point, "floor", "measured", "", 32.0, 8.0, 5, 525_000_000),
    )
    return Found(point, rows)


REPORT = Report(MACHINE, "vocabulary", "cpu", (found(32_000), found(128_256)))


def printed(width: int, language: str = "en") -> str:
    console = Console(width=width, no_color=True, highlight=False, markup=False)
    with console.capture() as captured:
        console.print(text.found(REPORT.found[0], Words(language), width))
    return captured.get()


def test_the_conclusion() -> None:
    assert conclusions(REPORT, EN) == [
        "cross-entropy at vocabulary 128,256: Lossary takes 0.40 of torch's time, 1.25 of the"
        " floor's, and 2.48 GB less memory."
    ]


@pytest.mark.parametrize(
    ("peak", "said"),
    [(None, "not measured"), (1_000_000, "524 MB more memory"), (525_000_001, "as much memory")],
)
def test_the_conclusion_without_a_difference_to_tell(peak: int | None, said: str) -> None:
    (sentence,) = conclusions(Report(MACHINE, "v", "cpu", (found(10, peak),)), EN)
    assert said in sentence


def test_the_conclusion_where_torch_does_not_fit() -> None:
    here = found(10)
    alone = Found(here.point, (here.rows[0], Row(here.point, "torch", "does_not_fit", "9 GB")))
    (sentence,) = conclusions(Report(MACHINE, "v", "cpu", (alone,)), EN)
    assert "40.0 ms and 525 MB" in sentence


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_is_aligned_and_complete(language: str) -> None:
    shown = printed(90, language)
    ours = next(line for line in shown.splitlines() if line.startswith("  Lossary"))
    theirs = next(line for line in shown.splitlines() if line.startswith("  torch "))
    assert ours.split()[1:] == ["0.40", "1.25", "40.0", "10.0", "525.0", "1.0e-08", "3.0e-08"]
    assert len(ours.rstrip()) == len(theirs.rstrip())
    assert "no compiler" in shown
    assert "Liger-Kernel: " in shown


@pytest.mark.parametrize("width", [40, 60, 76, 100])
def test_nothing_is_lost_in_a_narrow_terminal(width: int) -> None:
    shown = printed(width)
    assert all(len(line.rstrip()) <= width for line in shown.splitlines())
    for number in ("0.40", "1.25", "525.0", "1.0e-08"):
        assert number in shown
    assert "…" not in shown


def test_csv_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "bench.csv"
    path.write_text(as_csv(REPORT), encoding="utf-8")
    assert read(path) == REPORT
    head, first, *_ = path.read_text(encoding="utf-8").splitlines()
    assert head == ",".join(COLUMNS)
    assert "A processor,2,2,,Linux 6.1 x86_64,3.11.7,2.13.0,0.1.0" in first


def test_files_without_the_newer_columns_are_read(tmp_path: Path) -> None:
    path = tmp_path / "old.csv"
    path.write_text(as_csv(REPORT), encoding="utf-8")
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    older = [name for name in COLUMNS if name not in ("kernels", "step_spread")]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, older, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(lines)
    assert read(path) == REPORT


def test_the_kernels_that_were_asked_for_are_told(tmp_path: Path) -> None:
    report = replace(REPORT, machine=replace(MACHINE, kernels="blocks"))
    path = tmp_path / "bench.csv"
    path.write_text(as_csv(report), encoding="utf-8")
    assert read(path).machine.kernels == "blocks"
    assert as_json(report, EN)["machine"]["kernels"] == "blocks"
    assert text.machine_line(report.machine, EN).endswith(", LOSSARY_KERNELS=blocks")
    assert "LOSSARY_KERNELS" not in text.machine_line(MACHINE, EN)


def with_times(spread: float, **times: float) -> Report:
    """The report with other times of a step, and the same spread for everybody."""

    def changed(row: Row) -> Row:
        ms = times.get(row.contender, row.step_ms)
        return replace(row, step_ms=ms, step_spread=None if ms is None else spread)

    found = tuple(Found(f.point, tuple(map(changed, f.rows))) for f in REPORT.found)
    return replace(REPORT, found=found)


def test_firm_times_need_no_note() -> None:
    assert notes(REPORT, EN) == notes(with_times(0.1), EN) == []
    assert notes(with_times(0.1, lossary=31.99), EN) == []  # shown as 1.00


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_calm_note_on_times_that_are_not(language: str) -> None:
    words = Words(language)
    (under,) = notes(with_times(0.1, lossary=30.0), words)
    assert "1,024 x 32,000" in under
    assert "1,024 x 128,256" in under
    assert "--rounds 51" in under
    assert words("note.wide", places="").split(":")[0] not in under
    (wide,) = notes(with_times(0.3), words)
    # Two sizes of three who were measured: three are listed, three counted.
    assert wide.count("1,024 x") == 3
    assert words("note.and_more", places="", more=3).strip() in wide
    (both,) = notes(with_times(0.3, lossary=30.0), words)
    assert both.startswith(under.split(". ")[0])
    console = Console(width=100)
    with console.capture() as captured:
        console.print(text.closing(with_times(0.3), words))
    assert "--rounds 51" in captured.get()
    assert as_json(with_times(0.3), words)["notes"] == [wide]


def test_more_turns_are_advised_than_there_were() -> None:
    rows = tuple(replace(row, rounds=101) for row in with_times(0.3).found[0].rows)
    (note,) = notes(replace(REPORT, found=(Found(rows[0].point, rows),)), EN)
    assert "--rounds 203" in note


@pytest.mark.parametrize("language", LANGUAGES)
def test_only_those_who_take_part_are_explained(language: str) -> None:
    words = Words(language)
    both = Wishes(quick=True).points(words)
    plain = Wishes(quick=True, loss="cross_entropy").points(words)
    chunked, auto = words("reading.chunked"), words("reading.chunked_auto")
    everything = reading(both, (), words)
    assert chunked in everything
    assert auto in everything
    assert words("reading.floor.both") in everything
    assert auto not in reading(both, ("chunked_auto",), words)
    assert words("reading.floor.cross_entropy") in reading(plain, (), words)
    assert chunked not in reading(plain, (), words)
    assert words("reading.floor.both") not in reading(both, ("floor",), words)
    unchecked = [p for p in Wishes(suite="scale").points(words) if not p.exact]
    assert words("reading.errors") not in reading(unchecked, (), words)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.filterwarnings("ignore:한글 글꼴")
def test_one_size_is_drawn_as_bars(language: str) -> None:
    one = replace(REPORT, found=REPORT.found[:1])
    first, second = (draw(list(curves(one)), Words(language), "svg") for _ in range(2))
    assert first == second
    figure = Figure()
    time, memory = figure.subplots(1, 2)
    for axes, curve in zip((time, memory), curves(one), strict=True):
        assert panel(axes, curve, EN) == []
    widths = [bar.get_width() for bar in time.patches]
    assert widths == [40, 100, 32]
    assert [label.get_text() for label in time.get_yticklabels()] == ["Lossary", "torch", "floor"]
    assert memory.get_yticklabels()[-1].get_text() == "gradients alone"
    assert [text.get_text() for text in time.texts] == ["40.0", "100", "32.0"]
    assert time.get_xlim()[0] == 0
    assert time.get_xlim()[1] > 100
    assert len(time.get_xticks()) > 3
    # The floor is also a line through all bars.
    assert [line.get_xdata()[0] for line in time.lines] == [32]


def test_json_says_what_was_not_measured() -> None:
    report = as_json(REPORT, EN)
    rows = {row["contender"]: row for row in report["points"][0]["contenders"]}
    assert rows["lossary"]["time_to_torch"] == 0.4
    assert rows["lossary"]["memory_to_torch"] == 0.175
    assert rows["liger"]["status"] == "not_installed"
    assert rows["liger"]["step_ms"] is None


def test_curves_hold_every_point_and_the_floor() -> None:
    time, memory = curves(REPORT)
    assert (time.what, memory.what) == (TIME, MEMORY)
    assert time.lines["lossary"] == ((32_000.0, 40.0), (128_256.0, 40.0))
    assert set(time.lines) == {"lossary", "torch"}
    assert [y for _, y in time.floor] == [32.0, 32.0]
    # Of memory, nobody can do without the gradients.
    assert memory.floor[0] == (32_000.0, 1_024 * 32_000 * 4.0)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.filterwarnings("ignore:한글 글꼴")
def test_the_figure_is_drawn_the_same_twice(language: str) -> None:
    first, second = (draw(list(curves(REPORT)), Words(language), "svg") for _ in range(2))
    assert first == second
    assert first.startswith(b"<?xml")
    # The floor is the dashed line.
    assert re.search(rb"stroke-dasharray", first)
    assert draw(list(curves(REPORT)), Words(language), "png").startswith(b"\x89PNG")


def test_the_names_at_the_lines_do_not_cover_each_other() -> None:
    figure = Figure()
    axes = figure.subplots()
    names = panel(axes, next(iter(curves(REPORT))), EN)
    figure.draw_without_rendering()
    _part(names)
    tops = sorted(
        axes.transData.transform(name.xy)[1] * 72 / figure.dpi + name.get_position()[1]
        for name in names
    )
    assert all(b - a >= LINE_HEIGHT - 1e-6 for a, b in itertools.pairwise(tops))


def test_suites() -> None:
    assert [p.vocabulary for p in Wishes(quick=True).points(EN)] == [32_000] * 2
    assert {p.rows for p in Wishes(rows=7, vocabulary="9,5").points(EN)} == {7}
    fixed = shapes_suite(("cross_entropy", "linear_cross_entropy"), ("float32", "bfloat16"))
    assert len(fixed) == 2 * len(SHAPES) + 1
    assert len(Wishes(suite="shapes", dtype="float32").points(EN)) == len(SHAPES) + 1
    memory = [p for p in scale_suite(("linear_cross_entropy",), "float32") if not p.timed]
    assert [p.vocabulary for p in memory] == [2**k for k in range(13, 19)]
    assert {(p.rows, p.width) for p in memory} == {(4_096, 512)}
    assert {p.curve for p in Wishes(suite="scale").points(EN)} == {"rows", "vocabulary", "memory"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("sizes", ["", "8k", "8000;32000", "1", "8000,-3", "1.5"])
def test_sizes_that_are_none_are_told(sizes: str, language: str) -> None:
    with pytest.raises(OptionError, match="--vocab 8000,32000"):
        read_sizes(sizes, Words(language))


def test_memory_that_was_not_measured_is_said() -> None:
    point = at("cross_entropy", 4, 5, "float32")
    here = Found(point, (Row(point, "lossary", step_ms=1.0), Row(point, "torch", step_ms=2.0)))
    console = Console(width=100)
    with console.capture() as captured:
        console.print(text.found(here, EN, 100))
    assert "Memory: not measured" in captured.get()
