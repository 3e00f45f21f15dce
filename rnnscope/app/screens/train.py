"""The train screen: a run while it trains, or a recorded one; composed like the inspect screen.

mailbox ──10 Hz──▶ _take ──▶ Status    ▶ header
                             History   ▶ loss, gradient
                             Selection ▶ passage, next, gates, neurons ◀── keys, clicks
                             Sampled   ▶ sample
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from rnnscope.app.actions import Declares, Registry, actions_of, bindings
from rnnscope.app.choosing import livelier_selection, retraced
from rnnscope.app.frame.banner import Banner
from rnnscope.app.frame.footer import Footer
from rnnscope.app.frame.header import Header
from rnnscope.app.frame.prompt import Prompt
from rnnscope.app.frame.too_small import TooSmall
from rnnscope.app.history import History
from rnnscope.app.live_names import LiveNames
from rnnscope.app.live_text import LiveText
from rnnscope.app.mailbox import Mailbox
from rnnscope.app.navigation import Navigation
from rnnscope.app.notes import NotesFile, notes_path
from rnnscope.app.palette_commands import Commands
from rnnscope.app.panels.chart import Chart
from rnnscope.app.panels.contexts import ContextsAnalysis
from rnnscope.app.panels.gates import Gates
from rnnscope.app.panels.gradient import Gradient
from rnnscope.app.panels.heatmap import HeatMap
from rnnscope.app.panels.live_find import LiveFind
from rnnscope.app.panels.loss import Loss, LossUnits
from rnnscope.app.panels.neurons import NeuronTable
from rnnscope.app.panels.next import Next
from rnnscope.app.panels.passage import Passage
from rnnscope.app.panels.sample import SampleStream
from rnnscope.app.rescue import Rescue
from rnnscope.app.scope import Neuron, error_line
from rnnscope.app.screen_scope import ScreenScope
from rnnscope.app.served import is_served
from rnnscope.app.shell import Shell
from rnnscope.app.stage import Stage
from rnnscope.app.status import Status
from rnnscope.app.train_layout import REPORTS, TRAIN_LAYOUTS
from rnnscope.app.training_controls import TrainingControls
from rnnscope.app.work import Delivered, WorkEnded
from rnnscope.errors import RnnscopeError
from rnnscope.jobs import Jobs
from rnnscope.selection import Label
from rnnscope.session import Session
from rnnscope.text.display import are_bytes
from rnnscope.tracing.trace import Trace
from rnnscope.training.controls import Controls, ControlState
from rnnscope.training.events import Event, Finished, Resampled, Sampled, Saved, Started, Traced, Warned
from rnnscope.training.run import BEST

Start: TypeAlias = Callable[[Controls, Callable[[Event], None]], None]
"""Runs a training session to its end: it reads the controls, and passes its events to the callback."""

TICK_SECONDS = 0.1
_SETTLED_SECONDS = 45.0
"""Until this training time an inactive neuron is replaced by a livelier one, unless the user selected it."""


class TrainScreen(Screen[None], inherit_bindings=False):
    """A run, its samples, and its neurons along a passage."""

    OWNERS: ClassVar[tuple[Declares, ...]] = (
        TrainingControls,
        Passage,
        Navigation,
        NeuronTable,
        LiveNames,
        LiveFind,
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
        start: Start,
        *,
        corpus: str = "",
        live: bool = True,
        state: ControlState | None = None,
        mailbox: Mailbox | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """start: runs the training; a worker thread calls it after the first frame.

        corpus: the text's name in the header before the run has started. live: False for a run of another
        process. mailbox: the queue of the run's events. now: the clock for the sample's typing animation and
        for the interval between searches.
        """
        super().__init__()
        self.jobs = Jobs(lambda: self.post_message(Delivered()))
        self.controls = Controls(state)
        self.controls.set(offers_rescue=live and not is_served())
        self.live = live
        self.status = Status(corpus=corpus)
        self.history = History()
        self._start = start
        self._mailbox = mailbox or Mailbox()
        self._now = now
        self._ended = threading.Event()
        """Set unless the run is in progress."""
        self._ended.set()
        self._reads_bytes = False
        self._charted = -1
        self.scope = scope = ScreenScope(
            self,
            self.jobs,
            label_of=self._label_of,
            read_page=lambda position: scope.select(cursor=position if position >= 0 else 1 << 62),
        )
        self.passage = Passage(scope, id="passage")
        self.heat_map = HeatMap(
            scope, heading="heat map", orders=("slowest", "similar", "index", "table"), id="map"
        )
        self.table = NeuronTable(
            scope, NotesFile(None, scope.announce), on_rank=self.heat_map.rank, id="neurons"
        )
        self.header = Header(id="header")
        loss, self._gradient = Loss(), Gradient()
        self.loss = Chart(loss, id="loss")
        self.gradient = Chart(self._gradient, id="gradient")
        self.samples = SampleStream(
            lambda zoomed: self.controls.set(compares_temperatures=zoomed), id="sample"
        )
        self.contexts = ContextsAnalysis(scope)
        self.banner = Banner(lambda: self.status.elapsed_seconds, id="banner")
        self.prompt = Prompt(id="prompt")
        self.stage = Stage(name="train", layouts=TRAIN_LAYOUTS, announce=scope.announce)
        self.find = LiveFind(
            scope,
            show_contexts=self.contexts.action_contexts,
            is_prompt_open=lambda: self.prompt.display,
            set_searching=self._set_searching,
            has_ended=lambda: self._has_ended,
            now=now,
        )
        self.names = LiveNames(
            scope, self.table, request=self.controls.name_now, has_ended=lambda: self._has_ended, now=now
        )
        self.training = TrainingControls(
            scope,
            self.controls,
            status=lambda: self.status,
            show_paused=lambda paused: self._show_status(replace(self.status, paused=paused)),
            is_running=self._is_running,
        )
        self.rescue = Rescue(scope, self.controls)
        self.navigation = Navigation(scope, self._step)
        shell = Shell(
            self,
            scope,
            lambda: self.registry,
            picture_name=lambda: f"{Path(self.status.corpus).stem or 'screen'}-{self.status.step}",
            steps_back=(
                self.prompt.drop,
                self.banner.dismiss,
                self.loss.stop_reading,
                self.gradient.stop_reading,
                self.stage.unzoom,
                self._close_report,
                self._uncolor,
                scope.release_quantity,
                self.table.unfilter,
            ),
        )
        self.registry = Registry(
            (
                self.training,
                self.passage,
                self.navigation,
                self.table,
                self.names,
                self.find,
                self.contexts,
                LiveText(scope, self.controls, self._is_running),
                LossUnits(self.loss, loss),
                self.heat_map,
                self.stage,
                self.banner,
                shell,
            ),
            live=live,
        )
        self.footer = Footer(self.registry, id="footer")

    def compose(self) -> ComposeResult:
        with self.stage:
            yield self.header
            yield self.loss
            yield self.samples
            yield self.passage
            yield Next(id="next")
            yield Gates(self.scope, id="gates")
            yield self.heat_map
            yield self.table
            yield self.gradient
            yield self.find.panel
            yield self.contexts.panel
            yield self.footer
            yield self.banner
            yield self.prompt
            yield TooSmall(id="too-small", live=self.live)

    def on_mount(self) -> None:
        self.stage.register(self.registry)
        self._show_status(self.status)
        self.find.start()
        self.set_interval(TICK_SECONDS, self.tick)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return False for actions that need a training loop if there is none in this process."""
        return action != "act" or self.registry.offers(str(parameters[0]))

    async def action_act(self, action: str) -> None:
        """Run the action of a key."""
        await self.registry.run(action)

    # -- from the app ----------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start the run; the app calls it after the first frame."""
        self._ended.clear()
        failures: list[Exception] = []

        def run() -> None:
            try:
                self._start(self.controls, self._mailbox.post)
            finally:
                self._ended.set()

        self.jobs.submit(
            "run",
            lambda progress: run(),
            lane="background",
            on_error=failures.append,
            on_done=lambda: self._after_run(failures[0] if failures else None),
        )

    def leave(self, *, asks: bool = True) -> bool:
        """Ask the run to save and end. Returns True if it has ended.

        asks: whether the user can still answer a prompt.
        """
        self.stage.remember()
        if not asks:
            self.rescue.give_up()
        self.controls.stop()
        if self._ended.is_set():
            self.jobs.close()
            return True
        if self.is_mounted:
            self._show_status(replace(self.status, phase="saving", paused=False))
        return False

    def wait(self) -> None:
        """Wait until the run has saved and ended."""
        self._ended.wait()

    def _after_run(self, error: Exception | None) -> None:
        self._collect()
        if error is not None and not isinstance(error, RnnscopeError | OSError):
            self._show_status(replace(self.status, phase="failed"))
            self.scope.announce(f"training ended: {error_line(error)}", "warning")
        self.post_message(WorkEnded(error))

    @on(Delivered)
    def _deliver(self) -> None:
        with self.app.batch_update():
            self.jobs.deliver()

    @on(Prompt.Closed)
    def _after_prompt(self) -> None:
        self.stage.focus_first()
        self.rescue.ask()

    # -- from the run ----------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Draw one frame: new events, and the next characters of the sample, also during a pause."""
        with self.app.batch_update():
            self._collect()
            self.samples.advance(self._now())
            self.footer.rename(self._labels())
        self.find.keep_up()
        self.names.keep_up()

    def _collect(self) -> None:
        """Process the queued events, and show the result."""
        events = self._mailbox.drain()
        if not events:
            return
        for event in events:
            self._take(event)
        self._show_status(self.status)
        if self.history.version != self._charted:
            self._charted = self.history.version
            self.loss.show_history(self.history)
            self.gradient.show_history(self.history)

    def _take(self, event: Event) -> None:
        self.status = self.status.after(event)
        self.history.add(event)
        match event:
            case Started():
                self.find.restart()
                self.names.restart()
                self._greet(event)
            case Traced():
                self.find.take_trace(event.searched)
                self._retrace(event.trace)
                self.names.take_trace(event.named)
            case Sampled():
                self.samples.begin(event, of_bytes=self._reads_bytes)
            case Resampled():
                self.samples.add_others(event.samples, of_bytes=self._reads_bytes)
            case Warned():
                if event.kind == "unsaved":
                    self.rescue.begin()
                self.scope.announce(event.message, "warning")
            case Saved(kind="last") if self.training.take_saved():
                self.scope.announce(f"saved {event.path}")
            case Finished():
                self.scope.announce(_farewell(event))

    def _greet(self, event: Started) -> None:
        self._reads_bytes = are_bytes(event.symbols)
        if event.run and not is_served():
            self.table.use_notes(NotesFile(notes_path(Path(event.run) / BEST), self.scope.announce))
        self._gradient.set_clip_norm(event.clip_norm)
        self.gradient.update()
        if event.notes:
            self.scope.announce("   ".join(event.notes))
        if event.unknown_characters:
            share = event.unknown_characters / max(1, event.train_characters + event.held_out_characters)
            self.scope.announce(
                f"{event.unknown_characters:,} rare characters ({share:.2%}) are read as the unknown symbol",
                "warning",
            )

    def _retrace(self, trace: Trace) -> None:
        """Show a new trace of the passage with the same selection."""
        self.scope.use(Session.of_trace(trace))
        self.scope.set_length(len(trace))
        old = self.scope.selection
        selection = retraced(old, trace)
        is_early = self.status.elapsed_seconds < _SETTLED_SECONDS
        is_default = old is not None and not self.scope.is_chosen and not self.names.has_names
        self.scope.show(livelier_selection(selection) if is_default and is_early else selection)
        if old is None or old.trace.architecture != trace.architecture:
            self.table.open(trace.architecture)

    # -- display ---------------------------------------------------------------------------------------------

    def _show_status(self, status: Status) -> None:
        self.status = status
        self.header.show(status)
        self.footer.rename(self._labels())
        self.passage.set_note(self._step_of_trace())

    def _step_of_trace(self) -> str:
        """The step that the passage shows; empty where the run stands still at this step."""
        selection, status = self.scope.selection, self.status
        if selection is None:
            return ""
        step, stands = selection.trace.step, status.paused or status.phase in ("finished", "failed")
        return "" if stands and step == status.step else f"step {step:,}"

    def _labels(self) -> dict[str, str]:
        """Footer labels for the current state; empty hides an entry."""
        labels = {"command_palette": ""}  # no room
        if self.status.paused:
            labels["pause"] = "resume"
        if self.live and self.status.phase in ("finished", "failed", "saving"):
            labels |= dict.fromkeys(
                ("pause", "learning_rate", "finish", "save", "temperature", "passage", "sample"), ""
            )
        elif self.status.phase == "annealing":
            labels["finish"] = ""
        return labels | {"back": "back"} if self.stage.is_in_front({*REPORTS}) else labels

    def _set_searching(self, searching: bool) -> None:
        if searching != self.controls.state.searching:
            self.controls.set(searching=searching)

    @property
    def _has_ended(self) -> bool:
        return self.live and self.status.phase in ("finished", "failed")

    def _is_running(self) -> bool:
        """Return True if the training loop still reads the controls; otherwise show a message."""
        if self._has_ended:
            run = self.status.run
            self.scope.announce(f"run finished. Next: rnnscope inspect {run}, or rnnscope replay {run}")
        return not self._has_ended

    def _label_of(self, neuron: Neuron, quantity: str | None) -> Label | None:
        """What a search has found of a neuron, else its name."""
        return self.find.label_of(neuron, quantity) or self.table.label_of(neuron, quantity)

    def _step(self, by: int) -> None:
        """Select the next neuron of the table if that is in sight, else of the heat map."""
        (self.table if self.table.display else self.heat_map).step(by)

    # -- Esc -------------------------------------------------------------------------------------------------

    def _close_report(self) -> bool:
        """Show the first tab instead of find or contexts. Returns True if one of these was shown."""
        return self.stage.put_back({*REPORTS})

    def _uncolor(self) -> bool:
        """Color the passage by the neuron, without the top five. Returns True if anything changed."""
        selection = self.scope.selection
        if selection is None or not (selection.top_five or selection.coloring == "surprisal"):
            return False
        self.scope.select(top_five=False, coloring="neuron")
        return True


def _farewell(event: Finished) -> str:
    """A message with the step and loss of a finished run and the path of its checkpoint."""
    parts = [f"finished at step {event.step:,}"]
    if event.held_out_nats is not None:
        parts.append(f"best held-out loss {event.held_out_nats:.3f} nats")
    return " · ".join([*parts, *([f"saved to {event.path}"] if event.path else []), *event.notes])
