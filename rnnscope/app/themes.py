"""Our colours as Textual's theme variables, for the few widgets that it draws: inputs, the palette."""

from __future__ import annotations

from textual.theme import Theme as TextualTheme

from rnnscope.app.palette import Depth, Palette, palette


def theme_name(chosen: Palette) -> str:
    return f"rnnscope-{chosen.theme}-{'plain' if is_ansi(chosen.depth) else 'full'}"


def is_ansi(depth: Depth) -> bool:
    """Whether the terminal's own colours are used, unconverted."""
    return depth in ("16", "none")


def themes() -> list[TextualTheme]:
    """Every theme that `theme_name` can name."""
    return [
        _theme(palette(light_or_dark, depth))
        for light_or_dark in ("dark", "light")
        for depth in ("truecolor", "16")
    ]


def _theme(chosen: Palette) -> TextualTheme:
    dark = chosen.theme == "dark"
    if is_ansi(chosen.depth):
        return TextualTheme(
            name=theme_name(chosen),
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
    colors = chosen.colors
    return TextualTheme(
        name=theme_name(chosen),
        primary=colors.azure,
        secondary=colors.azure,
        warning=colors.amber,
        error=colors.error,
        success=colors.mint,
        accent=colors.azure,
        foreground=colors.text,
        background=colors.bg,
        surface=colors.panel,
        panel=colors.panel,
        boost=colors.panel,
        dark=dark,
        variables={
            "border": colors.faint,
            "border-blurred": colors.faint,
            "block-cursor-background": colors.select,
            "block-cursor-foreground": colors.strong,
            "block-cursor-text-style": "bold",
            "input-cursor-background": colors.azure,
            "input-cursor-foreground": colors.bg,
            "input-selection-background": colors.select,
            "scrollbar": colors.faint,
            "scrollbar-background": colors.panel,
            "dim": colors.dim,
            "mute": colors.mute,
            "strong": colors.strong,
        },
    )


_VARIABLES_PLAIN = {
    "ansi-background": "ansi_default",
    "ansi-foreground": "ansi_default",
    "border": "ansi_default",
    "border-blurred": "ansi_default",
    "block-cursor-background": "ansi_cyan",
    "block-cursor-foreground": "ansi_black",
    "block-cursor-text-style": "reverse",
    "input-cursor-background": "ansi_default",
    "input-cursor-foreground": "ansi_default",
    "input-selection-background": "ansi_cyan",
    "dim": "ansi_default",
    "mute": "ansi_default",
    "strong": "ansi_default",
}
