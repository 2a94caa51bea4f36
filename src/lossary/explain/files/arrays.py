"""Files of arrays: NPZ, NPY, safetensors and PyTorch's, of which slices are read."""

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
from lossary.explain.words import Words

ENDINGS = (".npz", ".npy", ".safetensors", ".pt", ".pth")


@dataclass(frozen=True)
class Array:
    """One array of a file: its shape, and its rows in pieces of ``step``, from the first on."""

    shape: tuple[int, ...]
    pieces: Callable[[int], Iterator[Tensor]]


def arrays_of(path: Path, words: Words) -> dict[str, Array]:
    """The arrays of a file by name; an NPY or a bare tensor has the name ""."""
    readers = {".npz": _npz, ".npy": _npy, ".safetensors": _safetensors}
    try:
        return readers.get(path.suffix.lower(), _torch)(path)
    except OptionError:
        raise
    except (ValueError, EOFError, RuntimeError, KeyError, zipfile.BadZipFile) as error:
        raise OptionError(words("file.unreadable", path=path, reason=_short(error))) from error
    except Exception as error:  # each library has errors of its own for a broken file
        if type(error).__module__.split(".")[0] in ("safetensors", "_pickle", "pickle"):
            reason = _short(error)
            raise OptionError(words("file.unreadable", path=path, reason=reason)) from error
        raise


def _short(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def _sliced(values: Any, shape: tuple[int, ...], tensor: Callable[[Any], Tensor]) -> Array:
    def pieces(step: int) -> Iterator[Tensor]:
        for start in range(0, shape[0] if shape else 0, step):
            yield tensor(values[start : start + step])

    return Array(shape, pieces)


def _of_numpy(values: Any) -> Tensor:
    return torch.from_numpy(np.array(values))  # a copy: what is mapped cannot be written to


def _npy(path: Path) -> dict[str, Array]:
    values = np.load(path, mmap_mode="r", allow_pickle=False)
    return {"": _sliced(values, values.shape, _of_numpy)}


def _npz(path: Path) -> dict[str, Array]:
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".npy")]
        return {name.removesuffix(".npy"): _member(path, archive, name) for name in names}


def _member(path: Path, archive: zipfile.ZipFile, name: str) -> Array:
    """An array inside an archive, unpacked as it is read."""
    with archive.open(name) as file:
        shape, fortran, dtype = _header(file)
    if fortran or dtype.hasobject or not shape:
        values = np.load(path, allow_pickle=False)[name.removesuffix(".npy")]
        return _sliced(values, values.shape, _of_numpy)
    row = int(np.prod(shape[1:], dtype=np.int64)) * dtype.itemsize

    def pieces(step: int) -> Iterator[Tensor]:
        with zipfile.ZipFile(path) as again, again.open(name) as file:
            _header(file)
            for start in range(0, shape[0], step):
                rows = min(step, shape[0] - start)
                data = np.frombuffer(file.read(rows * row), dtype).reshape(rows, *shape[1:])
                yield _of_numpy(data)

    return Array(shape, pieces)


def _header(file: Any) -> tuple[tuple[int, ...], bool, Any]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0
    if version != (1, 0):
        read = np.lib.format.read_array_header_2_0
    found: tuple[tuple[int, ...], bool, Any] = read(file)
    return found


def _safetensors(path: Path) -> dict[str, Array]:
    # Opened once here, and kept open by what is read from it later.
    file = need("safetensors").safe_open(path, framework="pt")
    slices = {name: file.get_slice(name) for name in file.keys()}
    return {
        name: _sliced(part, tuple(part.get_shape()), lambda values: values)
        for name, part in slices.items()
    }


def _torch(path: Path) -> dict[str, Array]:
    """Tensors alone: nothing in the file is run."""
    values = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    if isinstance(values, Tensor):
        named = {"": values}
    elif isinstance(values, dict):
        named = {str(key): v for key, v in values.items() if isinstance(v, Tensor)}
    elif isinstance(values, list | tuple) and len(values) == 2:
        named = dict(zip(("prediction", "target"), values, strict=True))
    else:
        raise ValueError(f"it holds a {type(values).__name__}, not tensors by name")
    return {name: _sliced(t, tuple(t.shape), Tensor.detach) for name, t in named.items()}
