"""Files of arrays: NPZ, NPY, safetensors and PyTorch's, of which slices are read.

What is mapped into memory counts there until it is let go: a file is opened anew for each piece.
"""

import pickle
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lossary.console.optional import need
from lossary.core.errors import OptionError
from lossary.explain.files import faults
from lossary.explain.words import Words

ENDINGS = (".npz", ".npy", ".safetensors", ".pt", ".pth")


@dataclass(frozen=True)
class Array:
    """One array of a file: what it holds, and its rows in pieces of ``step``, from the first on.

    ``pieces`` is None where it holds no real numbers.
    """

    shape: tuple[int, ...]
    kind: str
    pieces: Callable[[int], Iterator[Tensor]] | None


def arrays_of(path: Path, words: Words) -> dict[str, Array]:
    """The arrays of a file by name; an NPY or a bare tensor has the name ""."""
    readers = {".npz": _npz, ".npy": _npy, ".safetensors": _safetensors}
    with faults.told(words, path):
        try:
            return readers.get(path.suffix.lower(), _torch)(path)
        except pickle.UnpicklingError as error:
            # A file of torch's is an archive: within it, what is refused is no tensor.
            if not zipfile.is_zipfile(path):
                raise
            raise OptionError(words("file.objects", path=path)) from error


def _npy(path: Path) -> dict[str, Array]:
    with path.open("rb") as file:
        shape, fortran, dtype = _header(file)
        begin = file.tell()

    def pieces(step: int) -> Iterator[Tensor]:
        if fortran:
            values = np.load(path, mmap_mode="r", allow_pickle=False)
            for start in range(0, shape[0], step):
                yield _of_numpy(values[start : start + step])
            return
        with path.open("rb") as file:
            file.seek(begin)
            yield from _rows(file, shape, dtype, step)

    return {"": _array(shape, dtype, pieces)}


def _npz(path: Path) -> dict[str, Array]:
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".npy")]
        return {name.removesuffix(".npy"): _member(path, archive, name) for name in names}


def _member(path: Path, archive: zipfile.ZipFile, name: str) -> Array:
    """An array inside an archive, unpacked as it is read."""
    with archive.open(name) as file:
        shape, fortran, dtype = _header(file)

    def pieces(step: int) -> Iterator[Tensor]:
        if fortran:
            values = np.load(path, allow_pickle=False)[name.removesuffix(".npy")]
            for start in range(0, shape[0], step):
                yield _of_numpy(values[start : start + step])
            return
        with zipfile.ZipFile(path) as again, again.open(name) as file:
            _header(file)
            yield from _rows(file, shape, dtype, step)

    return _array(shape, dtype, pieces)


def _header(file: Any) -> tuple[tuple[int, ...], bool, Any]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0
    if version != (1, 0):
        read = np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(file)
    return shape, fortran and len(shape) > 1, dtype


def _array(shape: tuple[int, ...], dtype: Any, pieces: Callable[[int], Iterator[Tensor]]) -> Array:
    return Array(shape, str(dtype), pieces if dtype.kind in "biuf" else None)


def _rows(file: Any, shape: tuple[int, ...], dtype: Any, step: int) -> Iterator[Tensor]:
    row = int(np.prod(shape[1:], dtype=np.int64)) * dtype.itemsize
    for start in range(0, shape[0], step):
        rows = min(step, shape[0] - start)
        data = file.read(rows * row)
        if len(data) < rows * row:
            raise EOFError(f"it ends within row {start + len(data) // max(1, row) + 1:,}")
        yield _of_numpy(np.frombuffer(data, dtype).reshape(rows, *shape[1:]))


def _of_numpy(values: Any) -> Tensor:
    # A copy, in this machine's byte order: torch knows no other, and no long double.
    plain = values.dtype.newbyteorder("=") if values.dtype.itemsize <= 8 else np.float64
    return torch.from_numpy(np.array(values, dtype=plain, order="C"))


def _safetensors(path: Path) -> dict[str, Array]:
    safe_open = need("safetensors").safe_open
    with safe_open(path, framework="pt") as file:
        slices = {name: file.get_slice(name) for name in file.keys()}
        shapes = {name: (tuple(s.get_shape()), s.get_dtype()) for name, s in slices.items()}

    def reader(name: str, count: int) -> Callable[[int], Iterator[Tensor]]:
        def pieces(step: int) -> Iterator[Tensor]:
            for start in range(0, count, step):
                with safe_open(path, framework="pt") as file:
                    yield file.get_slice(name)[start : start + step]

        return pieces

    return {
        name: Array(shape, kind, reader(name, shape[0]) if shape and kind[0] != "C" else None)
        for name, (shape, kind) in shapes.items()
    }


def _torch(path: Path) -> dict[str, Array]:
    def reader(name: str, count: int) -> Callable[[int], Iterator[Tensor]]:
        def pieces(step: int) -> Iterator[Tensor]:
            for start in range(0, count, step):
                yield _tensors(path)[name][start : start + step].detach().clone()

        return pieces

    return {
        name: Array(tuple(t.shape), _kind(t), reader(name, len(t)) if _is_plain(t) else None)
        for name, t in _tensors(path).items()
    }


def _tensors(path: Path) -> dict[str, Tensor]:
    """Tensors alone: nothing in the file is run."""
    mapped = zipfile.is_zipfile(path)  # torch's files of long ago cannot be
    values = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    if isinstance(values, Tensor):
        return {"": values}
    if isinstance(values, list | tuple) and len(values) == 2:
        values = dict(zip(("prediction", "target"), values, strict=True))
    if not isinstance(values, dict):
        raise ValueError(f"it holds one {type(values).__name__}, not tensors by name")
    return {str(key): value for key, value in values.items() if isinstance(value, Tensor)}


def _is_plain(t: Tensor) -> bool:
    is_whole = t.layout == torch.strided and not t.is_quantized and t.device.type == "cpu"
    return is_whole and not t.is_complex() and t.dim() > 0


def _kind(t: Tensor) -> str:
    kind = str(t.dtype).removeprefix("torch.")
    return kind if t.layout == torch.strided else f"{kind}, {t.layout}".replace("torch.", "")
