"""Is what the learner's code gave the same as what was expected, and if not, where?

Tensors, arrays and numbers are compared by value, so that a NumPy answer counts as well as one in
PyTorch; lists, tuples, dictionaries and dataclasses item by item.
"""

import dataclasses
from collections.abc import Mapping, Sequence, Set
from typing import Any

import numpy as np
import torch

# What a learner's own object may raise when it is looked at.
ANYTHING = (Exception, KeyboardInterrupt, SystemExit)

TOLERANCE = {2: 1e-2, 4: 1e-4, 8: 1e-7}  # bytes of the coarser float type → relative tolerance


def difference(expected: Any, got: Any, tolerance: float | None = None) -> str | None:
    """None when the two agree, otherwise where and how they do not, in one line.

    >>> difference([1.0, 2.0], (1.0, 2.0))
    >>> difference(torch.tensor([1.0, 2.0]), np.array([1.0, 3.0]))
    'at [1]: expected 2, got 3'
    >>> difference(torch.zeros(2, 3), torch.zeros(3, 2))
    'expected shape (2, 3), got (3, 2)'
    """
    try:
        return _difference(expected, got, tolerance)
    except ANYTHING:  # a value that cannot even be compared is certainly another one
        return f"expected {describe(expected)}, got {describe(got)}"


def _difference(expected, got, tolerance) -> str | None:
    if isinstance(expected, torch.Tensor | np.ndarray | np.generic):
        return _array_difference(expected, got, tolerance)
    if isinstance(expected, bool | str | bytes) or expected is None:
        got = got.item() if _size(got) == 1 else got
        same = type(got) is type(expected) and got == expected
        return None if same else f"expected {describe(expected)}, got {describe(got)}"
    if isinstance(expected, int | float | complex):
        return _array_difference(np.asarray(expected), got, tolerance)
    if dataclasses.is_dataclass(expected):
        names = [field.name for field in dataclasses.fields(expected)]
        missing = [name for name in names if not hasattr(got, name)]
        if missing:
            return f"expected a {type(expected).__name__} with {missing[0]}, got {describe(got)}"
        fields = ((f".{name}", getattr(expected, name), getattr(got, name)) for name in names)
        return _first(fields, tolerance)
    if isinstance(expected, Mapping):
        if not isinstance(got, Mapping) or set(expected) != set(got):
            return f"expected {describe(expected)}, got {describe(got)}"
        return _first(((f"[{key!r}]", expected[key], got[key]) for key in expected), tolerance)
    if isinstance(expected, Sequence):
        got = got.tolist() if isinstance(got, torch.Tensor | np.ndarray) else got
        if not isinstance(got, Sequence) or isinstance(got, str) or len(got) != len(expected):
            return f"expected {describe(expected)}, got {describe(got)}"
        pairs = zip(expected, got, strict=True)
        return _first(((f"[{i}]", *pair) for i, pair in enumerate(pairs)), tolerance)
    return None if got == expected else f"expected {describe(expected)}, got {describe(got)}"


def _first(parts, tolerance) -> str | None:
    """The first difference among parts, each (name, expected, got)."""
    for name, expected, got in parts:
        found = difference(expected, got, tolerance)
        if found is not None:
            return f"at {name}: {found}"
    return None


def _size(value) -> int:
    if isinstance(value, torch.Tensor):
        return value.numel()
    return value.size if isinstance(value, np.ndarray | np.generic) else 0


