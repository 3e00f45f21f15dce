"""The colors of the themes as values; palette.py assigns their meaning.

The contrast (WCAG 2) of every foreground on its background is at least 4.5, and 7 in high contrast. Lightness
increases with the magnitude on a dark screen and decreases on a light one. The two arms of a diverging scale
match in lightness: in gray, the shade shows the magnitude and the underline the sign.

The theme `terminal` has the terminal's own 16 colors, as every theme has in a terminal without more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Theme = Literal["dark", "light", "high-contrast", "terminal"]
THEMES: tuple[Theme, ...] = get_args(Theme)
ThemeChoice = Literal["auto", "dark", "light", "high-contrast", "terminal"]
"""A theme, or `auto`: dark or light, as the terminal's background is."""


@dataclass(frozen=True)
class Scale:
    """33 backgrounds with their foregrounds, and their equivalents for 256 and 16 colors."""

    backgrounds: tuple[str, ...]
    foregrounds: tuple[str, ...]
    steps_256: tuple[int, ...]
    """33 indices of the 256-color table, chosen by hand: rounded colors would not be monotonic."""
    foregrounds_256: tuple[int, ...]
    sixteen_positive: tuple[str, str]
    """Rich styles of medium and of large values on 16 colors."""
    sixteen_negative: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class ThemeColors:
    """One theme: a hexadecimal color for each token, and three scales."""

    bg: str
    panel: str
    strong: str
    text: str
    dim: str
    mute: str
    azure: str
    amber: str
    mint: str
    violet: str
    error: str
    select: str
    crosshair: str
    faint: str
    rule: str
    raw: str
    bar_dim: str
    probe: str
    bg_of_cursor_text: str
    sample: tuple[str, ...]
    diverging: Scale
    gate: Scale
    probability: Scale


SIXTEEN = {
    "azure": "cyan",
    "amber": "yellow",
    "mint": "green",
    "violet": "magenta",
    "error": "red",
    "raw": "blue",
    "bar_dim": "magenta",
    "probe": "blue",
    "mute": "bright_black",
    "faint": "bright_black",
    "rule": "bright_black",
}
"""The tokens with one of the 16 colors; all others keep the terminal's foreground."""

TERMINAL = {token: name for token, name in SIXTEEN.items() if token != "mute"}
"""The same for the theme `terminal`: in Solarized, for one, bright black is the background."""


TOKENS_256: dict[str, dict[str, int]] = {
    "dark": {
        "bg": 232,
        "panel": 233,
        "strong": 231,
        "text": 253,
        "dim": 248,
        "mute": 245,
        "azure": 75,
        "amber": 215,
        "mint": 79,
        "violet": 141,
        "error": 210,
        "select": 236,
        "crosshair": 237,
        "faint": 237,
        "rule": 240,
        "raw": 24,
        "bar_dim": 97,
        "probe": 67,
        "bg_of_cursor_text": 16,
    },
    "light": {
        "bg": 255,
        "panel": 231,
        "strong": 16,
        "text": 234,
        "dim": 239,
        "mute": 241,
        "azure": 25,
        "amber": 94,
        "mint": 23,
        "violet": 55,
        "error": 124,
        "select": 153,
        "crosshair": 252,
        "faint": 251,
        "rule": 248,
        "raw": 152,
        "bar_dim": 140,
        "probe": 110,
        "bg_of_cursor_text": 231,
    },
    "high-contrast": {
        "bg": 16,
        "panel": 233,
        "strong": 231,
        "text": 255,
        "dim": 253,
        "mute": 251,
        "azure": 117,
        "amber": 221,
        "mint": 121,
        "violet": 189,
        "error": 217,
        "select": 17,
        "crosshair": 236,
        "faint": 240,
        "rule": 245,
        "raw": 32,
        "bar_dim": 134,
        "probe": 74,
        "bg_of_cursor_text": 16,
    },
}
"""The tokens among 256 colors, chosen by hand: rounding would make the panel and the ground one black."""

SAMPLE_256: dict[str, tuple[int, ...]] = {
    "dark": (253, 189, 183, 177, 171, 165),
    "light": (234, 54, 55, 91, 92, 93),
    "high-contrast": (255, 225, 189, 183, 177, 213),
}


def _spread(stops: tuple[int, ...], count: int) -> tuple[int, ...]:
    """`count` entries evenly spaced over the stops."""
    return tuple(stops[round(i * (len(stops) - 1) / (count - 1))] for i in range(count))


def _mirrored(negative: tuple[int, ...], zero: int, positive: tuple[int, ...]) -> tuple[int, ...]:
    """33 entries from −1 to +1; both arms are given from zero outwards."""
    down = _spread((zero, *negative), 17)[::-1]
    return (*down[:-1], *_spread((zero, *positive), 17))


