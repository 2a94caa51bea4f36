"""The notebook runs from top to bottom and prints what it printed when it was written."""

import re
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).resolve().parents[2] / "examples" / "loss_functions.ipynb"
STUDY = (
    "0.42035338282585144 0.6730 0.0000 -1.2040 0.0204 33.8456 0.5796, 0.4204 0.8667 0.0986"
    " 2.3930 1.7011 -0.9629 2.3407 0.8104 0.7226"
).split()


class ThisPython(AsyncKernelManager):  # type: ignore[misc]
    """Starts the Python that runs the tests, whatever kernels are or are not registered."""

    @property
    def kernel_spec(self) -> Any:
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="this Python", language="python")


@pytest.fixture(scope="module")
def written() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Any:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        patch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        client = NotebookClient(
            notebook, timeout=120, record_timing=False, kernel_manager_class=ThisPython
        )
        client.execute()
    return notebook


def printed(cell: Any) -> str:
    """What a cell wrote to stdout."""
    outputs = cell.get("outputs", [])
    return "".join(o["text"] for o in outputs if o["output_type"] == "stream")


def pictures(cell: Any) -> list[Any]:
    """The plots that a cell drew."""
    return [o for o in cell.outputs if "image/png" in o.get("data", {})]


def explanations(notebook: Any) -> list[str]:
    """What cells showed as pages do."""
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    return [o.data["text/html"] for o in outputs if "text/html" in o.get("data", {})]


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_it_runs_and_prints_the_same(written: Any, fresh: Any) -> None:
    for before, after in zip(code_cells(written), code_cells(fresh), strict=True):
        if "depends-on-machine" in before.metadata.get("tags", []):
            # A training's last digit may move with the processor; its asserts hold anyway.
            continue
        assert printed(after) == printed(before)
        assert len(pictures(after)) == len(pictures(before))


def test_nothing_is_written_to_stderr(written: Any, fresh: Any) -> None:
    for notebook in (written, fresh):
        for cell in code_cells(notebook):
            assert all(output.get("name") != "stderr" for output in cell.outputs)


@pytest.mark.parametrize("number", STUDY)
def test_the_studys_figures_are_in_it(written: Any, number: str) -> None:
    assert number in "".join(printed(cell) for cell in code_cells(written))


def test_it_is_executed_in_order_and_plots_are_kept(written: Any) -> None:
    counts = [cell.execution_count for cell in code_cells(written)]
    assert counts == list(range(1, len(counts) + 1))
    assert sum(len(pictures(cell)) for cell in code_cells(written)) == 6


def test_explanations_are_shown_in_both_languages(written: Any, fresh: Any) -> None:
    for notebook in (written, fresh):
        shown = explanations(notebook)
        assert [re.findall(r'lang="(\w+)"', html)[0] for html in shown] == ["en", "ko"] * 2
        assert all(html.startswith('<div class="lossary-explain"') for html in shown)
    # Of one example nothing hangs on a training.
    assert explanations(written)[:2] == explanations(fresh)[:2], "run: make explain-pages"
    assert "Worse than guessing: 2.393 nats" in explanations(written)[0]


def test_every_text_is_in_both_languages(written: Any) -> None:
    for cell in written.cells:
        if cell.cell_type == "markdown":
            assert len(re.findall("[가-힣]", cell.source)) > 40
            assert len(re.findall(r"\b[a-z]{3,}\b", cell.source)) > 15


def test_it_is_written_against_our_door(written: Any) -> None:
    source = "\n".join(cell.source for cell in code_cells(written))
    assert "import lossary.nn as nn" in source
    assert not re.search(r"^(import|from) torch\.nn", source, flags=re.MULTILINE)


def test_no_path_of_a_machine_is_left_in_it() -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w+/=])/(home|root|work|tmp|Users|usr|opt)/|[A-Z]:\\\\", text)
