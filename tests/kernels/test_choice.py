"""Which way a call runs, and that it can say why."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from typing import Any

import pytest
import torch

import lossary.functional as F
from lossary.core.errors import DtypeError, OptionError
from lossary.kernels import blocks, explain_choice
from lossary.kernels.cpu import _threads
from lossary.kernels.cpu._threads import share

pytestmark = pytest.mark.usefixtures("only_small_at_once")

BIG = torch.randn(1000, 50)
LABELS = torch.randint(50, (1000,))


def path(*args: Any, **options: Any) -> str:
    (choice,) = explain_choice(F.cross_entropy, *args, **options)
    assert choice.reason
    return choice.path


def test_each_way_has_its_place() -> None:
    assert path(BIG, LABELS) == "fused"
    assert path(BIG[:3], LABELS[:3]) == "once"
    assert path(BIG[:3].double(), LABELS[:3]) == "once"
    assert path(BIG.double()[:3, ::2], LABELS[:3] // 2) == "formula"
    assert path(BIG.to("meta"), LABELS.to("meta")) == "formula"
    (choice,) = explain_choice(F.soft_margin_loss, BIG, BIG.sign())
    assert choice.path == "blocks"
    assert explain_choice(torch.nn.functional.mse_loss, BIG, BIG) == []


@pytest.mark.parametrize(("level", "expected"), [("blocks", "blocks"), ("formula", "formula")])
def test_the_environment_caps_what_may_run(
    monkeypatch: pytest.MonkeyPatch, level: str, expected: str
) -> None:
    monkeypatch.setenv("LOSSARY_KERNELS", level)
    (choice,) = explain_choice(F.cross_entropy, BIG, LABELS)
    assert choice.path == expected
    assert level in choice.reason


def test_an_unknown_level_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOSSARY_KERNELS", "fast")
    with pytest.raises(OptionError, match="LOSSARY_KERNELS is 'fast'"):
        F.cross_entropy(BIG, LABELS)


def test_an_empty_level_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOSSARY_KERNELS", "")
    assert path(BIG, LABELS) == "fused"


@pytest.mark.parametrize("given", [3, torch.tensor(0.5), "cross_entropy", None])
def test_what_is_no_loss_cannot_be_explained(given: Any) -> None:
    with pytest.raises(DtypeError, match=r"fix: explain_choice\(cross_entropy, input, target\)"):
        explain_choice(given)


def test_all_ways_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {}
    for level in ("fused", "blocks", "formula"):
        monkeypatch.setenv("LOSSARY_KERNELS", level)
        x = BIG.clone().requires_grad_()
        value = F.cross_entropy(x, LABELS, label_smoothing=0.1)
        found[level] = value.detach(), torch.autograd.grad(value, x)[0]
    for level in ("blocks", "formula"):
        for a, b in zip(found["fused"], found[level], strict=True):
            torch.testing.assert_close(a, b, rtol=2e-6, atol=1e-30)


def test_validation_makes_no_slope_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = []
    kept = blocks.kernel_or_formula

    def spy(formula: Any, options: Any, places: tuple[int, ...], block: Any) -> Any:
        wanted.append(places)
        return kept(formula, options, places, block)

    monkeypatch.setattr(blocks, "kernel_or_formula", spy)
    x = BIG.clone().requires_grad_()
    F.soft_margin_loss(x, BIG.sign())
    assert set(wanted) == {(0,)}
    wanted.clear()
    with torch.no_grad():
        F.soft_margin_loss(x, BIG.sign())
    assert set(wanted) == {()}


def test_a_fallback_is_said_at_debug_level(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="lossary.kernels"):
        F.cross_entropy(BIG, LABELS)
        torch.func.vmap(F.cross_entropy)(BIG, LABELS)
    said = [record.getMessage() for record in caplog.records]
    assert "fused" in said[0]
    assert "formula" in said[1]
    assert "torch.func" in said[1]


def test_without_numba_blocks_take_over() -> None:
    code = (
        "import sys; sys.modules['numba'] = None\n"
        "import torch, lossary.functional as F\n"
        "from lossary.kernels import explain_choice\n"
        "x, y = torch.randn(1000, 50, requires_grad=True), torch.randint(50, (1000,))\n"
        "print(explain_choice(F.cross_entropy, x, y))\n"
        "F.cross_entropy(x, y).backward()\n"
        "print(float((x.grad - (x.softmax(1) - torch.eye(50)[y]) / 1000).abs().max()) < 1e-7)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert "path='blocks'" in done.stdout
    assert "numba cannot be imported" in done.stdout
    assert done.stdout.strip().endswith("True")


def test_without_a_place_to_keep_them_kernels_are_compiled_each_time() -> None:
    code = (
        "import numba.core.caching as caching; caching.CacheImpl._locator_classes = []\n"
        "import torch, lossary.functional as F\n"
        "from lossary.kernels import explain_choice\n"
        "x, y = torch.randn(1000, 50), torch.randint(50, (1000,))\n"
        "print(explain_choice(F.cross_entropy, x, y)[0].path)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "fused"


def test_a_forked_process_makes_threads_of_its_own() -> None:
    # Plain Python in the threads: torch's own would not survive the fork.
    assert covered() == list(range(10))
    child = os.fork()
    if not child:
        signal.alarm(20)
        os._exit(0 if covered() == list(range(10)) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_fault_in_any_part_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def kernel(start: int, stop: int) -> None:
        if stop == 10:
            raise ZeroDivisionError

    torch.set_num_threads(3)
    told: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    with pytest.raises(RuntimeError, match="1 of 3 parts of a kernel failed"):
        share(kernel, 10, 2**20)
    assert told[0].exc_type is ZeroDivisionError
    monkeypatch.setattr(_threads, "_openmp", lambda: None)
    with pytest.raises(ZeroDivisionError):
        share(kernel, 10, 2**20)


@pytest.mark.parametrize("wait_s", [0.31, 0.47])
def test_ctrl_c_is_never_lost(wait_s: float) -> None:
    """A loop that does nothing but compiled kernels on two threads ends at the first one."""
    code = (
        "import torch, lossary.functional as F\n"
        "torch.set_num_threads(2)\n"
        "x, y = torch.randn(64, 4000, requires_grad=True), torch.randint(4000, (64,))\n"
        "F.cross_entropy(x, y).backward()\n"
        "print('ready', flush=True)\n"
        "while True:\n"
        "    F.cross_entropy(x, y).backward()\n"
    )
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=wait_s)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
        assert errors.strip().endswith("KeyboardInterrupt")
        assert "Exception ignored" not in errors  # a line of ours may say ignored


def test_threads_of_python_do_where_torch_has_no_openmp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_threads, "_openmp", lambda: None)
    assert covered() == list(range(10))


def covered() -> list[int]:
    """Which parts of the work were done, by two threads."""
    done: list[int] = []
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    share(lambda start, stop: done.extend(range(start, stop)), 10, 2**20)
    torch.set_num_threads(before)
    return sorted(done)
