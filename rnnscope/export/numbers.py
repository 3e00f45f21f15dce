"""A colored text as numbers: JSON, CSV, or NumPy's arrays.

Positions count from 0. A number that is none (nothing is expected of the first character) is null in JSON, an
empty field in CSV and NaN in an array.
"""

from __future__ import annotations

import csv
import io
import json
import math

import numpy as np

from rnnscope.export.colored import ColoredText


def as_json(text: ColoredText) -> str:
    """An object with `text`, one value for each of its characters (of bytes, `bytes`), and what they are."""
    written: dict[str, object] = {
        "unit": text.unit or None,
        "quantity": text.quantity,
        "facts": list(text.facts),
        "start": text.start,
        "characters": len(text),
        "text": _text(text),
    }
    if text.is_of_bytes:
        written["bytes"] = text.code_points.tolist()
    written["values"] = [None if math.isnan(value) else value for value in _rounded(text)]
    return json.dumps(written, allow_nan=False) + "\n"  # ASCII, so that nothing of a text acts on a terminal


def as_csv(text: ColoredText) -> str:
    """A line for each character: its position, its code point or byte, how it is shown, and its value."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("position", "byte" if text.is_of_bytes else "code_point", "character", "value"))
    labels = [text.shapes.labels[i] for i in text.ids.tolist()]
    rows = zip(text.code_points.tolist(), labels, _rounded(text), strict=True)
    for position, (code, shown, value) in enumerate(rows, text.start):
        writer.writerow((position, code, shown, "" if math.isnan(value) else value))
    return file.getvalue()


def as_npz(text: ColoredText) -> bytes:
    """Arrays `code_points` (T,) uint32 and `values` (T,) float32; `text`, `start`, `unit`, `quantity`."""
    file = io.BytesIO()
    np.savez_compressed(
        file,
        text=np.array(_text(text)),
        code_points=text.code_points,
        values=text.values,
        start=np.array(text.start),
        unit=np.array(text.unit),
        quantity=np.array(text.quantity),
    )
    return file.getvalue()


def _text(text: ColoredText) -> str:
    points = text.code_points
    if text.is_of_bytes:
        return points.astype(np.uint8).tobytes().decode("utf-8", "replace")
    return "".join(map(chr, points.tolist()))


def _rounded(text: ColoredText) -> list[float]:
    """The shortest numbers that are these float32 and no others."""
    return [float(str(value)) for value in text.values]
