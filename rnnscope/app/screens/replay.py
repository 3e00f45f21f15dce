"""The replay screen: a run's snapshots, one after another, each computed on the same passage.

keys, clicks ──▶ Player ──step──▶ Film.frame, in a job ──▶ _show ──▶ Selection ▶ passage, next, gates, neurons
                                     next frames are                 Sampled   ▶ sample
                                     computed ahead                  step      ▶ loss, timeline, header

The panels are those of the train screen. Only the weights differ from one frame to the next: passage, cursor,
neuron and the seed of the sample stay.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from rnnscope.app.actions import Declares, Registry, actions_of, bindings
from rnnscope.app.choosing import retraced
from rnnscope.app.frame.banner import Banner
from rnnscope.app.frame.footer import Footer
from rnnscope.app.frame.prompt import Prompt
from rnnscope.app.frame.replay_header import ReplayHeader
from rnnscope.app.frame.too_small import TooSmall
from rnnscope.app.history import History
from rnnscope.app.live_text import LiveText
from rnnscope.app.navigation import Navigation
from rnnscope.app.notes import NotesFile
from rnnscope.app.palette_commands import Commands
from rnnscope.app.panels.chart import Chart
from rnnscope.app.panels.contexts import ContextsAnalysis
from rnnscope.app.panels.gates import Gates
from rnnscope.app.panels.heatmap import HeatMap
from rnnscope.app.panels.loss import Loss, LossUnits
from rnnscope.app.panels.neurons import NeuronTable
from rnnscope.app.panels.next import Next
from rnnscope.app.panels.passage import Passage
from rnnscope.app.panels.sample import SampleStream
from rnnscope.app.panels.timeline import Timeline
from rnnscope.app.player import Player, Playing
from rnnscope.app.replay_find import ReplayFind
from rnnscope.app.replay_layout import REPLAY_LAYOUTS, REPORTS
from rnnscope.app.scope import error_line
from rnnscope.app.screen_scope import ScreenScope
from rnnscope.app.shell import Shell
from rnnscope.app.stage import Stage
from rnnscope.app.work import Delivered, WorkEnded
from rnnscope.errors import CheckpointError, RnnscopeError
from rnnscope.jobs import Jobs
from rnnscope.progress import Progress
from rnnscope.replay.curves import Curves
from rnnscope.replay.film import Film, Frame, Settings
from rnnscope.text.display import are_bytes
from rnnscope.training.controls import Controls, ControlState
from rnnscope.training.events import Event
from rnnscope.training.run import is_being_written

_TICK_SECONDS = 0.04
_LOOK_SECONDS = 2.0
"""The interval at which the run's directory is read again."""
_SEARCH_SECONDS = 4.0
"""The interval between searches of the present snapshot while playing."""
_AHEAD = 2
"""Snapshots that are computed ahead while playing."""
_LEAVING_SECONDS = 0.4


