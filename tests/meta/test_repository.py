"""The layout holds: imports point down, files stay small, doors and documents are complete."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "lossary"

# Each room may import the rooms to the right of its colon, itself, and nothing else of ours.
BELOW = {
    "core": set(),
    "kernels": {"core"},
    "entropies": {"kernels", "core"},
    "information": {"entropies", "kernels", "core"},
    "losses": {"entropies", "kernels", "core"},
    "functional": {"losses", "core"},
    "nn": {"functional", "losses", "core"},
    "console": {"core"},
    "tour": {
        "console",
        "explain",
        "nn",
        "functional",
        "losses",
        "information",
        "entropies",
        "core",
        "lossary",
    },
    "bench": {"console", "functional", "core", "lossary"},
    "explain": {"console", "functional", "information", "kernels", "core", "lossary"},
    "cli": {"console", "tour", "bench", "explain", "lossary"},
    "__main__": {"cli"},
}

# What `import lossary.nn` may load besides torch and the standard library: nothing.
HEAVY = ("triton", "matplotlib", "sklearn", "starlette", "click", "rich", "mpmath", "numba")


def python_files() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def room_of(path: Path) -> str:
    part = path.relative_to(SOURCE).parts[0]
    return part.removesuffix(".py")


def our_imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
            if node.module == "lossary":
                names = [f"lossary.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name == "lossary" or name.startswith("lossary."):
                yield name, node.lineno


def wrong_directions(source: str, room: str) -> list[str]:
    wrong = []
    for name, line in our_imports(ast.parse(source)):
        parts = name.split(".")
        target = parts[1] if len(parts) > 1 else "lossary"
        if target == "__version__":
            target = "lossary"
        if target != room and target not in BELOW[room]:
            wrong.append(f"{room} imports {name} (line {line})")
    return wrong


@pytest.mark.parametrize("path", python_files(), ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_point_down(path: Path) -> None:
    if path == SOURCE / "__init__.py":
        return
    assert not wrong_directions(path.read_text(encoding="utf-8"), room_of(path))


def test_a_planted_import_upwards_is_found() -> None:
    assert wrong_directions("from lossary.losses.mse import mse_loss\n", "core")
    assert wrong_directions("import lossary.tour\n", "losses")
    assert not wrong_directions("from lossary.core import checks\n", "losses")


def test_every_room_has_a_place_in_the_order() -> None:
    rooms = {room_of(path) for path in python_files()} - {"__init__"}
    assert rooms == set(BELOW)


def test_core_imports_torch_and_the_standard_library_only() -> None:
    for path in (SOURCE / "core").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            for name in names:
                top = name.split(".")[0]
                assert top in {"torch", "lossary"} or top in sys.stdlib_module_names, (path, name)


@pytest.mark.parametrize(("folder", "most"), [("src", 300), ("tests", 500)])
def test_files_stay_small(folder: str, most: int) -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in (ROOT / folder).rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > most
    }
    assert not long


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


def test_the_doors_load_nothing_heavy() -> None:
    loaded = run("import sys, lossary.nn, lossary.functional; print(*sys.modules)").split()
    tops = {name.split(".")[0] for name in loaded}
    # torch may itself load a library of the list; what counts is what we add.
    torch_tops = {
        name.split(".")[0] for name in run("import sys, torch; print(*sys.modules)").split()
    }
    assert not (tops - torch_tops) & set(HEAVY)


def test_import_lossary_alone_does_not_import_torch() -> None:
    assert run("import sys, lossary; print('torch' in sys.modules)").strip() == "False"


def test_every_export_exists() -> None:
    import lossary

    for name in lossary.__all__:
        assert getattr(lossary, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = lossary.no_such_name


def test_the_readme_maps_every_folder() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    folders = {p.name for p in SOURCE.iterdir() if p.is_dir() and (p / "__init__.py").exists()}
    missing = {name for name in folders if f"`src/lossary/{name}/`" not in readme}
    assert not missing


def test_every_difference_names_its_test() -> None:
    page = (ROOT / "docs" / "differences.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)", page)
    assert len(named) >= 8
    for file, test in named:
        assert f"def {test}" in (ROOT / file).read_text(encoding="utf-8"), (file, test)


def test_constraints_pin_torch_and_everything_else() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert "torch==2.13.0" in pins
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in pins)
