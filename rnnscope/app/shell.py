"""Actions of every screen: help, command palette, screenshot, theme, quit and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from textual.screen import Screen

from rnnscope.app.actions import Action, Registry
from rnnscope.app.pages.help import help_writer
from rnnscope.app.pages.page import PageScreen
from rnnscope.app.panels.panel import Panel
from rnnscope.app.scope import Scope
from rnnscope.app.screenshot import screenshot
from rnnscope.files import write_atomically

QUIT = Action(
    "quit", ("q", "ctrl+q", "ctrl+c"), "Quit (saves a run first)", "app", "quit", synonyms="exit leave close"
)
SUSPEND = Action(
    "suspend", ("ctrl+z",), "Suspend to the shell; fg comes back", "app", synonyms="background stop"
)


class Shell:
    """The actions of a screen that are about the app itself."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(
            "back",
            ("escape",),
            "Back: close prompt, message, zoom, search results",
            "app",
            place=2,
            synonyms="cancel undo leave",
        ),
        Action(
            "screenshot",
            ("S", "ctrl+s"),
            "Screenshot (SVG)",
            "app",
            synonyms="picture image export",
            files=True,
        ),
        Action(
            "theme",
            ("T",),
            "Next theme: dark, light, high contrast, the terminal's 16 colors",
            "app",
            synonyms="colors appearance",
        ),
        Action("command_palette", ("ctrl+p",), "Command palette", "app", "more", synonyms="actions search"),
        Action(
            "help",
            ("question_mark", "f1"),
            "Help: keys, colors, glossary",
            "app",
            "help",
            synonyms="shortcuts mouse legend",
        ),
        SUSPEND,
        QUIT,
    )

    def __init__(
        self,
        screen: Screen[None],
        scope: Scope,
        registry: Callable[[], Registry],
        *,
        picture_name: Callable[[], str],
        steps_back: Sequence[Callable[[], bool]],
    ) -> None:
        """picture_name: the file name of a screenshot. steps_back: what Esc undoes, in order.

        Each step returns whether it had anything to undo; Esc stops after the first that had.
        """
        self._screen = screen
        self._scope = scope
        self._registry = registry
        self._picture_name = picture_name
        self._steps_back = tuple(steps_back)

    def action_back(self) -> None:
        any(step() for step in self._steps_back)

    def action_screenshot(self) -> None:
        path = free_path(Path(f"rnnscope-{self._picture_name()}.svg"))
        try:
            content = screenshot(self._screen.app).encode()
            write_atomically(path, lambda file: file.write(content))
        except OSError as error:
            self._scope.announce(
                f"no screenshot: {path}: {(error.strerror or str(error)).lower()}", "warning"
            )
        else:
            self._scope.announce(f"screenshot written to {path.resolve()}")

    async def action_theme(self) -> None:
        await self._screen.app.run_action("next_theme")

    async def action_command_palette(self) -> None:
        await self._screen.app.run_action("command_palette")

    def action_help(self) -> None:
        registry, panels, focused = self._registry(), [*self._screen.query(Panel)], self._screen.focused
        here: tuple[str, Sequence[Action]] = ("", ())
        if isinstance(focused, Panel):
            here = (focused.heading, (*focused.focus_actions(), *registry.of_panel(focused)))
            panels = [panel for panel in panels if panel.focus_actions() != focused.focus_actions()]
        self._screen.app.push_screen(PageScreen(help_writer(registry.actions, panels, here=here)))

    async def action_suspend(self) -> None:
        await self._screen.app.run_action("suspend_process")

    async def action_quit(self) -> None:
        await self._screen.app.run_action("quit")


def free_path(path: Path) -> Path:
    """The path, or the same path with the lowest number that makes it new."""
    candidate, number = path, 1
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return candidate