class ReplayScreen(Screen[None], inherit_bindings=False):
    """The snapshots of a run, and where the training was at each."""

    OWNERS: ClassVar[tuple[Declares, ...]] = (
        Player,
        Passage,
        Navigation,
        NeuronTable,
        ReplayFind,
        ContextsAnalysis,
        LiveText,
        LossUnits,
        HeatMap,
        Stage,
        Banner,
        Shell,
    )
    AUTO_FOCUS = "#passage"
    COMMANDS: ClassVar[set[Any]] = {Commands}
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(actions_of(OWNERS))]

    def __init__(
        self,
        film: Film,
        *,
        speed: float = 1.0,
        plays: bool = True,
        find: str = "",
        notes: Path | None = None,
        state: ControlState | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """speed: a multiple of two snapshots per second. plays: whether it begins to play at once. find: a
        feature, or a regular expression, for which neurons are scored from the beginning.

        notes: the file of stars and notes; None keeps them in memory. state: temperature and prompt of the
        samples. now: the clock by which it plays.
        """
        super().__init__()
        began = now()
        self.film = film
        self.jobs = Jobs(lambda: self.post_message(Delivered()))
        self.controls = Controls(state)
        self.history = History()
        self.frame: Frame | None = None
        """What is on the screen; None before the first snapshot is computed."""
        self._now = now
        self._plays = plays
        self._first_search = find
        self._settings = self._shown_settings = _settings(self.controls.state)
        self._curves = Curves(film.directory)
        self._is_growing = False
        self._looked_at = self._searched_at = began
        self._wanted: tuple[int, Settings] | None = None
        """The frame that is being computed."""
        self._direction = 1
        self.scope = scope = ScreenScope(
            self,
            self.jobs,
            label_of=lambda neuron, quantity: self.find.label_of(neuron, quantity),
            read_page=lambda position: scope.select(cursor=position if position >= 0 else 1 << 62),
        )
        self.player = Player(
            scope,
            show=self._go,
            losses=self._losses,
            scores=lambda: self.find.curve(),
            waits=lambda: self._is_growing,
            speed=speed,
        )
        self.header = ReplayHeader(film.directory.name or str(film.directory), id="header")
        loss = Loss()
        self.loss = Chart(
            loss,
            on_choose=self.player.seek,
            on_window=lambda: self.timeline.redraw(),
            id="loss",
        )
        self.timeline = Timeline(self.loss, seek=self.player.seek, move=self.player.move, id="timeline")
        self.samples = SampleStream(id="sample")
        self.passage = Passage(scope, id="passage")
        self.heat_map = HeatMap(
            scope, heading="heat map", orders=("slowest", "similar", "index", "table"), id="map"
        )
        self.table = NeuronTable(
            scope, NotesFile(notes, scope.announce), on_rank=self.heat_map.rank, id="neurons"
        )
        self.contexts = ContextsAnalysis(scope)
        self.find = ReplayFind(
            scope,
            film,
            settings=lambda: self._settings,
            step=lambda: self.player.state.step,
            on_life=self._show_life,
            show_contexts=self.contexts.action_contexts,
        )
        self.banner = Banner(lambda: now() - began, id="banner")
        self.prompt = Prompt(id="prompt")
        self.stage = Stage(name="replay", layouts=REPLAY_LAYOUTS, announce=scope.announce)
        shell = Shell(
            self,
            scope,
            lambda: self.registry,
            picture_name=lambda: f"{film.directory.name}-{self.player.state.step}",
            steps_back=(
                self.prompt.drop,
                self.banner.dismiss,
                self.stage.unzoom,
                self.find.cancel,
                lambda: self.stage.put_back({*REPORTS}),
                self._uncolor,
                scope.release_quantity,
                self.table.unfilter,
            ),
        )
        self.registry = Registry(
            (
                self.player,
                self.passage,
                Navigation(scope, self._step_neuron),
                self.table,
                self.find,
                self.contexts,
                LiveText(scope, self.controls, lambda: True),
                LossUnits(self.loss, loss),
                self.heat_map,
                self.stage,
                self.banner,
                shell,
            )
        )
        self.footer = Footer(self.registry, id="footer")
        scope.listen(lambda before, selection: self._show_life())

    def compose(self) -> ComposeResult:
        with self.stage:
            yield self.header
            yield self.loss
            yield self.timeline
            yield self.samples
            yield self.passage
            yield Next(id="next")
            yield Gates(self.scope, id="gates")
            yield self.heat_map
            yield self.table
            yield self.find.panel
            yield self.contexts.panel
            yield self.footer
            yield self.banner
            yield self.prompt
            yield TooSmall(id="too-small")

    def on_mount(self) -> None:
        self.stage.register(self.registry)
        self.set_interval(_TICK_SECONDS, self.tick)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return False for actions that are not offered in a web page."""
        return action != "act" or self.registry.offers(str(parameters[0]))

    async def action_act(self, action: str) -> None:
        """Run the action of a key."""
        await self.registry.run(action)

    # -- from the app ----------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Open the run; the app calls it after the first frame."""
        settings = self._settings

        def opened(progress: Progress) -> tuple[Frame, list[Event]]:
            return self.film.newest(settings, progress), self._curves.read()

        self.jobs.submit("open", opened, lane="page", on_result=self._open, on_error=self._end)

    def leave(self, *, asks: bool = True) -> bool:
        """Cancel all jobs. Returns True: nothing has to be saved, so `asks` has no effect."""
        self.stage.remember()
        self.jobs.close(_LEAVING_SECONDS)
        return True

    def wait(self) -> None:
        """Nothing has to be saved."""

    @on(Delivered)
    def _deliver(self) -> None:
        with self.app.batch_update():
            self.jobs.deliver()

    @on(Prompt.Closed)
    def _after_prompt(self) -> None:
        self.stage.focus_first()

    # -- from the jobs ---------------------------------------------------------------------------------------

    def _open(self, opened: tuple[Frame, list[Event]]) -> None:
        """Begin with the first snapshot, on the neuron that is liveliest at the last."""
        newest, events = opened
        self._chart(events)
        self.table.open(newest.trace.architecture)
        self.scope.show(retraced(None, newest.trace))
        for step, reason in self.film.damaged.items():
            self.scope.announce(f"snapshot {step:,} is skipped: {reason}", "warning")
        self.player.open(self.film.steps, plays=self._plays)
        if self._first_search:
            self.find.find(self._first_search)

    def _chart(self, events: list[Event]) -> None:
        for event in events:
            self.history.add(event)
        self.history.reach(self.film.steps[-1])
        self.loss.show_history(self.history)
        self.timeline.redraw()

    def _go(self, playing: Playing) -> None:
        """Show a state of the player: at once if its frame is in memory, else as soon as it is computed."""
        shown = -1 if self.frame is None else self.frame.step
        self._direction = -1 if playing.step < shown else 1
        self.timeline.show_playing(playing)
        self._show_header()
        self.footer.rename({"command_palette": "", "play": "pause" if playing.plays else "play"})
        wanted = (playing.step, self._settings)
        if self.frame is not None and self._wanted is None and wanted == (shown, self._shown_settings):
            return
        frame = self.film.kept(*wanted)
        if frame is not None:
            self.jobs.cancel("frame")
            self._wanted = None
            self._show(frame, self._settings)
        elif wanted != self._wanted:
            self._wanted = wanted
            self.jobs.submit(
                "frame",
                lambda progress: self.film.frame(*wanted, progress),
                lane="page",
                on_result=lambda frame: self._arrive(frame, wanted[1]),
                on_error=lambda error: self._skip(error, wanted[0]),
            )

    def _arrive(self, frame: Frame, settings: Settings) -> None:
        self._wanted = None
        self._show(frame, settings)

    def _show(self, frame: Frame, settings: Settings) -> None:
        """Show a frame in all panels, and compute its neighbors."""
        with self.app.batch_update():
            is_other_text = self.frame is None or self._shown_settings != settings
            self.frame, self._shown_settings = frame, settings
            self.scope.use(frame.session)
            if is_other_text:
                self.scope.set_length(frame.session.reader.length())
            self.scope.show(retraced(self.scope.selection, frame.trace))
            self.samples.show_whole(frame.sample, of_bytes=are_bytes(frame.trace.symbols))
            self.loss.read_step(frame.step)
            self._rank()
            self._show_header()
        if not self.player.state.plays or self._now() - self._searched_at >= _SEARCH_SECONDS:
            self._searched_at = self._now()
            self.find.search()
            self.contexts.panel.ask_again()
        self._look_ahead()

    def _look_ahead(self) -> None:
        """Compute the snapshots that are likely to be shown next."""
        state, settings = self.player.state, self._settings
        at = state.place
        places = [at + self._direction * (i + 1) for i in range(_AHEAD)] + [at - self._direction]
        steps = [state.steps[place] for place in places if 0 <= place < len(state.steps)]

        def compute(progress: Progress) -> None:
            for step in steps:
                progress.check()
                try:
                    self.film.frame(step, settings)
                except RnnscopeError:  # it is announced when it is to be shown
                    continue

        if any(self.film.kept(step, settings) is None for step in steps):
            self.jobs.submit("ahead", compute, lane="background")

    def _skip(self, error: Exception, step: int) -> None:
        """A snapshot is damaged, or was deleted: show the next one."""
        self._wanted = None
        if not isinstance(error, CheckpointError):
            self.scope.announce_error(error)
            if isinstance(error, RnnscopeError) and self.frame is not None:
                self._restore_settings()
                self.player.seek(self.frame.step)
            else:
                self._end(error)
            return
        self.scope.announce(f"{error_line(error)}; it is skipped", "warning")
        steps = self.film.steps
        later = [each for each in steps if (each > step if self._direction > 0 else each < step)]
        self.player.skip(steps, (later[0] if self._direction > 0 else later[-1]) if later else None)

    def _restore_settings(self) -> None:
        """Go back to the settings of the frame on the screen: others cannot be computed."""
        shown = self._settings = self._shown_settings
        self.controls.set(
            passage=shown.passage,
            passage_at=shown.at,
            prime=shown.prime,
            temperature=shown.temperature,
            samples=shown.samples,
        )

    def _end(self, error: Exception) -> None:
        if not isinstance(error, RnnscopeError | OSError):
            self.scope.announce(error_line(error), "warning")
        self.post_message(WorkEnded(error))

    # -- time ------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Go on playing, compute again with other settings, and look for new snapshots."""
        if self.frame is None:
            return
        now = self._now()
        settings = _settings(self.controls.state)
        if settings != self._settings:
            is_other_text = (settings.passage, settings.at) != (self._settings.passage, self._settings.at)
            self._settings = settings
            self._go(self.player.state)
            if is_other_text:
                self.find.restart()
        self.player.tick(now, is_ready=self._wanted is None)
        if now - self._looked_at >= _LOOK_SECONDS:
            self._looked_at = now
            self.jobs.submit("look", lambda progress: self._look(), lane="background", on_result=self._grow)

    def _look(self) -> tuple[bool, bool, list[Event]]:
        """Whether the snapshots have changed, whether a process writes the run, and new losses."""
        try:
            is_written = is_being_written(self.film.directory)
        except OSError:
            is_written = False
        return self.film.refresh(), is_written, self._curves.read()

    def _grow(self, found: tuple[bool, bool, list[Event]]) -> None:
        has_changed, self._is_growing, events = found
        if has_changed or events:
            self._chart(events)
            self.player.update(self.film.steps)
            self.find.keep_up()
        self._show_header()

    # -- display ---------------------------------------------------------------------------------------------

    @property
    def _title(self) -> str:
        return "" if self.frame is None else self.frame.trace.architecture.title

    def _show_header(self) -> None:
        job = next((job for job in self.jobs.active if job.activity), None)
        self.header.show(
            replace(
                self.header.replayed,
                title=self._title,
                source=self.film.source,
                playing=self.player.state,
                elapsed_seconds=None if self.frame is None else self.frame.elapsed_seconds,
                activity="" if job is None else job.activity,
                is_growing=self._is_growing,
            )
        )

    def _show_life(self) -> None:
        """Show the scores of the chosen neuron, as far as they are computed."""
        self.timeline.show_life(self.find.life())
        selection = self.scope.selection
        if selection is not None:
            label = self.find.label_of((selection.layer, selection.unit), selection.quantity)
            if label != selection.label:
                self.scope.show_again()
        self._rank()
        self._show_header()

    def _rank(self) -> None:
        """The table by the scores of the search at this snapshot; without a search, by the page."""
        labels = self.find.labels()
        if labels:
            self.table.rank_by(self.find.title, labels)
        else:
            self.table.sort_by_page()

    def _step_neuron(self, by: int) -> None:
        """Select the next neuron of the table if that is in sight, else of the heat map."""
        (self.table if self.table.display else self.heat_map).step(by)

    def _losses(self) -> list[tuple[int, float]]:
        held_out = self.history.held_out
        return [(int(step), nats) for step, nats in zip(held_out.steps, held_out.mean.tolist(), strict=True)]

    def _uncolor(self) -> bool:
        """Color the passage by the neuron, without the top five. Returns True if anything changed."""
        selection = self.scope.selection
        if selection is None or not (selection.top_five or selection.coloring == "surprisal"):
            return False
        self.scope.select(top_five=False, coloring="neuron")
        return True


def _settings(state: ControlState) -> Settings:
    return Settings(state.passage, state.passage_at, state.prime, state.temperature, state.samples)
