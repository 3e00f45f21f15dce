"""A colored text as numbers: JSON, CSV or NPZ.

| JSON           | NPZ             | CSV            |                                                       |
|----------------|-----------------|----------------|-------------------------------------------------------|
| `unit`         | `unit`          |                | the neuron, such as `1/37`; null or empty without one |
| `quantity`     | `quantity`      |                | such as `cell`                                        |
| `facts`        |                 |                | statements about the model and the text               |
| `start`        | `start`         | `position`     | position of the first (CSV: each) character, from 0   |
| `characters`   |                 |                | T                                                     |
| `text`         | `text`          | `character`    | the text (CSV: each character, controls as pictures)  |
| `bytes`        | `code_points`   | `code_point`   | (T,) bytes or code points; JSON has them for bytes    |
| `values`       | `values`        | `value`        | (T,) the values that set the colors                   |
| `cell`         | `cell`          | `cell`         | (T,) the recorded cell state, without bounds          |
| `cell_squashed`| `cell_squashed` | `cell_squashed`| (T,) the same through the activation; equals `values` |
| `squash`       | `squash`        |                | the activation: `tanh` or `softsign`                  |

The last three exist for the quantity `cell`, and as `factor`, `factor_squashed` and `squash` for `factor`.
The first character has no prediction: its surprise is null in JSON, empty in CSV and NaN in NPZ. The CSV
column is named `byte` where the characters are bytes.
"""

from __future__ import annotations

import csv
import io
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from rnnscope.export.colored import ColoredText


def as_json(text: ColoredText) -> str:
    """The text as one JSON object."""
    content: dict[str, object] = {
        "unit": text.unit or None,
        "quantity": text.quantity,
        "facts": list(text.facts),
        "start": text.start,
        "characters": len(text),
        "text": _text(text),
    }
    if text.is_of_bytes:
        content["bytes"] = text.code_points.tolist()
    content["values"] = _finite(text.values)
    if text.raw is not None:
        content |= {name: _finite(values) for name, values in _labeled(text).items()}
        content["squash"] = text.squash
    return json.dumps(content, allow_nan=False) + "\n"  # ASCII: the text cannot act on a terminal


def as_csv(text: ColoredText) -> str:
    """The text as CSV, one row per character."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    columns = _labeled(text)
    code = "byte" if text.is_of_bytes else "code_point"
    writer.writerow(("position", code, "character", "value", *columns))
    rows = zip(
        text.code_points.tolist(),
        [text.shapes.labels[i] for i in text.ids.tolist()],
        *(_shortest(values) for values in (text.values, *columns.values())),
        strict=True,
    )
    for position, (point, label, *values) in enumerate(rows, text.start):
        writer.writerow((position, point, label, *("" if math.isnan(value) else value for value in values)))
    return file.getvalue()


def as_npz(text: ColoredText) -> bytes:
    """The text as the arrays of a compressed NumPy archive."""
    arrays: dict[str, NDArray[Any]] = {
        "text": np.array(_text(text)),
        "code_points": text.code_points,
        "values": text.values,
        "start": np.array(text.start),
        "unit": np.array(text.unit),
        "quantity": np.array(text.quantity),
    }
    if text.raw is not None:
        arrays |= {**_labeled(text), "squash": np.array(text.squash)}
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def _labeled(text: ColoredText) -> dict[str, NDArray[np.float32]]:
    """The recorded and the squashed values of a quantity without bounds, by their names."""
    if text.raw is None:
        return {}
    return {text.quantity: text.raw, f"{text.quantity}_squashed": text.values}


def _text(text: ColoredText) -> str:
    points = text.code_points
    if text.is_of_bytes:
        return points.astype(np.uint8).tobytes().decode("utf-8", "replace")
    return "".join(map(chr, points.tolist()))


def _finite(values: NDArray[np.float32]) -> list[float | None]:
    return [None if math.isnan(value) else value for value in _shortest(values)]


def _shortest(values: NDArray[np.float32]) -> list[float]:
    """The shortest decimals that identify each float32."""
    return [float(str(value)) for value in values]
