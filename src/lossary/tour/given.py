"""What the figures start from: the study's numbers and draws, in the study's order."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

import lossary.nn as nn
from lossary.tour.draws import seed_70_stream
from lossary.tour.network import Network

SEED = 70


@dataclass(frozen=True)
class Given:
    """Inputs of every figure. Names are short because the shown code uses them."""

    x: Tensor  # one example with two features
    net: Network
    y: Tensor  # the network's answer to it (1, 1)
    t: Tensor  # its target
    z: Tensor  # ten scores
    a: Tensor  # predictions for MSE (3, 5)
    b: Tensor  # targets for MSE (3, 5)
    outputs: Tensor  # scores of three examples over five classes
    s: Tensor  # scores of four examples with two classes (4, 1)
    before_outputs: Tensor  # the state of torch's generator just before outputs
    before_next: Tensor  # and after s
    p: Tensor = field(default_factory=lambda: torch.tensor([0.4, 0.6]))
    q: Tensor = field(default_factory=lambda: torch.tensor([0.0, 1.0]))
    u: Tensor = field(default_factory=lambda: torch.tensor([0.5, 0.5]))
    rare: Tensor = field(default_factory=lambda: torch.tensor(0.3))
    t4: Tensor = field(default_factory=lambda: torch.tensor([[1.0], [0.0], [1.0], [0.0]]))
    stream: list[float] = field(default_factory=seed_70_stream)
    eps: float = 1e-30


def draw() -> Given:
    """Draw everything from the study's seed, leaving the caller's random stream alone.

    >>> tuple(draw().outputs.shape)
    (3, 5)
    """
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(SEED)
        net = Network(2, 2, 1, last=nn.Sigmoid())
        x = torch.tensor([[0.0, 1.0]])
        torch.manual_seed(SEED)
        # One stream: the order of the draws is what makes the figures the study's.
        z = torch.rand(1, 10)
        a, b = torch.randn(3, 5), torch.randn(3, 5)
        before_outputs = torch.get_rng_state()
        outputs = torch.randn(3, 5)
        s = torch.randn(4, 1)
        return Given(
            x=x,
            net=net,
            y=net(x),
            t=torch.tensor([1.0]),
            z=z,
            a=a,
            b=b,
            outputs=outputs,
            s=s,
            before_outputs=before_outputs,
            before_next=torch.get_rng_state(),
        )
