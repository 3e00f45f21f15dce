"""The app: shows one screen, and starts its work after the first frame is painted.

The work of both screens imports torch and runs in separate threads. On exit the app asks the screen to stop
its work, and waits until unsaved data is written.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias

from textual import events, on
from textual.app import App
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.widgets import Input

from rnnscope.app.keys import rebound
from rnnscope.app.palette_commands import ActionPalette
from rnnscope.app.printable import Printable
from rnnscope.app.recording import Recording
from rnnscope.app.scope import error_line
from rnnscope.app.served import is_served, web_driver
from rnnscope.app.shell import QUIT, SUSPEND
from rnnscope.app.terminal import (
    TerminalDriver,
    background_theme,
    depth_of,
    has_job_control,
    stderr_redirected,
)
from rnnscope.app.themes import is_ansi, textual_theme
from rnnscope.app.work import WorkEnded
from rnnscope.config import Config
from rnnscope.errors import RnnscopeError
from rnnscope.theme.colors import THEMES, ThemeChoice
from rnnscope.theme.palette import Depth, Palette, palette

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from rnnscope.app.screens.inspect import InspectScreen
    from rnnscope.app.screens.learn import LearnScreen
    from rnnscope.app.screens.replay import ReplayScreen
    from rnnscope.app.screens.runs import RunsScreen
    from rnnscope.app.screens.train import TrainScreen

MainScreen: TypeAlias = "InspectScreen | LearnScreen | ReplayScreen | RunsScreen | TrainScreen"
"""A screen that does work: `begin` is called after its first frame, and `leave` on exit."""
AutoPilot: TypeAlias = Callable[["Pilot[Any]"], Coroutine[Any, Any, None]]

_FIRST_FRAME_SECONDS = 0.05
"""Time for the first frame to reach the terminal, before importing torch blocks the interpreter."""

_DEFAULT = Config()
_INPUTS = (events.Key, events.Paste, events.MouseDown, events.MouseScrollUp, events.MouseScrollDown)
_SWITCH_SECONDS = 0.001
"""The interpreter's thread switch interval; a key press passes through three threads."""


class Performance(Protocol):
    """The scenes of a talk, one screen each; see `rnnscope.app.performance`."""

    @property
    def has_clicker(self) -> bool:
        """Whether Page Down and Page Up turn to other scenes."""

    def turned(self, by: int) -> MainScreen | None:
        """The screen of the next or the previous scene; None at the ends."""

    def entered(self, screen: MainScreen) -> None:
        """A screen is shown."""


