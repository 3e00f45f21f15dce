"""Results without a specific report: their fields, one per line."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.query import Result
from rnnscope.render.report import Line, Report, sides, words
from rnnscope.text.display import safe

_LISTED = 12
_LARGEST = 5


def report(result: Result) -> Report:
    """Numbers and texts as `name value`, a list as its first elements, an array as its largest values."""
    lines: list[Line] = []
    for field in dataclasses.fields(result):
        lines += _lines(field.name.replace("_", " "), getattr(result, field.name))
    return Report(lines=tuple(lines))


def _lines(name: str, value: Any) -> list[Line]:
    if isinstance(value, list | tuple):
        more = [words(f"  … {len(value) - _LISTED:,} more", "dim")] if len(value) > _LISTED else []
        return [words(name, "dim"), *(words(f"  {_short(each)}") for each in value[:_LISTED]), *more]
    return [sides(name, _short(value))]


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, float | np.floating):
        return f"{value:.4g}"
    if dataclasses.is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return ", ".join(f"{safe(str(key))} {_short(each)}" for key, each in value.items())
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else safe(str(value))


def _array(values: NDArray[Any]) -> str:
    """The largest values and their indices, such as `17: 0.21, 3: 0.08 … of 256`."""
    if values.ndim != 1 or values.dtype.kind not in "iuf":
        return f"array of shape {values.shape}"
    largest = np.argsort(-values, kind="stable")[:_LARGEST].tolist()
    listed = ", ".join(f"{index}: {values[index]:.3g}" for index in largest)
    return listed if len(values) <= _LARGEST else f"{listed} … of {len(values):,}"
