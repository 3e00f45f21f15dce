"""Colors read for every eye: contrast, lightness and sign, at every depth."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from rich.color import Color, ColorSystem
from rich.style import Style

from rnnscope.app.themes import _written, themes
from rnnscope.theme.palette import STEPS, ZERO, Depth, Palette, Theme, palette, signed_steps, unit_steps

FULL: list[tuple[Theme, Depth]] = list(product(("dark", "light"), ("truecolor", "256")))
TEXT = ("strong", "text", "dim", "mute", "azure", "amber", "mint", "violet", "error")


def luminance(color: Color) -> float:
    """Relative luminance, WCAG 2."""
    channels = np.array(color.get_truecolor()) / 255
    linear = np.where(channels <= 0.03928, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: Color, other: Color) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("theme", "depth"), FULL)
def test_every_text_reads_on_panel_and_ground(theme: Theme, depth: Depth) -> None:
    chosen = palette(theme, depth)
    for token, fill in product(TEXT, ("panel", "bg")):
        assert contrast(chosen.color(token), chosen.color(fill)) >= 4.5, (token, fill)
    for style in chosen.sample:
        assert style.color is not None
        assert contrast(style.color, chosen.color("panel")) >= 4.5
    assert chosen.color("panel") != chosen.color("bg")


@pytest.mark.parametrize(("theme", "depth"), FULL)
@pytest.mark.parametrize("scale", ["diverging", "gate", "probability"])
def test_every_cell_reads_on_its_background(theme: Theme, depth: Depth, scale: str) -> None:
    styles: tuple[Style, ...] = getattr(palette(theme, depth), scale)
    assert len(styles) == STEPS
    for style in styles:
        assert style.color is not None
        assert style.bgcolor is not None
        assert contrast(style.color, style.bgcolor) >= 4.5


@pytest.mark.parametrize(("theme", "depth"), FULL)
def test_strength_is_lightness_and_sign_is_an_underline(theme: Theme, depth: Depth) -> None:
    chosen = palette(theme, depth)
    outwards = 1 if theme == "dark" else -1
    lights = [outwards * luminance(color) for color in chosen.diverging_colors]
    assert all(after >= before for before, after in pairwise(lights[ZERO:]))
    assert all(after >= before for before, after in pairwise(lights[ZERO::-1]))
    for colors in (chosen.gate_colors, chosen.probability_colors):
        lights = [outwards * luminance(color) for color in colors]
        assert all(after >= before for before, after in pairwise(lights))
    underlined = [bool(style.underline) for style in chosen.diverging]
    assert underlined == [value <= -0.25 for value in np.linspace(-1, 1, STEPS)]


@pytest.mark.parametrize("depth", ["16", "none"])
def test_without_many_colors_sign_and_strength_still_differ(depth: Depth) -> None:
    looks = palette("dark", depth).diverging
    strong_minus, minus, zero, plus, strong_plus = (looks[step] for step in (0, 9, 16, 23, 32))
    assert len({strong_minus, minus, zero, plus, strong_plus}) == 5
    if depth == "none":
        assert all(style.color is None and style.bgcolor is None for style in looks)


def test_steps_are_where_they_are_said_to_be() -> None:
    assert signed_steps([-1, -0.25, 0, 0.5, 1, 7, np.nan]).tolist() == [0, 12, 16, 24, 32, 32, 16]
    assert unit_steps([0, 0.5, 1, 2, -1]).tolist() == [0, 16, 32, 32, 0]


def test_what_textual_draws_has_the_same_256_colors() -> None:
    for theme in ("dark", "light"):
        chosen = Palette(theme, "256")
        for token in (*TEXT, "bg", "panel", "select", "faint"):
            color = chosen.color(token)
            assert Color.parse(_written(color)).downgrade(ColorSystem.EIGHT_BIT).number == color.number, token
    assert len({theme.name for theme in themes()}) == 6
