"""Help, version and completion answer at once: they never import torch."""

import subprocess
import sys

import pytest

import lossary as package
from tests.cli.process import COMMAND, environment, lossary

HEAVY = ("torch", "rich", "mpmath", "sklearn", "matplotlib", "numpy")


def modules_after(*arguments: str) -> set[str]:
    """Top-level modules in memory when the command line is done."""
    code = (
        "import sys\n"
        "from lossary.cli import run\n"
        f"run({list(arguments)!r})\n"
        "print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True
    )
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("-h",),
        ("--version",),
        ("tour", "--help"),
        ("tour", "--lang", "x"),
        ("bench", "--help"),
        ("bench", "--vocab", "8k"),
        ("bench", "--rows", "x"),
        ("bench", "--csv", "no/such/folder.csv"),
    ],
)
def test_nothing_heavy_is_imported(arguments: tuple[str, ...]) -> None:
    loaded = modules_after(*arguments)
    assert "click" in loaded
    assert not loaded & set(HEAVY)


def test_completion_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from click.shell_completion import BashComplete\n"
        "from lossary.cli import lossary\n"
        "complete = BashComplete(lossary, {}, 'lossary', '_LOSSARY_COMPLETE')\n"
        "print([item.value for item in complete.get_completions([], '')])\n"
        "print([item.value for item in complete.get_completions(['tour'], '--')])\n"
        "print([item.value for item in complete.get_completions(['tour', '--lang'], '')])\n"
        "print(*{name.split('.')[0] for name in sys.modules})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True
    )
    commands, options, languages, loaded = done.stdout.splitlines()
    assert commands == "['tour', 'explain', 'bench']"
    assert options == "['--lang', '--json', '--out', '--help']"
    assert languages == "['en', 'ko']"
    assert not set(loaded.split()) & set(HEAVY)


def test_completion_through_the_shells_protocol() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from lossary.cli import main; main()"],
        capture_output=True,
        text=True,
        env=environment(_LOSSARY_COMPLETE="bash_complete", COMP_WORDS="lossary to", COMP_CWORD="1"),
        check=False,
    )
    assert done.stdout.split() == ["plain,tour"]


def test_version_and_help() -> None:
    version = lossary("--version")
    assert version.stdout == f"lossary, version {package.__version__}\n"
    help_text = lossary("--help")
    assert "tour     Walk from a sigmoid" in help_text.stdout
    assert "bench    Measure time, memory and error" in help_text.stdout
    assert version.returncode == help_text.returncode == 0
    assert COMMAND[1:] == ["-m", "lossary"]


def test_help_speaks_the_locales_language() -> None:
    assert "Language of the text" in lossary("tour", "--help").stdout
    assert "글의 언어" in lossary("tour", "--help", LANG="ko_KR.UTF-8").stdout
    assert "1분 안에" in lossary("bench", "--help", LANG="ko_KR.UTF-8").stdout


@pytest.mark.parametrize("arguments", [(), ("tuor",), ("tour", "--lang", "fr"), ("tour", "extra")])
def test_wrong_use_is_2_and_no_traceback(arguments: tuple[str, ...]) -> None:
    done = lossary(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Usage:" in done.stderr
    assert "Traceback" not in done.stderr