def _luminance(number: int) -> float:
    """Relative luminance (WCAG 2) of an entry 16..255 of the 256-color table."""
    if number >= 232:
        channels = [8 + 10 * (number - 232)] * 3
    else:
        levels = (0, 95, 135, 175, 215, 255)
        index = number - 16
        channels = [levels[index // 36], levels[index // 6 % 6], levels[index % 6]]
    linear = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _readable(backgrounds: tuple[int, ...]) -> tuple[int, ...]:
    """Black (16) or white (231) for each, with the higher contrast."""
    lights = [_luminance(number) for number in backgrounds]
    return tuple(16 if (light + 0.05) / 0.05 > 1.05 / (light + 0.05) else 231 for light in lights)


def _scale(
    backgrounds: str,
    foregrounds: tuple[tuple[int, str], ...],
    steps_256: tuple[int, ...],
    positive: tuple[str, str],
    negative: tuple[str, str] = ("", ""),
) -> Scale:
    """A scale; `foregrounds` gives (first step, color) runs."""
    starts = dict(foregrounds)
    inks: list[str] = []
    for step in range(33):
        inks.append(starts.get(step, inks[-1] if inks else ""))
    return Scale(tuple(backgrounds.split()), tuple(inks), steps_256, _readable(steps_256), positive, negative)


_BLUE = ("cyan", "bold white on blue")
_YELLOW = ("yellow", "black on yellow")
_GREEN = ("green", "black on green")
_MAGENTA = ("magenta", "black on magenta")

DARK = ThemeColors(
    bg="#0a0d13",
    panel="#11161f",
    strong="#ffffff",
    text="#d8dfea",
    dim="#98a3b6",
    mute="#7c889d",
    azure="#52b9f7",
    amber="#f8a93c",
    mint="#5ad9a8",
    violet="#c094f2",
    error="#ff7a70",
    select="#1d2838",
    crosshair="#283142",
    faint="#2a3140",
    rule="#465166",
    raw="#24577a",
    bar_dim="#7a5cab",
    probe="#4a7ea6",
    bg_of_cursor_text="#000000",
    sample=("#d8dfea", "#d2cdf0", "#cdb8f3", "#c7a2f5", "#c08cf7", "#c274ff"),
    diverging=_scale(
        "#fcaa38 #f59c28 #ed8e16 #e58100 #da7502 #cd6a09 #c0600e #b35610 #a64c11 #96461a #853f1d "
        "#75391f #65331f #552d1e #45271c #352019 #1a1e27 #1e2638 #222f4b #26385c #2a426e #2d4b80 "
        "#2f5591 #2f5fa4 #2e6ab6 #3076c2 #3182cd #328ed9 #329ae4 #35a7ee #43b4f1 #52c0f5 #63ccf8",
        ((0, "#000000"), (7, "#ffffff"), (8, "#e3e8f1"), (24, "#ffffff"), (26, "#000000")),
        _mirrored((94, 130, 172, 214), 234, (24, 32, 39, 81)),
        _BLUE,
        _YELLOW,
    ),
    gate=_scale(
        "#1a1e27 #192429 #1b2b2f #1d3136 #1e383c #1f3f41 #204546 #214c4c #215351 #215a57 #21615c "
        "#216862 #206f67 #20766c #207d70 #208475 #208c79 #21937d #239a80 #25a184 #2ba888 #32af8d "
        "#39b691 #3fbd96 #46c49a #4ccb9f #52d2a3 #59d9a7 #66dfad #73e5b2 #7feab8 #8bf0be #97f6c4",
        ((0, "#e3e8f1"), (13, "#ffffff"), (16, "#000000")),
        _spread((234, 23, 30, 36, 79, 121), 33),
        _GREEN,
    ),
    probability=_scale(
        "#1a1e27 #21212c #262535 #2b293f #312d49 #373252 #3d355c #433965 #493e6e #504277 #564680 "
        "#5d4a89 #644e92 #6b529b #7256a5 #7959ae #805db7 #8761c0 #8f65c9 #9769d2 #9e6ed7 #a475dc "
        "#ab7be0 #b181e4 #b887e8 #be8eec #c594f1 #cb9af5 #d1a2f7 #d6a9f8 #dbb1fa #e0b9fb #e5c0fc",
        ((0, "#e3e8f1"), (15, "#ffffff"), (18, "#000000")),
        _spread((234, 54, 97, 134, 177, 183), 33),
        _MAGENTA,
    ),
)

LIGHT = ThemeColors(
    bg="#e9ecf1",
    panel="#fafbfc",
    strong="#000000",
    text="#1b202a",
    dim="#465062",
    mute="#5d687b",
    azure="#0f62ad",
    amber="#965200",
    mint="#0a6a4f",
    violet="#6d37b3",
    error="#b3261e",
    select="#dce8f6",
    crosshair="#d3dbe7",
    faint="#cbd2dd",
    rule="#a7b1c0",
    raw="#a9cbe8",
    bar_dim="#b79bdc",
    probe="#8fb7dc",
    bg_of_cursor_text="#ffffff",
    sample=("#1b202a", "#2f2350", "#432a78", "#57309e", "#6b36c0", "#8a2be0"),
    diverging=_scale(
        "#953307 #9e3e0d #a84814 #b1521b #bb5c21 #c46628 #cd712f #d37d3e #d78b51 #db9863 #dea676 "
        "#e2b288 #e5bf9b #e9ccae #edd9c2 #f2e5d6 #f3f4f6 #dbeaf4 #c9e0ef #b8d7eb #a7cde7 #95c4e4 "
        "#83bae1 #72b1de #62a7dc #539cda #4692d6 #3d87d0 #357cc9 #2e72c3 #2967bd #245cb6 #2151af",
        ((0, "#ffffff"), (4, "#000000"), (6, "#1b202a"), (27, "#000000"), (29, "#ffffff")),
        _mirrored((223, 215, 173, 130), 255, (153, 110, 68, 25)),
        _BLUE,
        _YELLOW,
    ),
    gate=_scale(
        "#f3f4f6 #e3f0eb #d9ece4 #cfe7de #c5e3d7 #bbded1 #b1dacb #a7d5c5 #9fd0bf #96ccba #8dc7b4 "
        "#84c2af #7bbeaa #72b9a4 #69b59f #5fb09a #55ac95 #4aa790 #3fa38b #319e86 #2b9981 #26947d "
        "#218e78 #1c8974 #16846f #107f6b #097a67 #017462 #006f5e #006a5a #006555 #006051 #005b4d",
        ((0, "#1b202a"), (21, "#000000"), (25, "#ffffff")),
        _spread((255, 152, 115, 72, 29, 22), 33),
        _GREEN,
    ),
    probability=_scale(
        "#f3f4f6 #f0eaf5 #ebe3f2 #e6dcef #e2d5ec #ddceea #d8c7e7 #d3c0e5 #cfbae4 #cab3e2 #c6ace1 "
        "#c1a6df #bc9fde #b898dc #b392db #ae8bd9 #a985d8 #a57ed7 #a078d5 #9b71d4 #966cd0 #9067cc "
        "#8b62c8 #855cc3 #8057bf #7b52bb #754db7 #7048b2 #6b43ae #663eaa #6139a6 #5c33a2 #572e9d",
        ((0, "#1b202a"), (19, "#000000"), (23, "#ffffff")),
        _spread((255, 189, 183, 140, 97, 54), 33),
        _MAGENTA,
    ),
)

HIGH_CONTRAST = ThemeColors(
    bg="#000000",
    panel="#101010",
    strong="#ffffff",
    text="#f2f2f2",
    dim="#d8d8d8",
    mute="#c4c4c4",
    azure="#7cd0ff",
    amber="#ffc266",
    mint="#6ff5bd",
    violet="#e0c2ff",
    error="#ffb8b2",
    select="#15304f",
    crosshair="#303030",
    faint="#5c5c5c",
    rule="#8a8a8a",
    raw="#2f86c4",
    bar_dim="#a06be0",
    probe="#5f9fd0",
    bg_of_cursor_text="#000000",
    sample=("#f2f2f2", "#e9dcff", "#dfc6ff", "#d6b2ff", "#cf9eff", "#d78fff"),
    # No background has a lightness at which neither black nor white reaches 7: the scales skip L* 38 to 62.
    diverging=_scale(
        "#ffc15a #ffb841 #ffae1d #fba506 #f59e02 #f09600 #e98f09 #e38708 #dc8007 #844a00 #744103 "
        "#643703 #542f06 #442709 #341f0b #24180d #101010 #0d1b2d #0b2443 #0a2d59 #07376f #054184 "
        "#024b9a #0156af #4e97f7 #48a0fc #45a9ff #48b1ff #4dbaff #55c2ff #5ecaff #68d1ff #72d9ff",
        ((0, "#000000"), (9, "#ffffff"), (24, "#000000")),
        _mirrored((52, 172, 214), 233, (18, 39, 81)),
        _BLUE,
        _YELLOW,
    ),
    gate=_scale(
        "#101010 #0f1713 #0f1d15 #0e2218 #0e271b #0e2d1e #0d3221 #0c3724 #0c3d28 #0b432b #0a482f "
        "#094e32 #085436 #075a3a #065f3d #046541 #03ac71 #00b174 #0ab779 #07bc7c #04c280 #01c884 "
        "#0dcd88 #16d38d #24d892 #2fde97 #38e39b #40e8a1 #48eea6 #4ff3ab #56f9b0 #5dfeb5 #88ffc3",
        ((0, "#ffffff"), (16, "#000000")),
        _spread((233, 22, 35, 42, 48, 121), 33),
        _GREEN,
    ),
    probability=_scale(
        "#101010 #18131f #1f152a #261834 #2c1a3e #321d48 #392051 #3f225b #462565 #4c286e #532b78 "
        "#5a2e82 #60318b #673595 #6e389f #753ba9 #b57def #ba81f4 #c085f8 #c68afd #cb8fff #cf95ff "
        "#d29bff #d6a2ff #daa8ff #deaeff #e1b4ff #e4baff #e7c1ff #eac7ff #eecdff #f0d3ff #f3daff",
        ((0, "#ffffff"), (16, "#000000")),
        _spread((233, 54, 91, 141, 177, 183), 33),
        _MAGENTA,
    ),
)
