"""README says true things: its table's numbers, its example, its error."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as torch_functional

import lossary
import lossary.functional as lossary_functional
import lossary.nn as nn
from tools import explain_pages

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")


def cells(row: str) -> list[str]:
    """The torch and Lossary columns of the table's row that begins with these words."""
    line = next(line for line in README.splitlines() if line.startswith(f"| {row}"))
    return [cell.strip() for cell in line.split("|")[2:4]]


def agree(shown: str, number: float) -> bool:
    if shown == "nan":
        return math.isnan(number)
    return float(shown) == number or math.isclose(float(shown), number, rel_tol=2e-4)


def certain(f: Any) -> Any:
    return f.cross_entropy(torch.tensor([20.0, 0.0]), torch.tensor(0))


def certain_slope(f: Any) -> Any:
    x = torch.tensor([20.0, 0.0], requires_grad=True)
    return torch.autograd.grad(f.cross_entropy(x, torch.tensor(0)), x)[0][0]


def binary(f: Any) -> Any:
    return f.binary_cross_entropy_with_logits(torch.tensor([-20.0]), torch.zeros(1))


def sigmoid_then_binary(f: Any) -> Any:
    return f.binary_cross_entropy(f.sigmoid(torch.tensor([20.0])), torch.zeros(1))


def sigmoid_slope(f: Any) -> Any:
    z = torch.tensor([20.0], requires_grad=True)
    loss = f.binary_cross_entropy(f.sigmoid(z * 1), torch.zeros(1))
    return torch.autograd.grad(loss, z)[0]


def masked(f: Any) -> Any:
    x = torch.tensor([0.0, 1.0, -math.inf])
    return f.cross_entropy(x, torch.tensor([1.0, 0.0, 0.0]))


def many_halves(f: Any) -> Any:
    x = torch.tensor([[1.0, 0.0]]).expand(65_536, 2).half()
    return f.cross_entropy(x, torch.zeros(65_536, dtype=torch.long))


def all_ignored(f: Any) -> Any:
    return f.cross_entropy(torch.zeros(2, 3), torch.full((2,), -100))


def far_margin(f: Any) -> Any:
    return f.soft_margin_loss(torch.tensor([-89.0]), torch.ones(1))


ROWS: dict[str, Callable[[Any], Any]] = {
    "cross-entropy, logits [20, 0]": certain,
    "... its gradient for class 0": certain_slope,
    "BCE with logits, -20": binary,
    "sigmoid, then BCE": sigmoid_then_binary,
    "... its gradient |": sigmoid_slope,
    "cross-entropy, a masked class": masked,
    "cross-entropy, float16": many_halves,
    "cross-entropy, every target ignored": all_ignored,
    "soft margin": far_margin,
}


@pytest.mark.parametrize("row", ROWS)
def test_the_table_shows_what_comes_out(row: str) -> None:
    for shown, module in zip(cells(row), (torch_functional, lossary_functional), strict=True):
        number = ROWS[row](module).item()
        assert agree(shown, number), (row, shown, number)


def test_the_row_on_divergences() -> None:
    theirs = ours = 0
    for seed in range(50):
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(10, generator=generator)
        y = x + 1e-4 * torch.randn(10, generator=generator)
        p, log_q = x.softmax(0), y.log_softmax(0)
        theirs += int(torch_functional.kl_div(log_q, p, reduction="sum").item() < 0)
        ours += int(lossary.kl_divergence(lossary.Logits(x), lossary.Logits(y)).item() < 0)
    assert cells("KL of two distributions") == ["half negative", "none negative"]
    # How many exactly depends on the order in which a processor's lanes are added.
    assert 15 <= theirs <= 35
    assert ours == 0


def python(containing: str) -> str:
    """The README's piece of Python in which something stands."""
    pieces = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    (found,) = (piece for piece in pieces if containing in piece)
    return str(found)


def test_the_example_runs() -> None:
    names: dict[str, Any] = {}
    exec(python("kl_divergence"), names)
    truth = names["truth"]
    assert lossary.entropy(truth, base=2).item() == 1
    assert lossary.kl_divergence(truth, torch.tensor([0.0, 1.0])).item() == math.inf


def test_the_explanation_in_python_is_the_one_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    scores, labels = explain_pages.predictions()
    given = {"lossary": lossary, "nn": nn, "scores": scores, "labels": labels}
    exec(python("lossary.explain"), given)
    shown = re.search(r"```console\n\$ lossary explain .*?\n(.*?)```", README, re.DOTALL)
    assert shown is not None
    # What is printed here is as wide as a terminal may be, and so broken elsewhere.
    told, here = (
        explain_pages.masked(" ".join(text.replace("─", "").split()))
        for text in (shown[1], capsys.readouterr().out)
    )
    assert here.startswith(told)
    assert (tmp_path / "loss.html").is_file()


def test_torch_sends_no_gradient_where_the_explanation_says_so() -> None:
    x, labels = explain_pages.predictions()
    torch_functional.cross_entropy(x.requires_grad_(), labels, reduction="sum").backward()
    assert x.grad is not None
    without = x.grad.gather(1, labels.unsqueeze(1)) == 0
    found = explain_pages.explained().classification
    assert found is not None
    assert found.saturated == int(without.sum())
    # How many exactly depends on the order in which a processor's lanes are added.
    shown = re.search(r"• (\d+) predictions \(.*so certain", README)
    assert shown is not None
    assert abs(int(shown[1]) - found.saturated) <= 5


def test_the_error_is_the_one_shown() -> None:
    shown = re.search(r"```text\n(.*?)```", README, re.DOTALL)
    assert shown is not None
    with pytest.raises(ValueError, match="mse_loss") as caught:
        lossary_functional.mse_loss(torch.zeros(4, 1), torch.zeros(4))
    assert str(caught.value).strip() == shown[1].strip()
