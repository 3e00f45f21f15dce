"""The cells of a row as the fewest segments: neighbors of equal style are merged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style


def segments(cells: Iterable[tuple[str, Style]]) -> list[Segment]:
    """One segment per run of cells with the same style object."""
    merged: list[Segment] = []
    texts: list[str] = []
    current: Style | None = None
    for text, style in cells:
        if style is not current:
            if texts:
                merged.append(Segment("".join(texts), current))
            texts, current = [], style
        texts.append(text)
    if texts:
        merged.append(Segment("".join(texts), current))
    return merged


def coded_segments(
    points: NDArray[np.uint32], keys: NDArray[np.intp], styles: Sequence[Style]
) -> list[Segment]:
    """The segments of a row.

    points: (C,) uint32, code points. keys: (C,), the style of each is `styles[key]`.
    """
    if not len(points):
        return []
    text = points.astype("<u4").tobytes().decode("utf-32-le")
    starts = np.concatenate(([0], np.flatnonzero(np.diff(keys)) + 1))
    looks = [styles[key] for key in keys[starts].tolist()]
    bounds = pairwise([*starts.tolist(), len(text)])
    return [Segment(text[a:b], style) for (a, b), style in zip(bounds, looks, strict=True)]
