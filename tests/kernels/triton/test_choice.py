"""When Triton runs, what is said where it does not, and that nothing needs it."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

import lossary.functional as F
from lossary.kernels import explain_choice

X, Y = torch.randn(4, 20), torch.tensor([0, 1, 2, 3])


def reason(*arguments: torch.Tensor) -> str:
    (choice,) = explain_choice(F.cross_entropy, *arguments)
    assert choice.path != "triton"
    return choice.reason


def test_what_is_not_served_goes_its_way_and_says_why() -> None:
    assert explain_choice(F.cross_entropy, X, Y)[0].reason == "80 entries, in Triton"
    assert "float64" in reason(X.double(), Y)
    assert "side by side" in reason(X[:, ::2], Y)
    assert "last of two dimensions" in reason(X.view(4, 5, 4), torch.zeros(4, 4).long())
    assert "torch.func" in explain_choice(torch.func.vmap(F.cross_entropy), X, Y)[0].reason
    (choice,) = explain_choice(F.soft_margin_loss, X, X.sign())
    assert "no kernel in Triton" in choice.reason


def test_by_name_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOSSARY_KERNELS")
    (choice,) = explain_choice(F.cross_entropy, X, Y)
    assert choice.path == "once"
    assert "Triton" not in choice.reason


def test_on_a_cpu_only_in_the_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_INTERPRET", "0")
    assert "TRITON_INTERPRET=1" in reason(X, Y)


def test_without_triton_the_install_line_is_said() -> None:
    code = (
        "import sys; sys.modules['triton'] = None\n"
        "import torch, lossary.functional as F\n"
        "from lossary.kernels import explain_choice\n"
        "x, y = torch.randn(4, 20, requires_grad=True), torch.tensor([0, 1, 2, 3])\n"
        "print(explain_choice(F.cross_entropy, x, y)[0].reason)\n"
        "F.cross_entropy(x, y).backward()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert 'pip install "lossary[gpu]"' in done.stdout


def test_triton_imported_too_early_is_said() -> None:
    code = (
        "import os; os.environ.pop('TRITON_INTERPRET'); import triton.language\n"
        "os.environ['TRITON_INTERPRET'] = '1'\n"
        "import torch, lossary.functional as F\n"
        "from lossary.kernels import explain_choice\n"
        "print(explain_choice(F.cross_entropy, torch.randn(4, 9), torch.zeros(4).long()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert "imported before" in done.stdout
