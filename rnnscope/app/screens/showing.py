"""What the train screen shows: events become a status, a history, a selection.

    mailbox ──10 Hz──▶ take ──▶ Status ▶ header
                                History ▶ loss, gradient
                                Selection ▶ passage, next, gates, neurons ◀── keys, clicks
                                Sampled ▶ sample

A key makes a new Selection and shows it to every panel at once, so that one frame holds the whole of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from textual.app import ComposeResult

from rnnscope.app import actions
from rnnscope.app.asking.desk import Desk
from rnnscope.app.choosing import first_cursor, first_selection, livelier_selection
from rnnscope.app.history import History
from rnnscope.app.mailbox import Mailbox
from rnnscope.app.panels.banner import Banner
from rnnscope.app.panels.footer import Footer
from rnnscope.app.panels.gates import Gates
from rnnscope.app.panels.gradient import GradientChart
from rnnscope.app.panels.header import Header
from rnnscope.app.panels.heatmap import HeatMap
from rnnscope.app.panels.loss import LossChart
from rnnscope.app.panels.next import Next
from rnnscope.app.panels.passage import Passage
from rnnscope.app.panels.prompt import Prompt
from rnnscope.app.panels.reports import ReportPanel
from rnnscope.app.panels.sample import SampleStream
from rnnscope.app.screens.looking import LookingScreen
from rnnscope.app.screens.stage import Stage
from rnnscope.app.screens.too_small import TooSmall
from rnnscope.app.status import Status
from rnnscope.text.display import are_bytes
from rnnscope.tracing.trace import Trace
from rnnscope.training.controls import Controls
from rnnscope.training.events import Event, Finished, Sampled, Saved, Started, Traced, Warned

TICK_SECONDS = 0.1
_SETTLED_SECONDS = 45.0
"""Neurons of an untrained network mean nothing; until then a dull one makes way, if nobody chose it."""


class ShowingScreen(LookingScreen, inherit_bindings=False):
    """All there is to see of a run that is being trained, or was.

    Searches are in `searching.py`, what keys do in `train.py`.
    """

    def __init__(
        self,
        mailbox: Mailbox,
        controls: Controls,
        desk: Desk,
        *,
        corpus: str = "",
        live: bool = True,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`desk` is where searches are asked for; `now` is the clock by which samples are written out."""
        super().__init__(actions.offered(live=live))
        self.controls = controls
        self.desk = desk
        self.live = live
        self.status = Status(corpus=corpus)
        self.history = History()
        self._mailbox = mailbox
        self._now = now
        self._reads_bytes = False
        self.awaits_saving = False
        """Whether somebody asked for a checkpoint and waits to hear of it."""
        self._charted = -1

    def compose(self) -> ComposeResult:
        with Stage():
            yield Header(id="header")
            yield LossChart(id="loss")
            yield SampleStream(id="sample")
            yield Passage(id="passage")
            yield Next(id="next")
            yield Gates(id="gates")
            yield HeatMap(id="neurons")
            yield GradientChart(id="gradient")
            yield ReportPanel("find", "", id="find")
            yield ReportPanel("contexts", "", id="contexts")
            yield Footer(self.actions, id="footer")
            yield Banner(id="banner")
            yield Prompt(id="prompt")
            yield TooSmall(id="too-small", live=self.live)

    def on_mount(self) -> None:
        self.show_status(self.status)
        self.set_interval(TICK_SECONDS, self._tick)

    # -- what comes from the run ---------------------------------------------------------------------------

    def _tick(self) -> None:
        """One frame: what has come, and some characters more of the sample; paused, it stands still."""
        with self.app.batch_update():
            self.collect()
            if not self.status.paused:
                self.query_one(SampleStream).advance(self._now())

    def collect(self) -> None:
        """Take what the mailbox holds, and show it."""
        events = self._mailbox.drain()
        if not events:
            return
        for event in events:
            self._take(event)
        self.show_status(self.status)
        self._show_history()

    def _take(self, event: Event) -> None:
        self.status = self.status.after(event)
        self.history.add(event)
        match event:
            case Started():
                self._greet(event)
            case Traced():
                self._retrace(event.trace)
            case Sampled():
                self.query_one(SampleStream).begin(event, of_bytes=self._reads_bytes)
            case Warned():
                self.announce(event.message, "warning")
            case Saved(kind="last") if self.awaits_saving:
                self.awaits_saving = False
                self.announce(f"saved {event.path}")
            case Finished():
                self.announce(_farewell(event))

    def _greet(self, event: Started) -> None:
        self._reads_bytes = are_bytes(event.symbols)
        self.query_one(GradientChart).clip_norm = event.clip_norm
        if event.notes:
            self.announce("   ".join(event.notes))
        if event.unknown_characters:
            share = event.unknown_characters / max(1, event.train_characters + event.held_out_characters)
            self.announce(
                f"{event.unknown_characters:,} rare characters ({share:.2%}) are read as the unknown symbol",
                "warning",
            )

    def _retrace(self, trace: Trace) -> None:
        """A new trace of the passage; what is looked at stays where it was."""
        old = self.selection
        if old is None or old.trace.architecture != trace.architecture:
            selection = first_selection(trace)
        else:
            selection = old.moved(trace=trace)
            if old.trace.text != trace.text:
                selection = selection.moved(cursor=first_cursor(trace))
            if not self.is_chosen and self.status.elapsed_seconds < _SETTLED_SECONDS:
                selection = livelier_selection(selection)
        self.show_selection(selection)

    # -- what the panels show --------------------------------------------------------------------------------

    def neighbor(self, by: int) -> tuple[int, int] | None:
        """The neuron beside the chosen one in the heat map, whether that is on the screen or not."""
        unit = self.query_one(HeatMap).neighbor(by)
        return None if unit is None or self.selection is None else (self.selection.layer, unit)

    @property
    def picture_name(self) -> str:
        return f"{Path(self.status.corpus).stem or 'screen'}-{self.status.step}"

    @property
    def elapsed_seconds(self) -> float:
        return self.status.elapsed_seconds

    def show_status(self, status: Status) -> None:
        self.status = status
        self.query_one(Header).show(status)
        self.query_one(Footer).rename(self._labels())

    def _show_history(self) -> None:
        if self.history.version != self._charted:
            self._charted = self.history.version
            self.query_one(LossChart).show(self.history)
            self.query_one(GradientChart).show(self.history)

    def _labels(self) -> dict[str, str]:
        """What the footer's entries are called in the present state."""
        labels = {"pause": "go on"} if self.status.paused else {}
        if self.live and self.status.phase in ("finished", "failed", "saving"):
            labels |= dict.fromkeys(
                ("pause", "learning_rate", "finish", "save", "temperature", "passage"), ""
            )
        elif self.status.phase == "annealing":
            labels["finish"] = ""
        return labels


def _farewell(event: Finished) -> str:
    """How a run ended, and where it is."""
    parts = [f"ended at step {event.step:,}"]
    if event.held_out_nats is not None:
        parts.append(f"held out {event.held_out_nats:.3f} nats")
    return ", ".join([*parts, *([f"saved in {event.path}"] if event.path else []), *event.notes])
