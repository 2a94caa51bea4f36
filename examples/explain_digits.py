"""Train a small network on handwritten digits, and ask what its loss means.

    python examples/explain_digits.py                     # trains for a second, then explains
    python examples/explain_digits.py --page digits.html  # writes all of it as one page, too
    python examples/explain_digits.py --csv digits.csv    # writes the held-out scores
    lossary explain digits.csv                            # explains them once more, from the file

The digits come with scikit-learn: 1,797 images of 8 x 8 pixels. A quarter is held out, and looked
at once, at the end. The training goes on until the network is sure of all that it was taught;
what that costs on images that it has never seen, the explanation says.

examples/results/digits_held_out.csv holds the scores that one such training gave; the README's
picture and sentences are made from it (make explain-pages).
"""

import argparse
import csv
import sys
from pathlib import Path
from typing import NamedTuple

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor

import lossary
import lossary.nn as nn

SEED, HIDDEN, EPOCHS, RATE = 0, 32, 400, 0.01


class Digits(NamedTuple):
    x: Tensor
    y: Tensor
    held_out_x: Tensor
    held_out_y: Tensor


def load() -> Digits:
    """Pixels from 0 to 1, and a quarter held out with the same share of every digit."""
    data = load_digits()
    x, held_out_x, y, held_out_y = train_test_split(
        torch.tensor(data.data, dtype=torch.float32) / 16,
        torch.tensor(data.target),
        test_size=0.25,
        random_state=SEED,
        stratify=data.target,
    )
    return Digits(x, y, held_out_x, held_out_y)


def train(digits: Digits) -> nn.Module:
    """Every image at every step: nothing is drawn but the first weights."""
    torch.manual_seed(SEED)
    network = nn.Sequential(nn.Linear(64, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 10))
    loss_function = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    for _ in range(EPOCHS):
        loss = loss_function(network(digits.x), digits.y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network


def write_csv(path: Path, scores: Tensor, target: Tensor) -> None:
    """A column of scores for each class, and the target; nine digits are all of a float32."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*(f"logit_{k}" for k in range(scores.shape[1])), "target"])
        for row, label in zip(scores.tolist(), target.tolist(), strict=True):
            writer.writerow([*(f"{score:.9g}" for score in row), label])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the held-out scores")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write one self-contained page")
    parser.add_argument("--lang", choices=("en", "ko"), default="en", help="default: en")
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)  # a second one would gain nothing here

    digits = load()
    network = train(digits)
    with torch.no_grad():
        scores = network(digits.held_out_x)
    found = lossary.explain(nn.CrossEntropyLoss(), scores, digits.held_out_y, language=asked.lang)
    print(found)
    try:
        if asked.csv:
            write_csv(asked.csv, scores, digits.held_out_y)
        if asked.page:
            found.save(asked.page)
    except OSError as error:
        print(f"error: cannot write: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
