"""Write docs/speed.md and its figures from the tables in benchmarks/results: nothing is measured.

python tools/speed_page.py
"""

import csv
import sys
import textwrap
from pathlib import Path

from lossary.bench.as_csv import read
from lossary.bench.curves import MEMORY, Curve, curves
from lossary.bench.figure import draw
from lossary.bench.numbers import count, milliseconds, ratio, size
from lossary.bench.points import CONTENDERS, LOSSES, at
from lossary.bench.reading import reading
from lossary.bench.results import MEASURED, Found, Report
from lossary.bench.sentence import conclusions
from lossary.bench.text import cells, machine_line, title
from lossary.bench.words import Words
from lossary.console.whole import write_whole

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "speed.md"
IMAGES = ROOT / "docs" / "images"
WORDS = Words("en")

OPENING = """\
# Speed

Made by `make speed-page` from the tables in `benchmarks/results`; do not edit. Machines differ, so
read ratios, not milliseconds; `lossary bench` measures the same on yours (`--quick`: a minute).

{reading}

Where all of it stays in the processor's cache, a time can come out under the floor's.

Memory on the CPU is measured in a fresh process for each size, whose allocator gives everything
back at once, so that nothing left over from an earlier step hides what the next one takes.
"""

REGENERATE = """\
## Measure again

```sh
make bench       # measures, writes benchmarks/results and this page
make speed-page  # this page alone, from the tables that are there
```

`make bench` runs these, each of which works by itself:

```sh
lossary bench --csv benchmarks/results/vocabulary_cpu.csv
lossary bench --suite shapes --csv benchmarks/results/shapes_cpu.csv
lossary bench --suite scale --csv benchmarks/results/scale_cpu.csv
python benchmarks/losses.py --csv benchmarks/results/losses_cpu.csv
```

On a machine with an NVIDIA GPU, `make bench DEVICE=cuda` writes the tables that end in `_cuda.csv`,
`python benchmarks/language_models.py` among them.
"""


def table(head: list[str], rows: list[list[str]], left: int = 1) -> list[str]:
    """A table, its first columns to the left and its numbers to the right."""
    rule = ["---"] * left + ["---:"] * (len(head) - left)
    lines = [head, rule, *rows]
    return ["| " + " | ".join(line) + " |" for line in lines] + [""]


def point(found: Found) -> list[str]:
    """Everybody at one point."""
    head = ["", "time, x torch", "x floor", "step, ms", "forward, ms", "peak, MB", "loss error"]
    rows, notes = [], []
    for row in found.rows:
        name = WORDS(f"contender.{row.contender}")
        if row.status == MEASURED:
            rows.append([name, *cells(found, row)])
        else:
            notes.append(f"{name}: {WORDS(f'status.{row.status}', detail=row.detail)}.")
    lines = [f"**{title(found.point, WORDS)}**", "", *table([*head, "gradient error"], rows)]
    return [*lines, *([" ".join(notes), ""] if notes else [])]


def vocabulary(report: Report) -> list[str]:
    """Sizes of the vocabulary: conclusions, figure, tables."""
    lines = [f"- {text}" for text in conclusions(report, WORDS)]
    lines += ["", image(f"speed_vocabulary_{report.device}", "Time and memory by vocabulary"), ""]
    for found in report.found:
        lines += point(found)
    return lines


def shapes(report: Report) -> list[str]:
    """The fixed list, a line each."""
    head = ["loss", "size", "dtype", "x torch", "x floor", "Lossary, ms", "torch, ms", "floor, ms"]
    rows = []
    for found in report.found:
        sizes = [n for n in (found.point.rows, found.point.width, found.point.vocabulary) if n]
        line = [WORDS(f"loss.{found.point.loss}"), " x ".join(map(count, sizes)), found.point.dtype]
        ours = found.of("lossary")
        if ours is not None:
            line += [ratio(found.ratio(ours, "torch")), ratio(found.ratio(ours, "floor"))]
            for name in ("lossary", "torch", "floor"):
                row = found.of(name)
                line.append(milliseconds(row.step_ms if row else None))
            rows.append(line)
    return table(head, rows, left=3)


def scale(report: Report) -> list[str]:
    """How time and memory grow: figures, and each curve's numbers."""
    lines = [image(f"speed_scale_{report.device}", "Time by rows and by vocabulary"), ""]
    lines += [image(f"speed_memory_{report.device}", "Memory of linear cross-entropy"), ""]
    for curve in chosen(report, False) + chosen(report, True):
        lines += numbers(curve)
    return lines


def chosen(report: Report, long: bool) -> list[Curve]:
    """The curves of time; or, of many tokens, the one of memory."""
    what = [curve for curve in curves(report) if (curve.point.curve == "memory") == long]
    return [curve for curve in what if (curve.what == MEMORY) == long]


