"""The rows of softmax_collapse.py: as a table, a conclusion, a CSV and a figure."""

import csv
import io
import math
import os
import tempfile
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

THEIRS, OURS, STABLEMAX, WIDE = NAMES = (
    "torch float32",
    "Lossary float32",
    "StableMax float32",
    "torch float64",
)
# Lightness and dashes alone tell them apart; torch's float64 is drawn on top of Lossary.
STYLES: dict[str, dict[str, Any]] = {
    OURS: {"color": "#7cc7ab", "linewidth": 5},
    THEIRS: {"color": "#c1121f", "linewidth": 1.1},
    STABLEMAX: {"color": "#5478c4", "linewidth": 1.8, "linestyle": (0, (5, 2))},
    WIDE: {"color": "black", "linewidth": 1.8, "linestyle": (0, (1, 1.5))},
}


class Row(NamedTuple):
    """What is written down of one step of one run."""

    run: str
    step: int
    reported_loss: float  # by the run itself, in its own arithmetic
    exact_loss: float  # the same loss in float64, from the same logits
    gradient_norm: float  # over all weights
    absorbed: float  # share of training pairs whose true class gets a gradient of exactly 0
    mean_logit: float  # over training pairs and classes; a softmax does not see it
    test_accuracy: float


def column(rows: list[Row], run: str, name: str, since: float = 0) -> list[Any]:
    """A run's column, from a share of its steps on."""
    return [getattr(r, name) for r in rows if r.run == run and r.step >= since * rows[-1].step]


def first_absorbed(rows: list[Row], run: str) -> int | None:
    """The first step written down at which at least 1 % of the training pairs were absorbed."""
    return next((row.step for row in rows if row.run == run and row.absorbed >= 0.01), None)


def table(rows: list[Row]) -> str:
    """How each run ended."""
    lines = [
        f"At step {rows[-1].step:,} (range: of the exact loss, over the last tenth of all steps;"
        " since: the first\nstep at which 1 % of the training pairs were absorbed):\n",
        "run                reported     exact          range  gradient  absorbed   since"
        "  test  at best",
    ]
    for run in NAMES:
        row = next(row for row in reversed(rows) if row.run == run)
        tail, since = column(rows, run, "exact_loss", 0.9), first_absorbed(rows, run)
        lines.append(
            f"{run:<17}{row.reported_loss:>10.1e}{row.exact_loss:>10.1e}"
            f"  {min(tail):.0e} to {max(tail):.0e}{row.gradient_norm:>10.1e}{row.absorbed:>10.1%}"
            f"{'never' if since is None else f'{since:,}':>8}{row.test_accuracy:>6.0%}"
            f"{max(column(rows, run, 'test_accuracy')):>9.0%}"
        )
    return "\n".join(lines)


def times_below(rows: list[Row]) -> float:
    """How many times smaller Lossary's exact loss ends than torch's in float32."""
    theirs, ours = (median(column(rows, run, "exact_loss", 0.9)) for run in (THEIRS, OURS))
    return float(theirs / ours)


def apart_from_float64(rows: list[Row]) -> float:
    """The largest relative distance of Lossary's float32 from float64 before that absorbs."""
    wide = {row.step: row for row in rows if row.run == WIDE and row.absorbed == 0}
    both = [(row, wide[row.step]) for row in rows if row.run == OURS and row.step in wide]
    return max(abs(row.exact_loss / truth.exact_loss - 1) for row, truth in both)


def conclusion(rows: list[Row]) -> str:
    """What these numbers say, and no more."""
    if times_below(rows) < 10:
        return (
            "torch's and Lossary's float32 do not differ by a factor of ten yet;"
            f" torch's {absorbs(rows, THEIRS)}."
        )
    means = {run: column(rows, run, "mean_logit")[-1] for run in NAMES}
    return (
        f"In the same float32, Lossary's loss ends {times_below(rows):.0e} times below torch's;"
        f" torch's mean logit ends\nat {means[THEIRS]:,.0f}, Lossary's at {means[OURS]:,.1f}."
        " As long as float64 absorbs nothing, Lossary's loss stays\nwithin"
        f" {apart_from_float64(rows):.1%} of it. torch's float64 {absorbs(rows, WIDE)};"
        f" StableMax's float32\n{absorbs(rows, STABLEMAX)}."
    )


