"""Draw docs/images/saturation.svg: the loss and slope of an ever surer, right prediction."""

import sys
from pathlib import Path

import matplotlib as mpl
import torch
import torch.nn.functional as torch_functional
from torch import Tensor

import lossary.functional as lossary_functional

TARGET = Path(__file__).resolve().parents[1] / "docs" / "images" / "saturation.svg"


def loss_and_slope(function: object, lead: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy of logits [lead, 0] for class 0, and the size of its slope for the truth."""
    assert callable(function)
    x = torch.stack((lead, torch.zeros_like(lead)), 1).requires_grad_()
    losses = function(x, torch.zeros(len(lead), dtype=torch.long), reduction="none")
    (slope,) = torch.autograd.grad(losses.sum(), x)
    return losses.detach(), slope[:, 0].abs()


def main() -> int:
    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "lossary"
    from matplotlib import pyplot

    lead = torch.linspace(0, 40, 401)
    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.2), sharey=True, layout="constrained")
    for name, module, style in (
        ("Lossary", lossary_functional, {"color": "#0b6e4f", "linewidth": 4, "alpha": 0.45}),
        ("torch", torch_functional, {"color": "#c1121f", "linewidth": 1.2}),
    ):
        for ax, numbers in zip(axes, loss_and_slope(module.cross_entropy, lead), strict=True):
            ax.semilogy(lead, numbers.where(numbers > 0, torch.nan), label=name, **style)
    for ax, title in zip(axes, ("loss (nats)", "slope for the true class"), strict=True):
        ax.set(title=title, xlabel="lead of the true class's logit", ylim=(1e-18, 3))
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(alpha=0.25)
    axes[0].annotate(
        "torch: 0 from here on", (16.9, 6e-8), (19, 1e-4), arrowprops={"arrowstyle": "->"}
    )
    axes[1].legend(frameon=False)
    TARGET.parent.mkdir(exist_ok=True)
    figure.savefig(TARGET, metadata={"Date": None})
    print(TARGET)
    return 0


if __name__ == "__main__":
    sys.exit(main())
