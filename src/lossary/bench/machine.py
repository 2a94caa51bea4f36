"""The machine in general words: enough to compare numbers by, nothing that names its owner."""

import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

import torch

import lossary
from lossary.core.level import asked


@dataclass(frozen=True)
class Machine:
    """What a measurement ran on."""

    processor: str
    cores: int
    threads: int
    gpu: str
    system: str
    python: str
    torch: str
    lossary: str
    kernels: str = ""  # what LOSSARY_KERNELS asks for, if anything


def describe(device: str) -> Machine:
    """The machine we are on, as torch is set up now."""
    return Machine(
        processor=processor(),
        cores=_cores(),
        threads=torch.get_num_threads(),
        gpu=torch.cuda.get_device_name() if device == "cuda" else "",
        system=_system(),
        python=platform.python_version(),
        torch=str(torch.__version__),
        lossary=lossary.__version__,
        kernels=asked(),
    )


def processor() -> str:
    """The processor's name, from wherever this system keeps it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.lower().startswith(("model name", "cpu model", "hardware")):
                return " ".join(line.split(":", 1)[1].split())
    if platform.system() == "Darwin":
        asked = ["sysctl", "-n", "machdep.cpu.brand_string"]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        if done.stdout.strip():
            return done.stdout.strip()
    return platform.processor() or platform.machine()


def _cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _system() -> str:
    # Only the first two numbers of the release: the rest can tell whose machine it is.
    release = ".".join(platform.release().split("-")[0].split(".")[:2])
    return f"{platform.system()} {release} {platform.machine()}"
