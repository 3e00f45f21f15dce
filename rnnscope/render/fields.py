"""A result without lines of its own: its fields, one per line."""

from __future__ import annotations

from typing import Any

from rnnscope.analysis.query import Result
from rnnscope.render.report import Line, Report, sides, words
from rnnscope.text.display import safe

_LISTED = 12


def report(result: Result) -> Report:
    """Numbers and texts as `name value`; a list as its first elements."""
    lines: list[Line] = []
    for name, value in result.to_dict().items():
        lines += _lines(name.replace("_", " "), value)
    return Report(lines=tuple(lines))


def _lines(name: str, value: Any) -> list[Line]:
    if isinstance(value, list):
        more = [words(f"  … {len(value) - _LISTED:,} more", "dim")] if len(value) > _LISTED else []
        return [words(name, "dim"), *(words(f"  {_short(each)}") for each in value[:_LISTED]), *more]
    return [sides(name, _short(value))]


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_short(each)}" for key, each in value.items())
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else safe(str(value))
