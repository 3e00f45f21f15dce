"""Colors read for every eye: contrast, lightness and sign, at every depth."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from rich.color import Color, ColorSystem
from rich.style import Style

from rnnscope.app.themes import textual_theme
from rnnscope.theme.palette import STEPS, ZERO, Depth, Theme, palette, signed_steps, unit_steps

NAMES: tuple[Theme, ...] = ("dark", "light", "high-contrast")
FULL: list[tuple[Theme, Depth]] = list(product(NAMES, ("truecolor", "256")))
TEXT = ("strong", "text", "dim", "mute", "azure", "amber", "mint", "violet", "error")


def luminance(color: Color) -> float:
    """Relative luminance, WCAG 2."""
    channels = np.array(color.get_truecolor()) / 255
    linear = np.where(channels <= 0.03928, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: Color, other: Color) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def least(theme: Theme) -> float:
    """The contrast that text must have: WCAG 2's level AA, or AAA."""
    return 7.0 if theme == "high-contrast" else 4.5


@pytest.mark.parametrize(("theme", "depth"), FULL)
def test_every_text_reads_on_panel_and_ground(theme: Theme, depth: Depth) -> None:
    chosen = palette(theme, depth)
    fills = ("panel", "bg", "select", "crosshair") if theme == "high-contrast" else ("panel", "bg")
    for token, fill in product(TEXT, fills):
        assert contrast(chosen.color(token), chosen.color(fill)) >= least(theme), (token, fill)
    for style in chosen.sample:
        assert style.color is not None
        assert contrast(style.color, chosen.color("panel")) >= least(theme)
    assert chosen.color("panel") != chosen.color("bg")


@pytest.mark.parametrize(("theme", "depth"), FULL)
@pytest.mark.parametrize("scale", ["diverging", "gate", "probability"])
def test_every_cell_reads_on_its_background(theme: Theme, depth: Depth, scale: str) -> None:
    styles: tuple[Style, ...] = getattr(palette(theme, depth), scale)
    assert len(styles) == STEPS
    for style in styles:
        assert style.color is not None
        assert style.bgcolor is not None
        assert contrast(style.color, style.bgcolor) >= least(theme)


@pytest.mark.parametrize(("theme", "depth"), FULL)
def test_strength_is_lightness_and_sign_is_an_underline(theme: Theme, depth: Depth) -> None:
    chosen = palette(theme, depth)
    outwards = -1 if theme == "light" else 1
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


def seen_as(color: Color, matrix: np.ndarray) -> np.ndarray:
    """OKLab of a color as an eye sees it whose linear light goes through `matrix`."""
    channels = np.array(color.get_truecolor()) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    cones = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    opponents = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
    return np.array(opponents) @ np.cbrt(np.array(cones) @ np.clip(matrix @ linear, 0, 1))


@pytest.mark.parametrize(("theme", "depth"), FULL)
def test_amber_and_blue_differ_for_every_eye(theme: Theme, depth: Depth) -> None:
    """Machado et al. 2009, severity 1; distances in OKLab times 100."""
    protan = [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ]
    deutan = [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ]
    colors = palette(theme, depth).diverging_colors
    for eye, at in product((np.eye(3), np.array(protan), np.array(deutan)), (8, 16)):
        minus, plus = seen_as(colors[ZERO - at], eye), seen_as(colors[ZERO + at], eye)
        assert 100 * float(np.linalg.norm(plus - minus)) >= 17


def test_the_theme_of_the_terminal_has_its_colors() -> None:
    for depth in ("truecolor", "256", "16"):
        chosen = palette("terminal", depth, "light")
        assert (chosen.depth, chosen.background) == ("16", "light")
        assert textual_theme(chosen).ansi
    assert palette("terminal", "none").depth == "none"


def test_what_textual_draws_has_the_same_256_colors() -> None:
    for theme in NAMES:
        chosen = palette(theme, "256")
        drawn = textual_theme(chosen)
        for token, written in (
            ("azure", drawn.primary),
            ("amber", drawn.warning),
            ("error", drawn.error),
            ("mint", drawn.success),
            ("text", drawn.foreground),
            ("bg", drawn.background),
            ("panel", drawn.panel),
            *((name, drawn.variables[name]) for name in ("dim", "mute", "strong")),
            ("select", drawn.variables["block-cursor-background"]),
            ("faint", drawn.variables["border"]),
        ):
            assert written is not None
            assert (
                Color.parse(written).downgrade(ColorSystem.EIGHT_BIT).number == chosen.color(token).number
            ), token
