"""Every kernel compiles for a GPU, also where there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    "dtypes", [["bf16"], pytest.param(["fp32", "bf16"], marks=pytest.mark.slow)]
)
def test_every_kernel_compiles(dtypes: list[str]) -> None:
    kept = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    kept |= {"TRITON_CACHE_DIR": str(ROOT / ".pytest_cache" / "triton"), "PYTHONPATH": str(ROOT)}
    code = [sys.executable, "-W", "ignore", "-m", "tests.kernels.triton.compiled", *dtypes]
    done = subprocess.run(
        code, capture_output=True, text=True, check=False, timeout=300, env=kept, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(done.stdout.splitlines()) >= 20
