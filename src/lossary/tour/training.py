"""The study's network on real data: one training per loss, and the same again with torch's."""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import torch
from torch import Tensor

import lossary.nn
from lossary.explain import explain
from lossary.tour.chance import baselines, meaning
from lossary.tour.data import Split, load
from lossary.tour.given import SEED
from lossary.tour.network import Network
from lossary.tour.results import TrainingResult

HIDDEN = 16
RATE = 0.01
Watch = Callable[[], None]


@dataclass(frozen=True)
class Task:
    """A data set and the loss that it wants; the number of epochs was fixed beforehand."""

    data: str
    loss_name: str
    classes: int
    epochs: int


TASKS = (
    Task("breast_cancer", "BCELoss", classes=2, epochs=200),
    Task("digits", "CrossEntropyLoss", classes=10, epochs=200),
    Task("diabetes", "MSELoss", classes=0, epochs=200),
)


def train(task: Task, watch: Watch = lambda: None) -> TrainingResult:
    """Train with Lossary, train again with torch, look at the held-out examples once.

    ``watch`` is called after each of ``2 * task.epochs`` epochs.
    """
    data = load(task.data, classes=task.classes)
    network, curve = _fit(task, data, lossary.nn, watch)
    other, _ = _fit(task, data, torch.nn, watch)
    with torch.no_grad():
        outputs = network(data.held_out_x)
        train_loss = _loss(task, lossary.nn, network(data.x), data.y)
        held_out = _loss(task, lossary.nn, outputs, data.held_out_y)
        torch_held_out = _loss(task, torch.nn, other(data.held_out_x), data.held_out_y)
    return TrainingResult(
        data=task.data,
        loss_name=task.loss_name,
        sizes=(data.x.shape[1], HIDDEN, outputs.shape[1]),
        train_examples=len(data.x),
        held_out_examples=len(data.held_out_x),
        epochs=task.epochs,
        curve=tuple(curve),
        train_loss=train_loss.item(),
        held_out_loss=held_out.item(),
        torch_held_out_loss=torch_held_out.item(),
        baselines=baselines(data),
        meaning=meaning(data, held_out.item()),
        explanation=explain(task.loss_name, *_as_taken(task, outputs, data.held_out_y)),
    )


def _fit(task: Task, data: Split, nn: ModuleType, watch: Watch) -> tuple[Network, list[float]]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        last = nn.Sigmoid() if task.loss_name == "BCELoss" else nn.Identity()
        outputs = task.classes if task.loss_name == "CrossEntropyLoss" else 1
        network = Network(data.x.shape[1], HIDDEN, outputs, last, layers=nn)
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    curve = []
    for _ in range(task.epochs):
        loss = _loss(task, nn, network(data.x), data.y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        curve.append(loss.item())
        watch()
    return network, curve


def _loss(task: Task, nn: ModuleType, outputs: Tensor, target: Tensor) -> Tensor:
    found: Tensor = getattr(nn, task.loss_name)()(*_as_taken(task, outputs, target))
    return found


def _as_taken(task: Task, outputs: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Outputs and target in the shapes and dtypes that the loss takes."""
    if task.loss_name == "CrossEntropyLoss":
        return outputs, target
    return outputs.squeeze(1), target.float()
