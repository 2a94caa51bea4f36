"""Running the command line as its own process, the way a shell does."""

import os
import subprocess
import sys

COMMAND = [sys.executable, "-m", "lossary"]


def environment(**changes: str) -> dict[str, str]:
    """The environment without a language, a width or a wish about colour, plus changes."""
    unset = (
        "LC_ALL",
        "LC_MESSAGES",
        "LANG",
        "COLUMNS",
        "NO_COLOR",
        "FORCE_COLOR",
        "TTY_COMPATIBLE",
    )
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    return {**kept, "PYTHONUTF8": "1", **changes}


def lossary(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run ``lossary`` to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment(**changes),
        timeout=120,
        check=False,
    )
