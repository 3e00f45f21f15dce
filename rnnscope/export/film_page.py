"""The film of a run as one HTML file, with a script that plays it and no other resource.

    <script type="application/json" id="data">{"steps": […], "units": [{"values": "base64…"}], …}</script>
    <script>film.js</script>

Arrays are base64 of uint8, or of little-endian uint16 for the predicted characters of a large vocabulary. All
text is set by the script as text content, so that none becomes markup.
"""

from __future__ import annotations

import base64
import json
from importlib.resources import files
from string import Template
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnscope.export.layout import Shapes
from rnnscope.export.page import PALETTES, escaped, hexadecimal, style_sheet
from rnnscope.replay.film_data import PREDICTIONS, FilmData, Losses
from rnnscope.text.display import safe
from rnnscope.theme.palette import SAMPLE_BOUNDS, Palette
from rnnscope.tracing.trace import is_gate

_SPEEDS = (0.5, 1, 2, 4, 8, 16)


def film_page(film: FilmData) -> str:
    """A complete HTML document, which works from a file."""
    here = files("rnnscope.export")
    data = json.dumps(_data(film), separators=(",", ":"), allow_nan=False)
    return Template((here / "film.html").read_text(encoding="utf-8")).substitute(
        run=escaped(film.run),
        style=_style(),
        facts=" · ".join(escaped(fact) for fact in (film.title, film.source, *film.skipped) if fact),
        legend=escaped(_legend(film.losses)),
        last=len(film.steps) - 1,
        speeds="".join(map(_option, _SPEEDS)),
        data=data.replace("<", "\\u003c"),
        script=(here / "film.js").read_text(encoding="utf-8"),
    )


def _option(speed: float) -> str:
    return f'<option value="{speed:g}"{" selected" if speed == 1 else ""}>{speed:g}×</option>'


def _legend(losses: Losses) -> str:
    """The last values of the curves, and those of the dotted lines."""
    if not losses.train and not losses.held_out:
        return "the losses of this run are not recorded"
    parts = []
    if losses.train:
        parts.append(f"train {losses.train[-1][1]:.2f} (blue)")
    if losses.held_out:
        parts.append(f"held out {losses.held_out[-1][1]:.2f} (amber)")
    dotted = ", ".join(f"{name} {nats:.2f}" for name, nats in losses.levels)
    if dotted:
        parts.append(f"dotted: {dotted}")
    return f"loss in nats per character over the step, on a log axis: {'; '.join(parts)}"


def _data(film: FilmData) -> dict[str, Any]:
    shapes = Shapes.of(film.symbols)
    is_wide = len(film.symbols) > 256
    return {
        "steps": list(film.steps),
        "elapsed": list(film.elapsed_seconds),
        "last": max(film.steps[-1], *(step for step, _ in film.losses.train[-1:]), 1),
        "ids": film.ids.tolist(),
        "glyphs": list(shapes.glyphs),
        "labels": list(shapes.labels),
        "ends": [int(ends) for ends in shapes.ends_line.tolist()],
        "units": [
            {
                "name": unit.name,
                "kind": "gate" if is_gate(unit.quantity) else "diverging",
                "values": _base64(unit.values),
                "feature": unit.feature,
                "metric": unit.metric,
                "scores": [round(score, 4) for score in unit.scores],
            }
            for unit in film.units
        ],
        "probabilities": _base64(film.probabilities),
        "predictions": film.predicted.shape[-1] if film.predicted.size else PREDICTIONS,
        "predicted": _base64(film.predicted.astype("<u2" if is_wide else np.uint8)),
        "predictedProbabilities": _base64(film.predicted_probabilities),
        "wide": is_wide,
        "samples": [
            {
                "characters": [
                    character if character == "\n" else safe(character) for character in each.characters
                ],
                "probabilities": _base64(each.probabilities),
            }
            for each in film.samples
        ],
        "bounds": list(SAMPLE_BOUNDS),
        "train": _points(film.losses.train),
        "heldOut": _points(film.losses.held_out),
        "levels": [[name, round(nats, 4)] for name, nats in film.losses.levels],
    }


def _shown(character: str) -> str:
    return character if character == "\n" else safe(character)


def _points(points: tuple[tuple[int, float], ...]) -> list[list[float]]:
    return [[step, round(value, 4)] for step, value in points]


def _base64(array: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def _style() -> str:
    light, dark = (_rules(palette) for palette in PALETTES)
    sheets = style_sheet("diverging") + style_sheet("gate")
    return f"{sheets}{light}@media (prefers-color-scheme:dark){{\n{dark}}}\n"


def _rules(palette: Palette) -> str:
    colors = palette.colors
    rules = [
        f"polyline.train{{stroke:{colors.azure}}}",
        f"polyline.heldout{{stroke:{colors.amber}}}",
        f"rect.bar{{fill:{colors.azure}}}",
        f".level{{stroke:{colors.rule}}}",
        f".tick{{stroke:{colors.mute}}}",
        f".head{{stroke:{colors.strong}}}",
        f"#next b{{background:{colors.bar_dim}}}",
        f"#next .true b{{background:{colors.violet}}}",
        f".rnnscope .cursor{{color:{colors.bg_of_cursor_text};background:{colors.strong}}}",
    ]
    for number, style in enumerate(palette.sample):
        line = ";text-decoration:underline" if style.underline else ""
        rules.append(f"#sample .p{number}{{color:{hexadecimal(style)[0]}{line}}}")
    return "".join(f"{rule}\n" for rule in rules)
