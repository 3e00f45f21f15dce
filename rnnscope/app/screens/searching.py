"""What is found out on the train screen, live: who knows something, and where a neuron is highest and lowest.

    / ──▶ Find ─┐                 ┌──▶ the panel, and the scores of every search since
                ├─▶ desk ─▶ worker┤
    Traced ─────┘                 └──▶ the neuron, where the reader asked

While the panel is in sight each new trace is searched for the same thing: one search at a time, and so seldom
that searching takes a few per cent of a core. The neuron stays where it is until the reader asks again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from textual import on

from rnnscope.analysis.features import FEATURES
from rnnscope.app.asking.answers import Answer, ContextsFound, Ended, Found, Refused
from rnnscope.app.asking.requests import Find, FindContextsInTrace, FindInTrace, Request, as_asked
from rnnscope.app.course import Course
from rnnscope.app.messages import Arrived
from rnnscope.app.panels.prompt import Prompt
from rnnscope.app.panels.reports import ReportPanel
from rnnscope.app.screens import questions
from rnnscope.app.screens.layout import REPORTS, train_turns
from rnnscope.app.screens.showing import ShowingScreen
from rnnscope.app.screens.stage import Stage
from rnnscope.render import finding, following, listing
from rnnscope.render.report import Place, Report, Run, Unit
from rnnscope.selection import Selection
from rnnscope.tracing.trace import Trace
from rnnscope.training.events import Event, Started, Traced

_SHARE = 0.03
"""How much of the time searching may take."""
_PATIENCE_SECONDS = 1.0
"""How long a question waits for a longer trace than the passage's."""
_KNOWN = 0.5
"""How far from chance, 0..1, a neuron is that is called by what it knows."""


@dataclass
class Turns:
    """Requests of one kind, one at a time."""

    asked: Request | None = None
    """What the worker is at."""
    began: float = 0.0
    next: float = 0.0
    """The earliest time for another, unless the reader asks."""

    def begin(self, request: Request, now: float) -> None:
        self.asked, self.began = request, now

    def end(self, now: float) -> None:
        self.asked, self.next = None, now + (now - self.began) / _SHARE


