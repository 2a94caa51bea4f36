"""The memory of a step, measured in a process of its own: nothing an earlier one left hides it.

Run as a program, this module is that process: it gets a point and names, and prints a line for
each. ``lossary.bench.memory.GIVING_BACK`` is in its environment.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict

import torch

from lossary.bench.contenders import SURE, UnavailableError, contender
from lossary.bench.memory import GIVING_BACK, can_measure, peak_bytes
from lossary.bench.points import Point
from lossary.bench.problem import make, smaller


def peaks(point: Point, names: Sequence[str]) -> dict[str, int | None]:
    """The peak of each contender; those that no number came of are left out."""
    if not names or not can_measure():
        return {}
    order = {"point": asdict(point), "names": list(names), "threads": torch.get_num_threads()}
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        env={**os.environ, **GIVING_BACK},
        check=False,  # a process that was killed for memory has told of the others before
    )
    if done.returncode > 0:
        raise RuntimeError(f"memory could not be measured:\n{done.stderr}")
    return dict(json.loads(line) for line in done.stdout.splitlines())


def peak(point: Point, name: str) -> int | None:
    """The peak of one contender in this process, which must give memory back at once."""
    # What compiles for one shape must see that shape; the others only need to be loaded, and a
    # buffer that they would keep for the next call then counts.
    warm = contender(name, make(point if name == "compile" else smaller(point)))
    warm.step()
    warm.problem.forget_gradients()
    problem = warm.problem if name == "compile" else make(point)
    measured = warm if name == "compile" else contender(name, problem)
    return peak_bytes(measured.step)


def main() -> int:
    """Answer one order from stdin."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends this process without a word
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever a library prints is no answer
    order = json.load(sys.stdin)
    torch.set_num_threads(order["threads"])
    for name in order["names"]:
        try:
            found = peak(Point(**order["point"]), name)
        except (RuntimeError, UnavailableError):
            if name in SURE:
                raise
            found = None  # where nothing is timed, nobody has tried before whether it runs
        print(json.dumps([name, found]), file=answers, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
