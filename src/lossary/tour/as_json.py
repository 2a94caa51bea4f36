"""The tour as one JSON object: the same numbers, under a schema version."""

import json
import math
from typing import Any

import torch

import lossary
from lossary.tour.given_code import GIVEN, IMPORTS
from lossary.tour.results import Answer, Figure, Repair, Tour, TrainingResult
from lossary.tour.words import Words

SCHEMA_VERSION = 2


def as_json(tour: Tour, words: Words) -> dict[str, Any]:
    """Everything found. Numbers that JSON cannot hold are the strings inf, -inf and nan."""
    return {
        "schema_version": SCHEMA_VERSION,
        "command": "tour",
        "language": words.language,
        "versions": {"lossary": lossary.__version__, "torch": str(torch.__version__)},
        "passed": tour.passed,
        "imports": IMPORTS,
        "steps": [
            {
                "step": step.key,
                "title": words(f"step.{step.key}.title"),
                "given": GIVEN[step.key],
                "figures": [_figure(figure, words) for figure in step.figures],
            }
            for step in tour.steps
        ],
        "trainings": [_training(training, words) for training in tour.trainings],
        "repairs": [_repair(repair, words) for repair in tour.repairs],
    }


def _figure(figure: Figure, words: Words) -> dict[str, Any]:
    return {
        "topic": figure.topic,
        "title": words(f"figure.{figure.topic}"),
        "from_study": figure.from_study,
        "shape": list(figure.shape),
        "digits": figure.digits,
        "expected": numbers(figure.expected),
        "comes_out": figure.comes_out,
        "answers": {way: _answer(answer) for way, answer in figure.answers.items()},
    }


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "code": answer.code or None,
        "values": numbers(answer.values),
        "relative_difference": number(answer.difference),
        "comes_out": answer.comes_out,
    }


def _training(found: TrainingResult, words: Words) -> dict[str, Any]:
    return {
        "data": found.data,
        "title": words(f"data.{found.data}"),
        "loss": found.loss_name,
        "sizes": list(found.sizes),
        "train_examples": found.train_examples,
        "held_out_examples": found.held_out_examples,
        "epochs": found.epochs,
        "train_loss": number(found.train_loss),
        "held_out_loss": number(found.held_out_loss),
        "torch_held_out_loss": number(found.torch_held_out_loss),
        "baselines": {b.key: number(b.loss) for b in found.baselines},
        "meaning": {key: number(value) for key, value in found.meaning.items()},
        "beats_chance": found.beats_chance,
        "agrees_with_torch": found.agrees_with_torch,
        "curve": numbers(found.curve),
        # As `lossary explain --json` prints it, so that what reads the one reads the other.
        "explanation": json.loads(found.explanation.into(words.language).to_json()),
    }


def _repair(repair: Repair, words: Words) -> dict[str, Any]:
    return {
        "repair": repair.key,
        "title": words(f"repair.{repair.key}.title"),
        "given": repair.given or None,
        "code": repair.code,
        "torch_code": repair.torch_code or None,
        "measured": [
            {
                "what": m.what,
                "torch": number(m.torch),
                "lossary": number(m.lossary),
                "exact": number(m.exact),
                "dtype": m.dtype,
                "exact_in_dtype": None if m.rounded is None else number(m.rounded),
            }
            for m in repair.measured
        ],
        "lossary_is_right": repair.lossary_is_right,
        "torch_is_wrong": repair.torch_is_wrong,
    }


def numbers(values: tuple[float, ...]) -> list[float | str]:
    """A list of numbers as JSON holds them."""
    return [number(value) for value in values]


def number(value: float) -> float | str:
    """A number as JSON holds it.

    >>> number(0.5), number(float("inf"))
    (0.5, 'inf')
    """
    return value if math.isfinite(value) else str(value)
