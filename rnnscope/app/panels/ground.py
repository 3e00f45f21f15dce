"""What lies on the ground between and around the panels: header, footer, notices."""

from __future__ import annotations

from rich.style import Style
from textual.widget import Widget

from rnnscope.theme.palette import Palette, palette


class Ground(Widget):
    """A widget that draws by the Line API on the screen's own background."""

    @property
    def palette(self) -> Palette:
        """The application's palette; the dark one in a bare test application."""
        chosen = getattr(self.app, "palette", None)
        return chosen if isinstance(chosen, Palette) else palette("dark", "truecolor")

    @property
    def ground(self) -> Style:
        """The background alone."""
        return self.ink("text")

    def ink(self, token: str, *, bold: bool = False) -> Style:
        """Text of one token on the ground."""
        return self.palette.ink(token, bold=bold, on="bg")
