"""The palette's colors as Textual themes, for Textual's own widgets: inputs, the command palette."""

from __future__ import annotations

from rich.color import Color
from textual.theme import Theme as TextualTheme

from rnnscope.theme.palette import Depth, Palette


def is_ansi(depth: Depth) -> bool:
    """Whether a depth uses the terminal's ANSI colors, unconverted."""
    return depth in ("16", "none")


def textual_theme(chosen: Palette) -> TextualTheme:
    """Textual's theme with the colors of a palette; its name is the palette's theme and depth."""
    name, dark = f"rnnscope-{chosen.theme}-{chosen.depth}", chosen.background == "dark"
    if is_ansi(chosen.depth):
        return TextualTheme(
            name=name,
            primary="ansi_cyan",
            secondary="ansi_cyan",
            warning="ansi_yellow",
            error="ansi_red",
            success="ansi_green",
            accent="ansi_cyan",
            foreground="ansi_default",
            background="ansi_default",
            surface="ansi_default",
            panel="ansi_default",
            boost="ansi_default",
            dark=dark,
            ansi=True,
            variables=_VARIABLES_PLAIN,
        )

    def token(name: str) -> str:
        return _written(chosen.color(name))

    return TextualTheme(
        name=name,
        primary=token("azure"),
        secondary=token("azure"),
        warning=token("amber"),
        error=token("error"),
        success=token("mint"),
        accent=token("azure"),
        foreground=token("text"),
        background=token("bg"),
        surface=token("panel"),
        panel=token("panel"),
        boost=token("panel"),
        dark=dark,
        variables={
            "border": token("faint"),
            "border-blurred": token("faint"),
            "block-cursor-background": token("select"),
            "block-cursor-foreground": token("strong"),
            "block-cursor-text-style": "bold",
            "input-cursor-background": token("azure"),
            "input-cursor-foreground": token("bg"),
            "input-selection-background": token("select"),
            "scrollbar": token("faint"),
            "scrollbar-background": token("panel"),
            "dim": token("dim"),
            "mute": token("mute"),
            "strong": token("strong"),
        },
    )


def _written(color: Color) -> str:
    """A color in hexadecimal that converts back to the same entry of the 256 colors."""
    if color.number is not None and color.number >= 232:  # otherwise a gray is converted to its neighbor
        level = round(255 * (color.number - 231) / 25)
        return f"#{level:02x}{level:02x}{level:02x}"
    return color.get_truecolor().hex


_VARIABLES_PLAIN = {
    "ansi-background": "ansi_default",
    "ansi-foreground": "ansi_default",
    "border": "ansi_default",
    "border-blurred": "ansi_default",
    "block-cursor-background": "ansi_default",
    "block-cursor-foreground": "ansi_default",
    "block-cursor-text-style": "bold underline",
    "input-cursor-background": "ansi_default",
    "input-cursor-foreground": "ansi_default",
    "input-selection-background": "ansi_cyan",
    "scrollbar": "ansi_bright_black",
    "scrollbar-background": "ansi_default",
    "dim": "ansi_default",
    "mute": "ansi_default",
    "strong": "ansi_default",
}