class SearchingScreen(ShowingScreen, inherit_bindings=False):
    """A run, and what its neurons know by now."""

    _question: Find | None = None
    """What is looked for."""
    _course: Course | None = None
    """What was found, and how it came to be."""
    _searched: Trace | None = None
    """The passage and what follows it, where it was traced so far."""
    _chooses = False
    """Whether the best neuron of the next answer is to be looked at: the reader asked."""
    _patience_ends = 0.0
    _contexts_of: tuple[object, ...] = ()
    """The neuron whose contexts are shown."""
    _contexts_trace: Trace | None = None

    def on_mount(self) -> None:
        self._finding, self._reading = Turns(), Turns()
        self._report("find", following.nothing(tuple(FEATURES)))

    # -- the reader asks -------------------------------------------------------------------------------------

    def action_find(self) -> None:
        """Ask what to find; what is traced for it begins to be, so that the answer is at hand sooner."""
        self._open("find")
        super().ask(questions.find(self.find))  # an answer needs no run that goes on
        self._keep_up()

    def find(self, asked: str) -> str | None:
        """Look for something from now on; a complaint where nothing can be asked so."""
        told = asked.strip()
        if not told:
            return "a feature, or a regular expression"
        self._question, self._course, self._chooses = as_asked(told), None, True
        self._finding.next, self._patience_ends = 0.0, time.monotonic() + _PATIENCE_SECONDS
        if self._finding.asked is not None:
            self.desk.cancel(FindInTrace)
            self._finding.asked = None
        self._report("find", following.waiting(self._question.asked))
        self._open("find")
        self._keep_up()
        return None

    def action_contexts(self) -> None:
        self._open("contexts")
        self.call_after_refresh(lambda: self.set_focus(self.query_one("#contexts")))

    def action_other_panel(self) -> None:
        """The next of the panels that take turns."""
        turns = train_turns(self.size.width, self.size.height)
        chosen = self.query_one(Stage).wanted.chosen
        self._open(turns[(turns.index(chosen) + 1) % len(turns)] if chosen in turns else turns[0])

    def action_back(self) -> None:
        """Find and contexts go after what lies over them, and before what colors the passage."""
        stage = self.query_one(Stage)
        is_under = self.is_covered or stage.wanted.zoomed is not None
        if stage.wanted.chosen in REPORTS and not is_under:
            self._open("loss")
        else:
            super().action_back()

    def _open(self, panel: str) -> None:
        stage = self.query_one(Stage)
        if stage.wanted.chosen != panel or panel in stage.wanted.hidden:
            stage.want(chosen=panel, hidden=stage.wanted.hidden - {panel})
            self.show_status(self.status)
            self._keep_up()

    def _is_open(self, panel: str) -> bool:
        wanted = self.query_one(Stage).wanted
        return wanted.chosen == panel and panel not in wanted.hidden

    # -- the run goes on -------------------------------------------------------------------------------------

    def _take(self, event: Event) -> None:
        match event:
            case Traced():
                self._searched = event.searched
            case Started():
                self._course = None  # a run that is read anew
        super()._take(event)

    def _tick(self) -> None:
        super()._tick()
        self._keep_up()

    def _keep_up(self) -> None:
        """Ask what is wanted of the newest trace, where it is time to."""
        is_found = self._is_open("find")
        searching = is_found and (self._question is not None or self.query_one(Prompt).display)
        if searching != self.controls.state.searching:
            self.controls.set(searching=searching)
        if self.selection is None:
            return
        now = time.monotonic()
        if is_found and self._question is not None and self._finding.asked is None:
            self._search(self._question, self.selection, now)
        if self._is_open("contexts") and self._reading.asked is None:
            self._read_contexts(self.selection, now)

    def _search(self, question: Find, selection: Selection, now: float) -> None:
        trace = selection.trace if self._searched is None else self._searched
        if self._searched is None and now < self._patience_ends and not self._has_ended:
            return
        if now >= self._finding.next and (self._course is None or self._course.trace is not trace):
            request = FindInTrace(question.kind, question.asked, question.marks, trace=trace)
            self._finding.begin(request, now)
            self.desk.ask(request)

    def _read_contexts(self, selection: Selection, now: float) -> None:
        neuron = (selection.layer, selection.unit, selection.quantity)
        is_other = neuron != self._contexts_of
        if is_other or (selection.trace is not self._contexts_trace and now >= self._reading.next):
            request = FindContextsInTrace(*neuron, trace=selection.trace)
            self._reading.begin(request, now)
            self.desk.ask(request)

    @property
    def _has_ended(self) -> bool:
        """Whether nobody traces any more."""
        return self.live and self.status.phase in ("finished", "failed")

    # -- the worker answers ----------------------------------------------------------------------------------

    @on(Arrived)
    def _hear(self) -> None:
        with self.app.batch_update():
            for answer in self.desk.drain():
                self._take_answer(answer)

    def _take_answer(self, answer: Answer) -> None:
        match answer:
            case Found(request=FindInTrace() as request) if request is self._finding.asked:
                self._show_found(answer, request.trace)
            case ContextsFound(request=FindContextsInTrace() as request):
                neuron = (request.layer, request.unit, request.quantity)
                self._report("contexts", listing.contexts(answer), keep_place=neuron == self._contexts_of)
                self._contexts_of, self._contexts_trace = neuron, request.trace
            case Refused(request=request, message=message):
                self.announce(message, "warning")
                if request is self._finding.asked:
                    self._question, self._chooses = None, False
                    self._report("find", following.refused(message, tuple(FEATURES)))
            case Ended(request=request):
                for each in (self._finding, self._reading):
                    if request is each.asked:
                        each.end(time.monotonic())
                self._keep_up()

    def _show_found(self, found: Found, trace: Trace) -> None:
        before = self._course
        self._course = Course.begun(found, trace) if before is None else before.after(found, trace)
        chooses, self._chooses = self._chooses, False
        if chooses and found.results:
            (layer, unit), known = found.results[0]
            self.look(layer=layer, unit=unit, quantity=known.quantity, coloring="neuron")
        elif self.selection is not None:
            self.show_selection(self.selection)
        self._list_found(keep_place=before is not None)

    def _list_found(self, *, keep_place: bool) -> None:
        if self._course is not None:
            chosen = (self.selection.layer, self.selection.unit) if self.selection is not None else None
            listed = following.following(self._course, chosen, tuple(FEATURES))
            self._report("find", listed, keep_place=keep_place)

    def _report(self, name: str, report: Report, *, keep_place: bool = False) -> None:
        self.query_one(f"#{name}", ReportPanel).show_report(report, keep_place=keep_place)

    # -- what is looked at -----------------------------------------------------------------------------------

    def show_selection(self, selection: Selection) -> None:
        """A neuron that knows what is looked for is called by it."""
        before = self.selection
        super().show_selection(
            replace(selection, knows="" if self._course is None else _name(self._course, selection))
        )
        if before is not None and (before.layer, before.unit) != (selection.layer, selection.unit):
            self._list_found(keep_place=True)

    @on(ReportPanel.Chosen)
    def _choose(self, message: ReportPanel.Chosen) -> None:
        match message.choice:
            case Place(position=position):
                self.look(cursor=position)
            case Unit(layer=layer, unit=unit):
                self.look(layer=layer, unit=unit)
            case Run(action="find", argument=argument) if message.again:
                self.query_one(Prompt).drop()
                self.find(argument)
            case Run(action="contexts") if message.again:
                self.action_contexts()

    def _labels(self) -> dict[str, str]:
        labels = super()._labels()
        return labels | {"back": "back"} if self.query_one(Stage).wanted.chosen in REPORTS else labels


def _name(course: Course, selection: Selection) -> str:
    """What the neuron is called; empty where it does not know enough of what is looked for."""
    known = course.known((selection.layer, selection.unit))
    if known is None or known.score <= course.found.null:
        return ""
    if finding.share(known.score, known.metric) < _KNOWN:
        return ""
    return f"not {known.feature}" if known.is_negative else known.feature
