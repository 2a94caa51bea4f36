"""What the shown code starts from, as code: with it, every line of the tour runs as shown."""

IMPORTS = """\
import math
import torch
import lossary
import lossary.nn as nn
from lossary.tour.draws import seed_70_stream
from lossary.tour.network import Network"""

_NETWORK = """\
torch.manual_seed(70)
net = Network(2, 2, 1, last=nn.Sigmoid())
x = torch.tensor([[0.0, 1.0]])
y = net(x).detach()"""

# One stream of random numbers: a draw is the same only after all draws before it.
_Z = "torch.manual_seed(70)\nz = torch.rand(1, 10)"
_A_B = "a, b = torch.randn(3, 5), torch.randn(3, 5)"
_OUTPUTS = "before_outputs = torch.get_rng_state()\noutputs = torch.randn(3, 5)"
_S = "s = torch.randn(4, 1)\nbefore_next = torch.get_rng_state()"
_STREAM = "stream = seed_70_stream()"

GIVEN = {
    "sigmoid": _NETWORK,
    "self_information": "rare = torch.tensor(0.3)",
    "entropy": "p, q = torch.tensor([0.4, 0.6]), torch.tensor([0.0, 1.0])",
    "kl_divergence": "u = torch.tensor([0.5, 0.5])\n"
    "p, q = torch.tensor([0.4, 0.6]), torch.tensor([0.0, 1.0])\n"
    "eps = 1e-30",
    "bce": "\n".join(
        [
            _NETWORK,
            "t = torch.tensor([1.0])",
            _Z,
            _A_B,
            "outputs = torch.randn(3, 5)",
            _S,
            "t4 = torch.tensor([[1.0], [0.0], [1.0], [0.0]])",
            _STREAM,
        ]
    ),
    "softmax": f"{_Z}\n{_STREAM}",
    "cross_entropy": f"{_Z}\n{_A_B}\n{_OUTPUTS}\n{_STREAM}",
    "mse": f"{_Z}\n{_A_B}",
}
