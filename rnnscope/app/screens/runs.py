"""The screen of many runs: their loss curves over one another, and a table of their options and best losses.

    Overview ──every second──▶ RunsView ──▶ RunsChart, RunsTable ◀── keys, clicks

Enter opens a run: the screen ends with `opened`, and the command shows that run, then this screen again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from rich.segment import Segment
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from rnnscope.app.actions import Action, Declares, Registry, actions_of, bindings
from rnnscope.app.frame.banner import Banner
from rnnscope.app.frame.facts import Part, facts_row, progress_rule
from rnnscope.app.frame.footer import Footer
from rnnscope.app.frame.prompt import Prompt
from rnnscope.app.frame.too_small import TooSmall
from rnnscope.app.layout import Block, Row
from rnnscope.app.palette_commands import Commands
from rnnscope.app.panels.loss import UNITS
from rnnscope.app.panels.runs import AXES, RunsChart, RunsTable, RunsView
from rnnscope.app.question import Question
from rnnscope.app.screen_scope import ScreenScope
from rnnscope.app.shell import Shell
from rnnscope.app.stage import Stage
from rnnscope.app.widget_palette import ink_of, logo, palette_of
from rnnscope.app.work import Delivered
from rnnscope.errors import OptionError
from rnnscope.jobs import Jobs
from rnnscope.training.condition import matching, value_of
from rnnscope.training.overview import Overview, RunOverview

_POLL_SECONDS = 1.0
_ORDERS = ("name", "best", "step")


def _overview(width: int, height: int, inner: int) -> tuple[Block, ...]:
    return (Block(1, (Row(20, (("loss", 1),)), Row(16, (("runs", 1),)))),)


def _charts(width: int, height: int, inner: int) -> tuple[Block, ...]:
    return (Block(1, (Row(28, (("loss", 1),)), Row(8, (("runs", 1),)))),)


def _table(width: int, height: int, inner: int) -> tuple[Block, ...]:
    return (Block(1, (Row(8, (("loss", 1),)), Row(28, (("runs", 1),)))),)


class RunsHeader(Widget):
    """The number of runs, and of those that train."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._runs: tuple[RunOverview, ...] = ()
        self._share: float | None = None

    def show(self, runs: tuple[RunOverview, ...], share: float | None) -> None:
        """share: how much of the first reading is done; None when it is over."""
        if (runs, share) != (self._runs, self._share):
            self._runs, self._share = runs, share
            self.refresh()

    def render_line(self, y: int) -> Strip:
        if y:
            share = 1.0 if self._share is None else self._share
            return progress_rule(self, round(2 * self.size.width * share))
        training = sum(run.state == "training" for run in self._runs)
        words = f"{len(self._runs)} runs" if len(self._runs) != 1 else "1 run"
        parts = [
            Part(0, logo(palette_of(self))),
            Part(1, (Segment(words, ink_of(self, "strong")),)),
        ]
        if training:
            parts.append(Part(2, (Segment("●", ink_of(self, "mint")),), on_the_right=True))
            state = Segment(f"{training} training", ink_of(self, "mint"))
            parts.append(Part(2, (state,), on_the_right=True))
        if self._share is not None:
            parts.append(Part(3, (Segment("reading…", ink_of(self, "dim")),), on_the_right=True))
        return facts_row(self, parts)