class RnnscopeApp(App[int], inherit_bindings=False):
    """Shows one screen, or the screens of a talk one after another."""

    CSS_PATH = "rnnscope.tcss"
    TITLE = "rnnscope"
    ALLOW_SELECT = False
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar[set[Any]] = set()
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            ",".join(key for key in QUIT.keys if key.startswith("ctrl")),
            "quit",
            QUIT.help,
            show=False,
            priority=True,
        ),
        Binding(",".join(SUSPEND.keys), "suspend_process", SUSPEND.help, show=False, priority=True),
        Binding("f9,alt+right", "scene(1)", "Next scene", show=False, priority=True),
        Binding("f8,alt+left", "scene(-1)", "Previous scene", show=False, priority=True),
        Binding("pagedown", "clicker(1)", "Next scene", show=False, priority=True),
        Binding("pageup", "clicker(-1)", "Previous scene", show=False, priority=True),
    ]

    def __init__(
        self,
        screen: MainScreen,
        *,
        theme: ThemeChoice = "auto",
        depth: Depth | None = None,
        config: Config = _DEFAULT,
        performance: Performance | None = None,
    ) -> None:
        """screen: the first screen.

        depth: the number of colors; None detects what the terminal supports. config: the user's keys of
        actions and layouts. performance: gives the screens of a talk. Raises OptionError if a key has two
        actions.
        """
        # Textual removes colors itself if NO_COLOR is set. With ansi_color it keeps bold, reverse and
        # underline as the plain palette defines them.
        plain = "NO_COLOR" in os.environ if depth is None else depth == "none"
        driver = web_driver() if is_served() else TerminalDriver
        super().__init__(driver_class=driver, ansi_color=True if plain else None)
        self.animation_level = "none"
        self.drawing: IO[str] | None = None
        """The file to draw on; None is standard error."""
        self.recording: Recording | None = None
        """What records the screen, if anything does."""
        self.failure: Exception | None = None
        """The error that ended the work."""
        self.signal: int | None = None
        """The signal that asked the process to end."""
        self._depth: Depth = depth or depth_of(self.console, no_color=plain)
        self._background = background_theme()
        self.palette: Palette = palette(
            self._background if theme == "auto" else theme, self._depth, self._background
        )
        self.is_leaving = False
        self.had_input = False
        """Whether the user has pressed a key or used the mouse, other than to move it."""
        self._first = screen
        """The screen that is shown, under help and the command palette."""
        self._opened: list[MainScreen] = []
        """All screens that were shown, the first one shown first."""
        self._config = config
        self._performance = performance
        self._printable = Printable()
        self._use(self.palette)
        self._configure(screen)

    def _configure(self, screen: MainScreen) -> None:
        """Apply the user's keys and layouts. Raises OptionError."""
        keys = self._config.keys
        if keys:
            changed = rebound(screen.registry.actions, keys)
            screen.registry.rebind(changed)
            self.set_keymap({each.id: ",".join(each.keys) for each in changed if each.id in keys})
        if self._config.layout:
            screen.stage.open_with(self._config.layout)

    # -- the screen's work -----------------------------------------------------------------------------------

    def on_mount(self) -> None:
        self._install(self._first)
        self.push_screen(self._first)
        if not self.is_headless:
            self._listen_to_signals()
        self.call_after_refresh(self.set_timer, _FIRST_FRAME_SECONDS, self._begin)

    def _begin(self) -> None:
        if not self.is_leaving:
            self._first.begin()
            if self._performance is not None:
                self._performance.entered(self._first)

    def _install(self, screen: MainScreen) -> None:
        """Keep a screen when another is shown."""
        self.install_screen(screen, f"screen {len(self._opened)}")
        self._opened.append(screen)

    # -- scenes of a talk ------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return False for keys of a talk outside of one."""
        if action in ("scene", "clicker"):
            performance = self._performance
            return performance is not None and (action == "scene" or performance.has_clicker)
        return super().check_action(action, parameters)

    def action_clicker(self, by: int) -> None:
        self.action_scene(by)

    def action_scene(self, by: int) -> None:
        """Show the screen of the next or the previous scene; the present one goes on."""
        performance = self._performance
        if performance is None or self.is_leaving or (screen := performance.turned(by)) is None:
            return
        is_new = screen not in self._opened
        if is_new:
            self._configure(screen)
            self._install(screen)
        while self.screen is not self._first:  # help, or the command palette
            self.pop_screen()
        self._first = screen
        self.switch_screen(screen)
        if is_new:
            screen.begin()
        self.call_after_refresh(performance.entered, screen)

    @on(WorkEnded)
    def _after_work(self, message: WorkEnded) -> None:
        """Exit if the user asked to, or if the user can correct the error that ended the work."""
        if self._performance is not None and not self.is_leaving:
            if message.error is not None:
                self._first.scope.announce(error_line(message.error), "warning")
            return
        self.failure = message.error
        can_correct = isinstance(self.failure, RnnscopeError | OSError)
        if can_correct or (self.is_leaving and self._have_left(asks=True)):
            self.exit(0 if self.failure is None else 2)

    # -- keys ------------------------------------------------------------------------------------------------

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, _INPUTS):
            self.had_input = True
        await super().on_event(event)

    def on_key(self, event: events.Key) -> None:
        """Insert a character into a prompt that has just opened.

        An input consumes its characters, so one that bubbles up to the app was sent before the input had the
        focus.
        """
        if isinstance(self.focused, Input) and event.is_printable and event.character is not None:
            event.prevent_default()
            self.focused.replace(event.character, *self.focused.selection)

    def action_command_palette(self) -> None:
        """Search the actions of the screen, unless another screen covers it."""
        if self.screen is self._first:
            self.push_screen(ActionPalette())

    # -- leaving ---------------------------------------------------------------------------------------------

    async def action_quit(self) -> None:
        """Ask the screen to stop its work, and exit when it has stopped."""
        self.is_leaving = True
        if self._have_left(asks=True):
            self.exit(0 if self.failure is None else 1)

    def _have_left(self, *, asks: bool) -> bool:
        """Ask all screens to stop their work. Returns True if all have stopped."""
        have_left = [screen.leave(asks=asks) for screen in self._opened or [self._first]]
        return all(have_left)

    def action_suspend_process(self) -> None:
        """Stop the process until the shell continues it; a message if no shell can."""
        if has_job_control():
            super().action_suspend_process()
        else:
            self._first.scope.announce("cannot suspend: not started by a shell with job control", "warning")

    def action_hang_up(self) -> None:
        """The terminal is closed: save and quit without asking."""
        self.is_leaving = True
        if self._have_left(asks=False):
            self.exit(0 if self.failure is None else 1)

    def on_unmount(self) -> None:
        """Stop the work of all screens, however the app ended."""
        self._have_left(asks=False)

    def wait(self) -> None:
        """Wait until all screens have saved their data."""
        for screen in self._opened:
            screen.wait()

    def _listen_to_signals(self) -> None:
        if threading.current_thread() is threading.main_thread():
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                loop.add_signal_handler(number, self._end_by_signal, number)

    def _end_by_signal(self, number: int) -> None:
        self.signal = number
        self.call_later(self.action_hang_up)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Filters for every line; Textual's color filters are needed for ANSI palettes only."""
        colors = super().get_line_filters() if is_ansi(self.palette.depth) else ()
        return (*colors, self._printable)

    # -- theme -----------------------------------------------------------------------------------------------

    def action_next_theme(self) -> None:
        """Use the theme after the current one, and announce its name."""
        theme = THEMES[(THEMES.index(self.palette.theme) + 1) % len(THEMES)]
        self._use(palette(theme, self._depth, self._background))
        self.refresh_css(animate=False)
        self._first.scope.announce(f"theme: {theme}")

    def _use(self, chosen: Palette) -> None:
        self.palette = chosen
        theme = textual_theme(chosen)
        self.register_theme(theme)
        self.theme = theme.name
        self.ansi_color = is_ansi(chosen.depth)


def show(app: RnnscopeApp, pilot: AutoPilot | None = None, *, record: Path | None = None) -> int:
    """Run an app until the user quits; returns the exit status.

    pilot: presses keys in a headless run. record: a new file for a recording of the screen. Raises
    OptionError if it cannot be created, and the error that ended the screen's work.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    app.recording = None if record is None else Recording(record)
    with stderr_redirected() as app.drawing:
        status = app.run(headless=pilot is not None, auto_pilot=pilot)
    app.wait()
    if app.recording is not None:
        app.recording.close()
        if app.recording.failure is not None:
            print(f"rnnscope: {record}: {app.recording.failure.strerror}; it is incomplete", file=sys.stderr)  # noqa: T201
    if app.failure is not None:
        raise app.failure
    if app.signal is not None:
        return 128 + app.signal
    return 1 if status is None else status