def absorbs(rows: list[Row], run: str) -> str:
    """From when on a run absorbs, in words."""
    since = first_absorbed(rows, run)
    return "absorbs nothing in these steps" if since is None else f"absorbs from step {since:,} on"


def csv_text(rows: list[Row]) -> str:
    """The rows as a table, six digits each."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(Row._fields)
    writer.writerows([row.run, row.step, *(f"{value:.6g}" for value in row[2:])] for row in rows)
    return out.getvalue()


def read_rows(path: Path) -> list[Row]:
    """The rows of such a table; ValueError if it is another one."""
    with path.open(encoding="utf-8", newline="") as file:
        head, *lines = [line for line in csv.reader(file) if line] or [[]]
    if tuple(head) != Row._fields or {line[0] for line in lines} != set(NAMES):
        raise ValueError(f"its columns should be {', '.join(Row._fields)}, its runs all four")
    return [Row(line[0], int(line[1]), *map(float, line[2:])) for line in lines]


def picture(rows: list[Row], kind: str) -> bytes:
    """Four panels against the step: loss, gradient, what was absorbed, accuracy."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot
    from matplotlib.ticker import MaxNLocator, NullFormatter, PercentFormatter

    figure, axes = pyplot.subplots(2, 2, figsize=(12, 8), layout="constrained")
    panels = {
        "exact_loss": "training loss, exact (dots: as reported by the run, where 10 % off)",
        "gradient_norm": "norm of the gradient that the run took",
        "absorbed": "share of training pairs with a gradient of 0 for the true class",
        "test_accuracy": "accuracy on pairs never trained on",
    }
    for ax, (name, title) in zip(axes.flat, panels.items(), strict=True):
        logarithmic = name in ("exact_loss", "gradient_norm")
        if logarithmic:
            ax.set_yscale("log", nonpositive="mask")
        for run, style in STYLES.items():
            ax.plot(column(rows, run, "step"), column(rows, run, name), **style)
            if name == "exact_loss":
                off = [r for r in rows if r.run == run and misreported(r)]
                ax.plot([r[1] for r in off], [r[2] for r in off], ".", ms=3, color=style["color"])
        ax.set_title(title, fontsize=10, loc="left")
        ax.set_xlabel("step")
        ax.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))
        ax.xaxis.set_major_formatter("{x:,.0f}")
        if logarithmic:
            ax.set_ylim(whole_decades(*ax.get_ylim()))
            ax.yaxis.set_minor_formatter(NullFormatter())
        else:
            ax.set_ylim(-0.03, 1.03)
            ax.yaxis.set_major_formatter(PercentFormatter(1))
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(alpha=0.25)
        label_ends(ax, {run: median(column(rows, run, name, 0.9)) for run in NAMES})
    out = io.BytesIO()
    figure.savefig(out, format=kind, dpi=110)
    pyplot.close(figure)
    return out.getvalue()


def whole_decades(low: float, high: float) -> tuple[float, float]:
    """A range as it is if it holds a decade or more; else the decade, or the two, around it."""
    if high >= 10 * low:
        return low, high
    return 10 ** math.floor(math.log10(low)), 10 ** math.ceil(math.log10(high))


def misreported(row: Row) -> bool:
    return abs(row.reported_loss - row.exact_loss) > 0.1 * row.exact_loss


def label_ends(ax: Any, ends: dict[str, float]) -> None:
    """Name each line at its right end, no two names on one another."""
    lowest, height = ax.get_ylim()[0], -1.0
    where = ax.transScale + ax.transLimits
    for run in sorted(ends, key=lambda run: ends[run]):
        height = max(where.transform((0, max(ends[run], lowest)))[1], height + 0.06)
        color = "#2f7d62" if run == OURS else STYLES[run]["color"]
        ax.annotate(run, (1.01, height), xycoords="axes fraction", color=color, va="center")


def write_whole(path: Path, content: bytes) -> None:
    """Write beside the target and rename: a reader sees the old file or the new one."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.umask(mask := os.umask(0))
        os.chmod(temporary, 0o666 & ~mask)  # mkstemp's files are their owner's alone
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def refuse_unwritable(path: Path) -> None:
    """OSError now rather than after the training; of a folder to be made, its parents count."""
    if path.exists() and not path.is_file():
        raise OSError(0, "it is there already, and no plain file")
    there = next(folder for folder in path.absolute().parents if folder.exists())
    with tempfile.TemporaryFile(dir=there):
        pass