def as_array(value) -> np.ndarray | None:
    """As NumPy; None when it is no rectangle of numbers."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().resolve_conj().resolve_neg().to_dense()
        if value.dtype == torch.bfloat16:
            value = value.half() if value.abs().max() < 6e4 else value.float()
        return value.numpy()
    if isinstance(value, str | bytes | Mapping | Set) or value is None:
        return None
    try:
        if isinstance(value, Sequence) and any(isinstance(v, torch.Tensor) for v in value):
            value = [as_array(v) for v in value]
        array = np.asarray(value)
    except ANYTHING:  # an object that refuses to become an array
        return None
    return array if array.dtype.kind in "biufc" else None


def _array_difference(expected, got, tolerance) -> str | None:
    wanted, given = as_array(expected), as_array(got)
    if given is None:
        return f"expected {describe(expected)}, got {describe(got)}"
    if wanted.shape != given.shape:
        return f"expected shape {wanted.shape}, got {given.shape}"
    kinds = wanted.dtype.kind, given.dtype.kind
    if "b" in kinds and kinds != ("b", "b") or kinds == ("i", "f") and wanted.ndim:
        return f"expected {wanted.dtype} values, got {given.dtype}"
    is_tensor = isinstance(expected, torch.Tensor | np.ndarray) and wanted.ndim
    if kinds == ("f", "f") and is_tensor and given.dtype.itemsize < wanted.dtype.itemsize:
        return f"expected {wanted.dtype} as in the input, got {given.dtype}"
    floats = [one.dtype.itemsize for one in (wanted, given) if one.dtype.kind in "fc"]
    close = tolerance or (TOLERANCE[min(min(floats), 8)] if floats else 0.0)
    if floats and not is_tensor and not tolerance:
        close = max(close, 1e-6)  # a float may have been computed in float32
    scale = np.abs(wanted[np.isfinite(wanted)]).max(initial=0.0) if floats else 0.0
    least = close * min(1.0, float(scale))
    same = np.isclose(given, wanted, rtol=close, atol=least, equal_nan=True)
    if same.all():
        return None
    place = tuple(int(i) for i in np.argwhere(~same)[0])
    where = f"at {list(place)}: " if place else ""
    right, wrong = _told(wanted[place], given[place])
    return f"{where}expected {right}, got {wrong}"


def _told(*values) -> list[str]:
    """Numbers in as few digits as tell them apart."""
    for digits in (6, 9, 17):
        told = [str(one) if one.dtype.kind in "biu" else f"{one:.{digits}g}" for one in values]
        if len(set(told)) == len(told):
            break
    return told


def describe(value: Any, room: int = 200) -> str:
    """A value in one line: in full when it is small, otherwise its shape and type.

    >>> describe(torch.tensor([[1.0, 2.5]]))
    'tensor [[1, 2.5]]'
    >>> describe(torch.zeros(4, 8, 16))
    'tensor of shape (4, 8, 16), float32'
    """
    try:
        return _described(value, room)
    except ANYTHING:
        return f"an object of class {type(value).__name__} that cannot be shown"


def _described(value, room: int) -> str:
    if isinstance(value, torch.Tensor | np.ndarray):
        kind = "tensor" if isinstance(value, torch.Tensor) else "array"
        shape, dtype = tuple(value.shape), str(value.dtype).removeprefix("torch.")
        if _size(value) > 16:
            return f"{kind} of shape {shape}, {dtype}"
        with np.printoptions(precision=4, suppress=True, linewidth=10_000):
            numbers = np.array2string(as_array(value), separator=", ", formatter=_FORMAT)
        return f"{kind} {' '.join(numbers.split())}" + ("" if dtype == "float32" else f", {dtype}")
    if isinstance(value, torch.Generator):
        return f"torch.Generator seeded with {value.initial_seed()}"
    if isinstance(value, torch.nn.Module):
        return f"{type(value).__name__} module"
    if isinstance(value, Mapping) and len(value) <= 8:
        text = "{" + ", ".join(f"{k!r}: {describe(v)}" for k, v in value.items()) + "}"
    elif isinstance(value, list | tuple) and len(value) <= 16:
        text = ", ".join(describe(one) for one in value)
        text = f"[{text}]" if isinstance(value, list) else f"({text})"
    elif isinstance(value, float):
        text = f"{value:.6g}"
    else:
        text = repr(value)
    return text if len(text) <= room else f"{text[:room]} … ({type(value).__name__})"


_FORMAT = {
    "float_kind": lambda x: f"{x:.4g}",
    "bool": lambda x: str(bool(x)),
}