def numbers(curve: Curve) -> list[str]:
    """A curve's numbers, a column for each contender."""
    lines = dict(curve.lines)
    unit = size if curve.what == MEMORY else milliseconds
    floor = "gradients alone" if curve.what == MEMORY else WORDS("contender.floor")
    order = [name for name in CONTENDERS if name in lines]
    head = [WORDS(f"axis.{curve.grows}"), *(WORDS(f"contender.{n}") for n in order), floor]
    places = [x for x, _ in curve.floor]
    by_place = [dict(lines[name]) for name in order] + [dict(curve.floor)]
    rows = [
        [count(int(x)), *(unit(own[x]) if x in own else "not measured" for own in by_place)]
        for x in places
    ]
    what = "peak memory" if curve.what == MEMORY else "time of a step, ms"
    loss = WORDS(f"loss.{curve.point.loss}")
    fixed = (
        f"{count(curve.point.vocabulary)} classes"
        if curve.grows == "rows"
        else f"{count(curve.point.rows)} rows"
    )
    return [f"**{loss}, {fixed}, {curve.point.dtype}: {what}**", "", *table(head, rows)]


def image(name: str, alt: str) -> str:
    """A line that shows a figure."""
    return f"![{alt}](images/{name}.svg)"


def rows_of(name: str) -> list[dict[str, str]]:
    """A table that a script of benchmarks/ wrote; no rows where there is none."""
    path = RESULTS / f"{name}.csv"
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def every_loss() -> list[str]:
    """The table of benchmarks/losses.py."""
    found = rows_of("losses_cpu")
    if not found:
        return ["Not measured.", ""]
    head = ["loss", "size", "time, x torch", "torch, ms", "Lossary, ms", "torch, MB", "Lossary, MB"]
    keys = ("time_ratio", "torch_ms", "lossary_ms", "torch_peak_mb", "lossary_peak_mb")
    rows = [
        [row["loss"].strip(), row["shape"], *(row[key] or "not measured" for key in keys)]
        for row in found
    ]
    return table(head, rows, left=2)


def language_models() -> list[str]:
    """The table of benchmarks/language_models.py: a line for each loss and size."""
    found = rows_of("language_models_cuda")
    if not found:
        return ["Not measured.", ""]
    names = ("lossary", "torch", "compile", "liger")
    head = ["loss", "size", "dtype", "x floor", *(WORDS(f"contender.{n}") for n in names), "floor"]
    rows = []
    for key in dict.fromkeys((row["loss"], row["shape"], row["dtype"]) for row in found):
        own = {r["contender"]: r for r in found if (r["loss"], r["shape"], r["dtype"]) == key}
        ms = [f"{float(own[n]['ms']):.3g}" if n in own and own[n]["ms"] else "" for n in names]
        rows.append([*key, own["lossary"]["to_floor"], *ms, f"{float(own['floor']['ms']):.3g}"])
    keys = ("gpu", "system", "python", "torch", "lossary")
    gpu, system, python, torch, ours = (found[0][key] for key in keys)
    machine = f"{gpu}, {system}, Python {python}, torch {torch}, lossary {ours}."
    note = textwrap.fill(
        "Milliseconds between two marks that the GPU passes. Where its own work is the longer, what"
        " the host takes to send it is hidden; the tables above include that always. The floor"
        " copies what must be read and written once, or makes the three matrix products. Small"
        " sizes show the host, which is most where there is little work.", 100)  # fmt: skip
    return [machine, "", note, "", *table(head, rows, left=3)]


SECTIONS = (("vocabulary", "By vocabulary"), ("shapes", "By shape"), ("scale", "How it grows"))
SHOWN = {"vocabulary": vocabulary, "shapes": shapes, "scale": scale}


def reports(device: str) -> dict[str, Report]:
    """The tables that are there for a device."""
    paths = {suite: RESULTS / f"{suite}_{device}.csv" for suite, _ in SECTIONS}
    return {suite: read(path) for suite, path in paths.items() if path.exists()}


def page() -> str:
    """The page's text, from the tables alone."""
    how_to_read = reading([at(loss, 1, 2, "float32") for loss in LOSSES], (), WORDS)
    lines = [OPENING.format(reading=textwrap.fill(how_to_read, 100, break_on_hyphens=False))]
    for device, name in (("cpu", "CPU"), ("cuda", "CUDA")):
        lines += [f"## {name}", ""]
        there = reports(device)
        for suite, heading in SECTIONS:
            lines += [f"### {heading}, {name}", ""]
            report = there.get(suite)
            if report is None:
                lines += ["Not measured.", ""]
                continue
            lines += [f"{machine_line(report.machine, WORDS)}.", "", *SHOWN[suite](report)]
    lines += ["## Language models' sizes, CUDA", "", *language_models()]
    lines += ["## Every loss, CPU", "", "float32, forward and backward; torch's eager loss.", ""]
    return "\n".join([*lines, *every_loss(), REGENERATE])


def figures() -> dict[str, bytes]:
    """The figures by name."""
    made = {}
    for device in ("cpu", "cuda"):
        there = reports(device)
        wanted = {}
        if "vocabulary" in there:
            wanted["vocabulary"] = list(curves(there["vocabulary"]))
        if "scale" in there:
            wanted["scale"] = chosen(there["scale"], False)
            wanted["memory"] = chosen(there["scale"], True)
        for name, drawn in wanted.items():
            if drawn:
                key = f"speed_{name}_{device}"
                made[key] = draw(drawn, WORDS, "svg", key)
    return made


def main() -> int:
    """Write them all."""
    for name, drawn in figures().items():
        write_whole(IMAGES / f"{name}.svg", drawn)
        print(IMAGES / f"{name}.svg")
    write_whole(PAGE, page())
    print(PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
