"""The palettes: the one source of every color on the screens.

A palette has 33 steps and is built once per theme and color depth; widgets look styles up:

    signed quantities   step = round(16 (v + 1))      16 is zero; −0.25 and below are underlined
    gates, probability  step = round(32 v)

Hues: amber is negative (and validation), azure positive (and training), mint a gate, violet a probability;
all else is gray.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from rich.color import Color
from rich.style import Style

from rnnscope.theme.colors import (
    DARK,
    HIGH_CONTRAST,
    LIGHT,
    SAMPLE_256,
    SIXTEEN,
    TERMINAL,
    TOKENS_256,
    Scale,
    Theme,
    ThemeColors,
)

Depth = Literal["truecolor", "256", "16", "none"]
Background = Literal["dark", "light"]

STEPS = 33
ZERO = 16
_UNDERLINE_UP_TO = 12
"""The highest signed step that is underlined: v <= −0.25."""
SAMPLE_BOUNDS = (0.5, 0.3, 0.15, 0.07, 0.03, 0.02)
"""The probabilities at which the style of a sampled character changes."""


def signed_steps(values: ArrayLike) -> NDArray[np.intp]:
    """The steps 0..32 of values within −1..1; other values are clipped, NaN is zero."""
    scaled = np.rint(16.0 * (np.nan_to_num(np.asarray(values, dtype=np.float64)) + 1.0))
    return np.clip(scaled, 0, STEPS - 1).astype(np.intp)


def unit_steps(values: ArrayLike) -> NDArray[np.intp]:
    """The steps 0..32 of values within 0..1; other values are clipped, NaN is zero."""
    scaled = np.rint(32.0 * np.nan_to_num(np.asarray(values, dtype=np.float64)))
    return np.clip(scaled, 0, STEPS - 1).astype(np.intp)


def sample_steps(probabilities: ArrayLike) -> NDArray[np.intp]:
    """The index, 0..6, of the sample style for each probability; 0 is the most probable."""
    return np.searchsorted(-np.array(SAMPLE_BOUNDS), -np.asarray(probabilities, dtype=np.float64))


@dataclass(frozen=True)
class Palette:
    """The styles of one theme at one color depth.

    `ink` gives text styles; `diverging`, `gate` and `probability` are 33 cell styles each, with foreground;
    `diverging_colors` and so on are their backgrounds, for bars and half blocks.
    """

    theme: Theme
    depth: Depth
    background: Background = "dark"
    """The background of the screen; that of the terminal where the theme is `terminal`."""

    @property
    def colors(self) -> ThemeColors:
        """The hexadecimal colors of the theme."""
        if self.theme == "high-contrast":
            return HIGH_CONTRAST
        return DARK if self.background == "dark" else LIGHT

    def color(self, token: str) -> Color:
        """The color of a token of `ThemeColors`, such as `azure` or `bar_dim`."""
        if self.depth == "256":
            return Color.from_ansi(TOKENS_256[self.theme][token])
        return Color.parse(getattr(self.colors, token))

    @lru_cache(maxsize=256)  # noqa: B019 - palettes live as long as the application
    def ink(self, token: str, *, bold: bool = False, underline: bool = False, on: str = "panel") -> Style:
        """Text in the color of a token, such as `ink("dim")` or `ink("strong", bold=True, on="bg")`."""
        if self.depth == "none":
            return Style(bold=bold or None, underline=underline or None, reverse=on == "strong" or None)
        if self.depth == "16":
            name = (TERMINAL if self.theme == "terminal" else SIXTEEN).get(token)
            return Style(
                color=name,
                bold=bold or None,
                underline=underline or None,
                reverse=on == "strong" or None,
            )
        return Style(
            color=self.color(token),
            bgcolor=self.color(on),
            bold=bold or None,
            underline=underline or None,
        )

    @cached_property
    def cursor(self) -> Style:
        """The style of the cursor: the only white cell of the screen."""
        if self.depth in ("none", "16"):
            return Style(reverse=True, bold=True)
        return Style(color=self.color("bg_of_cursor_text"), bgcolor=self.color("strong"), bold=True)

    @cached_property
    def diverging(self) -> tuple[Style, ...]:
        """Cell styles of values within −1..1; negative values are also underlined."""
        styles = self._cells(self.colors.diverging, signed=True)
        return tuple(s + Style(underline=True) if i <= _UNDERLINE_UP_TO else s for i, s in enumerate(styles))

    @cached_property
    def gate(self) -> tuple[Style, ...]:
        """Cell styles of gates, within 0..1."""
        return self._cells(self.colors.gate, signed=False)

    @cached_property
    def probability(self) -> tuple[Style, ...]:
        """Cell styles of probabilities."""
        return self._cells(self.colors.probability, signed=False)

    def cells(self, is_gate: bool) -> tuple[Style, ...]:
        """The cell styles of a gate or of a signed quantity."""
        return self.gate if is_gate else self.diverging

    @cached_property
    def diverging_colors(self) -> tuple[Color, ...]:
        """The 33 backgrounds of signed values, for bars and half blocks."""
        return self._backgrounds(self.colors.diverging)

    @cached_property
    def gate_colors(self) -> tuple[Color, ...]:
        """The 33 backgrounds of gates, for bars."""
        return self._backgrounds(self.colors.gate)

    @cached_property
    def probability_colors(self) -> tuple[Color, ...]:
        """The 33 backgrounds of probabilities."""
        return self._backgrounds(self.colors.probability)

    @cached_property
    def sample(self) -> tuple[Style, ...]:
        """Seven styles for sampled characters, from probable to p < .02, which is underlined."""
        if self.depth in ("none", "16"):
            tint = Style() if self.depth == "none" else Style(color="magenta")
            calm, odd = (Style(), Style(), tint), tint + Style(bold=True)
            six: tuple[Style, ...] = (*calm, odd, odd, odd)
        else:
            panel = self.color("panel")
            six = tuple(Style(color=color, bgcolor=panel) for color in self._sample_colors)
        return (*six, six[-1] + Style(underline=True))

    @property
    def _sample_colors(self) -> list[Color]:
        if self.depth == "256":
            return [Color.from_ansi(number) for number in SAMPLE_256[self.theme]]
        return [Color.parse(value) for value in self.colors.sample]

    def _backgrounds(self, scale: Scale) -> tuple[Color, ...]:
        if self.depth == "256":
            return tuple(Color.from_ansi(number) for number in scale.steps_256)
        return tuple(Color.parse(value) for value in scale.backgrounds)

    def _cells(self, scale: Scale, *, signed: bool) -> tuple[Style, ...]:
        if self.depth == "none":
            return _without_color(signed)
        if self.depth == "16":
            return _with_sixteen(scale, signed)
        if self.depth == "256":
            foregrounds: Sequence[Color] = [Color.from_ansi(n) for n in scale.foregrounds_256]
        else:
            foregrounds = [Color.parse(c) for c in scale.foregrounds]
        pairs = zip(foregrounds, self._backgrounds(scale), strict=True)
        return tuple(Style(color=fg, bgcolor=bg) for fg, bg in pairs)


def _without_color(signed: bool) -> tuple[Style, ...]:
    """Plain, bold or reverse by magnitude, for NO_COLOR."""
    return tuple(
        Style() if strength < 0.25 else Style(bold=True) if strength < 0.6 else Style(reverse=True)
        for strength in _strengths(signed)
    )


def _with_sixteen(scale: Scale, signed: bool) -> tuple[Style, ...]:
    styles = []
    for step, strength in enumerate(_strengths(signed)):
        low, high = scale.sixteen_negative if signed and step < ZERO else scale.sixteen_positive
        styles.append(Style() if strength < 0.25 else Style.parse(low if strength < 0.6 else high))
    return tuple(styles)


def _strengths(signed: bool) -> list[float]:
    if signed:
        return [abs(step - ZERO) / ZERO for step in range(STEPS)]
    return [step / (STEPS - 1) for step in range(STEPS)]


@lru_cache(maxsize=16)
def palette(theme: Theme, depth: Depth, background: Background = "dark") -> Palette:
    """The palette of a theme and a color depth.

    background: of the terminal, which `terminal` keeps; this theme has 16 colors at most.
    """
    if theme == "terminal":
        return Palette(theme, "none" if depth == "none" else "16", background)
    return Palette(theme, depth, "light" if theme == "light" else "dark")
