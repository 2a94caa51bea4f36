"""Prediction files of every kind say what the tensors in memory say; faults name their row."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import save_file

from lossary.explain import explain, source, temperature
from lossary.explain.files import arrays, delimited
from tests.cli.process import lossary
from tests.explain.test_laws import numbers

NAMES = ("cat", "dog", "owl")
ROWS = 500


def made() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(ROWS, 3, generator=generator, dtype=torch.float64)
    return x, torch.randint(3, (ROWS,), generator=generator)


def csv(path: Path) -> Path:
    x, y = made()
    head = ",".join(["id", *(f"logit_{name}" for name in NAMES), "target"])
    lines = [
        ",".join([str(i), *map(repr, row.tolist()), NAMES[int(k)]])
        for i, (row, k) in enumerate(zip(x, y, strict=True))
    ]
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return path


def parquet(path: Path) -> Path:
    x, y = made()
    columns = {f"logit_{name}": x[:, k].numpy() for k, name in enumerate(NAMES)}
    pq.write_table(pa.table({**columns, "label": y.numpy()}), path, row_group_size=100)
    return path


def npz(path: Path) -> Path:
    x, y = made()
    np.savez_compressed(path, logits=x.numpy(), target=y.numpy())
    return path


def safetensors(path: Path) -> Path:
    x, y = made()
    save_file({"logits": x, "target": y}, path)
    return path


def pt(path: Path) -> Path:
    x, y = made()
    torch.save({"logits": x, "target": y}, path)
    return path


@pytest.mark.parametrize("write", [csv, parquet, npz, safetensors, pt])
def test_every_format_says_what_memory_says(
    write: Callable[[Path], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lossary.explain.door import explain_source
    from lossary.explain.files import reading
    from lossary.explain.files.wish import Wish
    from lossary.explain.view import View
    from lossary.explain.words import Words

    for module, name, value in (
        (source, "BLOCK_ENTRIES", 64),
        (delimited, "CSV_BLOCK_BYTES", 4000),
        (delimited, "NUMBER_BYTES", 1),
        (temperature, "KEPT", 600),  # fewer than there are: the search reads the file again
    ):
        monkeypatch.setattr(module, name, value)
    path = write(tmp_path / f"predictions.{write.__name__}")
    told: list[int] = []
    read = reading.reading((path,), Wish(), (), Words("en"), told.append)
    found = explain_source(read.question, read.source, View(read.class_names))
    x, y = made()
    exact = explain("cross_entropy", x, y, class_names=read.class_names)
    left, right = numbers(found), numbers(exact)
    assert left.keys() == right.keys()
    for key, value in left.items():
        near = 1e-6 if "temperature" in key else 1e-9
        assert value == (pytest.approx(right[key], rel=near) if value != right[key] else value), key
    assert [e.index for e in found.hardest] == [e.index for e in exact.hardest]
    assert len(told) > 10
    assert sum(told) > ROWS
    assert sum(told) % ROWS == 0
    if write in (csv, parquet):
        assert read.class_names == NAMES


def test_two_files_of_numpy(tmp_path: Path) -> None:
    x, y = made()
    np.save(tmp_path / "x.npy", x.numpy())
    np.save(tmp_path / "y.npy", y.numpy())
    ran = lossary("explain", str(tmp_path / "x.npy"), str(tmp_path / "y.npy"), "--json")
    assert ran.returncode == 0, ran.stderr
    whole = json.loads(ran.stdout)
    exact = explain("cross_entropy", x, y)
    assert whole["schema_version"] == 1
    assert whole["value"] == pytest.approx(exact.value, rel=1e-12)


def test_nothing_in_a_torch_file_is_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "touched",))

    torch.save({"logits": Evil()}, tmp_path / "evil.pt")
    ran = lossary("explain", str(tmp_path / "evil.pt"))
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr
    assert not (tmp_path / "touched").exists()


HEAD = "a,b,y\n"
FAULTS = {
    "ragged": (HEAD + "1,2,0\n3,4\n5,6,1\n", ["--logits", "a,b"], "row 2", "2 cells"),
    "a word": (HEAD + "1,2,0\n1,2,0\n3,x,1\n", ["--logits", "a,b"], "row 3", "'x'"),
    "nothing": (HEAD + "1,,0\n", ["--logits", "a,b"], "row 1", "no value"),
    "not a number": (HEAD + "1,2,0\n1,NAN,0\n", ["--logits", "a,b"], "row 2", "not a number"),
    "a sum": (HEAD + ".5,.5,0\n.9,.3,1\n5,6,1\n", ["--probs", "a,b"], "row 2", "1.2"),
    "scores": (HEAD + ".5,.5,0\n5,6,1\n", ["--probs", "a,b"], "row 2", "--logits"),
    "no class": (HEAD + "1,2,0\n1,2,2\n", ["--logits", "a,b"], "row 2", "from 0 to 1"),
    "a fraction": (HEAD + "1,2,0.5\n", ["--logits", "a,b"], "row 1", "whole number"),
    "no column": (HEAD + "1,2,0\n", ["--logits", "c*"], "a, b, y", "c*"),
    "no guess": (HEAD + "1,2,0\n", [], "--logits", "a, b, y"),
    "two kinds": (HEAD + "1,2,0\n", ["--logits", "a", "--probs", "b"], "--probs", "at once"),
    "a wrong loss": (HEAD + "1,2,0\n", ["--logits", "a,b", "--loss", "mse_loss"], "mse_loss",
                     "--prediction"),
    "an unknown loss": (HEAD + "1,2,0\n", ["--logits", "a,b", "--loss", "foc"], "foc", "one of"),
    "empty": ("", ["--logits", "a,b"], "empty", "first line"),
    "twice": ("a,a,y\n1,2,0\n", ["--logits", "a"], "two columns", "a"),
    "words": ("a,b,y\n1,2,cat\n", ["--logits", "a,b"], "--class-names", "words"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_with_its_row_and_a_way_out(fault: str, tmp_path: Path) -> None:
    text, options, *told = FAULTS[fault]
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    page = tmp_path / "report.html"
    ran = lossary("explain", str(path), *options, "--out", str(page))
    assert ran.returncode == 2
    assert ran.stdout == ""
    for part in told:
        assert part in ran.stderr, ran.stderr
    assert "Traceback" not in ran.stderr
    assert not page.exists()


@pytest.mark.parametrize("ending", ["csv", "parquet", "npz", "npy", "safetensors", "pt", "xyz"])
def test_a_broken_file_is_refused(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"broken.{ending}"
    path.write_bytes(b"\x93NUMPY\x00\xff\xfe\x80 not a file of this kind")
    ran = lossary("explain", str(path), "--lang", "ko")
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr
    assert ran.stderr.startswith("explain:")


def test_soft_targets_many_labels_and_quantities(tmp_path: Path) -> None:
    path = tmp_path / "soft.csv"
    path.write_text("l_a,l_b,t_a,t_b\n1,2,.3,.7\n0,1,.5,.5\n", encoding="utf-8")
    ran = lossary("explain", str(path), "--logits", "l_*", "--target", "t_*", "--json")
    soft = json.loads(ran.stdout)["classification"]["baselines"]
    assert soft["entropy_nats"] > 0
    ran = lossary("explain", str(path), "--probs", "t_*", "--target", "t_*", "--loss",
                  "binary_cross_entropy", "--json")  # fmt: skip
    assert json.loads(ran.stdout)["classification"]["classes"] == 2
    ran = lossary("explain", str(path), "--prediction", "l_a", "--target", "t_a")
    assert ran.returncode == 0
    assert "mse_loss" in ran.stdout


def test_an_archive_is_unpacked_as_it_is_read(tmp_path: Path) -> None:
    from lossary.explain.words import Words

    path = npz(tmp_path / "a.npz")
    array = arrays.arrays_of(path, Words("en"))["logits"]
    assert array.pieces is not None
    pieces = list(array.pieces(99))
    assert [len(piece) for piece in pieces] == [99] * 5 + [5]
    assert torch.equal(torch.cat(pieces), made()[0])