class RunsActions:
    """Filters, sorts and pins runs, and chooses the axes."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(
            "filter",
            ("backslash",),
            "Filter runs by name or option, such as hidden_size>=256",
            "navigation",
            "filter",
            40,
            "search select condition",
        ),
        Action("sort", ("O",), "Next sort order: name, best, step", "navigation", "sort", 50, "order"),
        Action(
            "star",
            ("asterisk",),
            "Pin the run: first, and never filtered out (toggle)",
            "navigation",
            "pin",
            60,
        ),
        Action("units", ("u",), "Loss in nats, bits or perplexity", "navigation", "units", 70),
        Action(
            "axis", ("I",), "Horizontal axis: steps, characters, seconds", "navigation", "axis", 80, "time"
        ),
    )

    def __init__(self, screen: RunsScreen) -> None:
        self._screen = screen

    def action_filter(self) -> None:
        screen = self._screen

        def accept(answer: str) -> str | None:
            try:
                screen.filter_by(answer)
            except OptionError as error:
                return str(error)
            return None

        hint = "a part of a name, cell=gru, hidden_size>=256, best<1.5   Enter   Esc"
        screen.scope.prompt(Question("filter", screen.words, hint, accept))

    def action_sort(self) -> None:
        self._screen.change(order=_next(_ORDERS, self._screen.view.order))

    def action_star(self) -> None:
        self._screen.toggle_pin()

    def action_units(self) -> None:
        self._screen.change(unit=_next(UNITS, self._screen.view.unit))

    def action_axis(self) -> None:
        self._screen.change(axis=_next(AXES, self._screen.view.axis))


class RunsScreen(Screen[None], inherit_bindings=False):
    """The curves and the table of many runs."""

    OWNERS: ClassVar[tuple[Declares, ...]] = (RunsActions, Stage, Banner, Shell)
    AUTO_FOCUS = "#runs"
    COMMANDS: ClassVar[set[Any]] = {Commands}
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(actions_of(OWNERS))]

    def __init__(self, paths: Sequence[Path], *, view: RunsView | None = None, words: str = "") -> None:
        """paths: runs, or directories of runs. view, words: what was shown before a run was opened.

        Raises RunError if a path is not a directory.
        """
        super().__init__()
        self.opened: Path | None = None
        """The run to open, after the screen has ended."""
        self.runs: tuple[RunOverview, ...] = ()
        self.view = view or RunsView()
        self.words = words
        self._overview = Overview(paths)
        self._share: float | None = 0.0
        self.jobs = Jobs(lambda: self.post_message(Delivered()))
        self.scope = scope = ScreenScope(self, self.jobs)
        self.header = RunsHeader(id="header")
        self.chart = RunsChart(id="loss")
        self.table = RunsTable(self._select, self._open, id="runs")
        self.banner = Banner(lambda: 0.0, id="banner")
        self.prompt = Prompt(id="prompt")
        layouts = {"overview": _overview, "charts": _charts, "analysis": _table}
        self.stage = Stage(name="runs", layouts=layouts, announce=scope.announce)
        shell = Shell(
            self,
            scope,
            lambda: self.registry,
            picture_name=lambda: "runs",
            steps_back=(self.prompt.drop, self.banner.dismiss, self.stage.unzoom, self._unfilter),
        )
        self.registry = Registry((RunsActions(self), self.stage, self.banner, shell))

    def compose(self) -> ComposeResult:
        with self.stage:
            yield self.header
            yield self.chart
            yield self.table
            yield Footer(self.registry, id="footer")
            yield self.banner
            yield self.prompt
            yield TooSmall(id="too-small")

    def on_mount(self) -> None:
        self.stage.register(self.registry)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return False for actions that are not offered."""
        return action != "act" or self.registry.offers(str(parameters[0]))

    async def action_act(self, action: str) -> None:
        """Run the action of a key."""
        await self.registry.run(action)

    # -- from the app ----------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Read the runs, and read on every second."""
        self._poll()
        self.set_interval(_POLL_SECONDS, self._poll)

    def leave(self, *, asks: bool = True) -> bool:
        """Stop reading. Returns True: nothing has to be saved."""
        self.stage.remember()
        self.jobs.close()
        return True

    def wait(self) -> None:
        """Nothing has to be saved."""

    @on(Delivered)
    def _deliver(self) -> None:
        with self.app.batch_update():
            self.jobs.deliver()

    @on(Prompt.Closed)
    def _after_prompt(self) -> None:
        self.set_focus(self.table)

    # -- the runs --------------------------------------------------------------------------------------------

    def _poll(self) -> None:
        if any(job.key == "runs" for job in self.jobs.active):
            return
        self.jobs.stream(
            "runs",
            lambda progress: self._overview.updates(progress),
            lane="background",
            on_result=self._take,
            on_error=self.scope.announce_error,
            on_done=self._after_reading,
        )

    def _take(self, runs: tuple[RunOverview, ...]) -> None:
        active = next((job for job in self.jobs.active if job.key == "runs"), None)
        if self._share is not None and active is not None:
            self._share = active.share
        if [id(run) for run in runs] != [id(run) for run in self.runs]:
            self.runs = runs
            self._show()

    def _after_reading(self) -> None:
        self._share = None
        self._show()

    def change(self, **changes: Any) -> None:
        """Show another view."""
        self.view = replace(self.view, **changes)
        self._show()

    def filter_by(self, words: str) -> None:
        """Show the runs that meet conditions, and the pinned ones. Raises OptionError."""
        matching(self.runs, words)
        self.words = words.strip()
        self._show()

    def toggle_pin(self) -> None:
        """Pin the selected run, or unpin it."""
        if self.view.selected is not None:
            self.change(pinned=self.view.pinned ^ {self.view.selected})

    def _unfilter(self) -> bool:
        """Show all runs. Returns True if some were left out."""
        was_filtered, self.words = bool(self.words), ""
        if was_filtered:
            self._show()
        return was_filtered

    def _select(self, directory: Path) -> None:
        self.change(selected=directory)

    def _open(self, directory: Path) -> None:
        self.opened = directory
        self.app.exit(0)

    def _show(self) -> None:
        """Show the runs in their order, numbered as they were first seen."""
        view = self.view
        numbers = dict(view.numbers)
        for run in self.runs:
            numbers.setdefault(run.directory, len(numbers) + 1)
        try:
            found = {run.directory for run in matching(self.runs, self.words)}
        except OptionError:  # no run has begun that has the option
            found = set()
        shown = [run for run in self.runs if run.directory in found | view.pinned]
        shown.sort(key=lambda run: (run.directory not in view.pinned, _sort_key(run, view.order)))
        directories = [run.directory for run in shown]
        selected = view.selected if view.selected in directories else next(iter(directories), None)
        filtered = len(self.runs) - len(shown)
        self.view = replace(view, runs=tuple(shown), numbers=numbers, selected=selected, filtered=filtered)
        self.header.show(self.runs, self._share)
        self.chart.show_runs(self.view)
        self.table.show_runs(self.view)


def _sort_key(run: RunOverview, order: str) -> Any:
    if order == "best":
        return float("inf") if run.best is None else run.best[1]
    return -run.step if order == "step" else value_of(run, "name")


def _next(choices: Sequence[Any], present: Any) -> Any:
    return choices[(list(choices).index(present) + 1) % len(choices)]
