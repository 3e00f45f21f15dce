"""What the inspect screen can open with, by the names of `--view`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

View: TypeAlias = Literal[
    "find",
    "next",
    "heat-map",
    "contexts",
    "saturation",
    "match",
    "ablate",
    "attribution",
    "errors",
    "n-grams",
    "brackets",
    "gradient-flow",
    "present",
]
"""A panel, by its heading, or present mode."""

PANELS: Mapping[View, str] = {
    "find": "find",
    "next": "next",
    "heat-map": "map",
    "contexts": "contexts",
    "saturation": "saturation",
    "match": "match",
    "ablate": "ablation",
    "attribution": "saliency",
    "errors": "errors",
    "n-grams": "ngrams",
    "brackets": "brackets",
    "gradient-flow": "gradients",
}
"""The panel of each view, by its id."""


def view_of(panel: str) -> View | None:
    """The view of a panel; None if it has none."""
    return next((view for view, each in PANELS.items() if each == panel), None)
