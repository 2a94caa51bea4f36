"""Make anew what is shown of an explanation: README's picture, what commands print, the notebook.

make explain-pages

README and docs show the held-out scores that examples/explain_digits.py wrote. In a page, a block
that begins with ```console holds one command, and below it what the command prints; a command that
ends in ``| head -9`` is shown as far as that.
"""

import csv
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import nbformat
import torch
from nbclient import NotebookClient
from torch import Tensor

import lossary
from lossary.console.whole import write_whole

ROOT = Path(__file__).resolve().parents[1]
SCORES = ROOT / "examples" / "results" / "digits_held_out.csv"
PICTURE = ROOT / "docs" / "images" / "explain_digits.svg"
NOTEBOOK = ROOT / "examples" / "loss_functions.ipynb"
WIDTH = 14  # inches: room for every label
PAGES = (ROOT / "README.md", ROOT / "docs" / "explain.md", ROOT / "docs" / "explain.ko.md")

BLOCK = re.compile(r"```console\n\$ (?P<command>[^\n]+)\n.*?```", re.DOTALL)
HEAD = re.compile(r" \| head -(\d+)$")
# A number that depends on the order in which a processor's lanes are added.
LANES = re.compile(r"\d+ predictions \([\d.]+ %\)|예측 \d+개\([\d.]+ %\)")
# What would change the language, the width or the colour of what is printed.
UNSET = ("LC_ALL", "LC_MESSAGES", "LANG", "COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE")


def predictions() -> tuple[Tensor, Tensor]:
    """The held-out scores, and the digits that the images show."""
    with SCORES.open(encoding="utf-8", newline="") as file:
        _, *rows = csv.reader(file)
    scores = torch.tensor([[float(cell) for cell in row[:-1]] for row in rows])
    return scores, torch.tensor([int(row[-1]) for row in rows])


def explained() -> lossary.Explanation:
    return lossary.explain("cross_entropy", *predictions())


def draw(path: Path) -> None:
    """Letters are shapes, so that no font is missed; the ground is white in any theme."""
    with mpl.rc_context({"svg.hashsalt": "lossary", "svg.fonttype": "path"}):
        made = explained().figure()
        made.set_figwidth(WIDTH)
        made.savefig(path, format="svg", metadata={"Date": None})


def printed(command: str) -> str:
    """What a command prints in a pipe, as far as it is shown; NAME=VALUE may stand before it."""
    words = shlex.split(HEAD.sub("", command))
    start = words.index("lossary")
    given = dict(word.split("=", 1) for word in words[:start])
    kept = {key: value for key, value in os.environ.items() if key not in UNSET}
    done = subprocess.run(
        [sys.executable, "-m", *words[start:]],
        cwd=ROOT,
        env={**kept, "PYTHONUTF8": "1", **given},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    lines = done.stdout.split("\n")
    limit = HEAD.search(command)
    return "\n".join(lines[: int(limit[1])] if limit else lines).strip("\n")


def filled(page: str) -> str:
    """The page, with every command's output as it is now."""

    def block(found: re.Match[str]) -> str:
        command = found["command"]
        return f"```console\n$ {command}\n{printed(command)}\n```"

    return BLOCK.sub(block, page)


def masked(page: str) -> str:
    """The page without what another processor may print otherwise."""
    return LANES.sub("#", page)


def executed(path: Path) -> str:
    """The notebook, run from top to bottom; it keeps the metadata that it had."""
    notebook = nbformat.read(path, as_version=4)
    about = notebook.metadata.copy()
    NotebookClient(notebook, timeout=120, record_timing=False, coalesce_streams=True).execute()
    notebook.metadata = about
    return str(nbformat.writes(notebook)) + "\n"


def main() -> int:
    draw(PICTURE)
    print(PICTURE)
    for path in PAGES:
        write_whole(path, filled(path.read_text(encoding="utf-8")))
        print(path)
    write_whole(NOTEBOOK, executed(NOTEBOOK))
    print(NOTEBOOK)
    return 0


if __name__ == "__main__":
    sys.exit(main())
