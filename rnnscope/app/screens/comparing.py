"""The network beside others on the inspect screen: n-grams, and a network of another kind."""

from __future__ import annotations

from textual import on

from rnnscope.app.asking.answers import (
    Answer,
    DistancesFound,
    ErrorsFound,
    GradientsFound,
    NgramsFound,
    PageCompared,
    PageRead,
)
from rnnscope.app.asking.desk import Desk
from rnnscope.app.asking.requests import ComparePage, FindDistances, FindErrors, FindGradients, FindNgrams
from rnnscope.app.panels.flow import FlowChart
from rnnscope.app.panels.prompt import Question
from rnnscope.app.panels.reports import ReportPanel
from rnnscope.app.screens.mapping import MappingScreen
from rnnscope.errors import CheckpointError
from rnnscope.network.locate import resolve_model, sample_models
from rnnscope.render import comparing
from rnnscope.render.report import Report, Run
from rnnscope.selection import Overlay

_OPENED_ROWS = 4


class ComparingScreen(MappingScreen, inherit_bindings=False):
    """Errors, n-grams, closing brackets, and how far back a loss is felt."""

    def __init__(self, desk: Desk, *, name: str) -> None:
        super().__init__(desk, name=name)
        self._errors: ErrorsFound | None = None
        self._bucket = ""
        """The kind of errors whose places are listed, and after a slash the level that is opened."""
        self._distances: DistancesFound | None = None
        self._bin = ""
        """The bin of distances whose places are listed."""
        self._differences: Overlay | None = None
        """What the passage is colored by while it is set beside n-grams."""

    def take(self, answer: Answer) -> None:
        was_compared = self._is_compared
        super().take(answer)
        match answer:
            case PageRead() if was_compared:
                self._compare_page()
            case ErrorsFound():
                self._errors, self._bucket = answer, ""
                self.report("errors", comparing.errors(answer))
            case NgramsFound():
                self.report("ngrams", comparing.ngrams(answer))
                self._compare_page()
            case PageCompared():
                self._map_differences(answer)
            case DistancesFound():
                self._distances, self._bin = answer, ""
                self.report("distances", comparing.distances(answer))
            case GradientsFound():
                self.query_one(FlowChart).chart(answer)

    # -- what the keys ask -----------------------------------------------------------------------------------

    def action_errors(self) -> None:
        self._ask_in("errors", FindErrors())

    def action_ngrams(self) -> None:
        self._ask_in("ngrams", FindNgrams())

    def action_distances(self) -> None:
        self._ask_in("distances", FindDistances())

    def action_gradients(self) -> None:
        self._ask_in("gradients", FindGradients())

    def action_beside(self) -> None:
        """Another network to see the gradients of, beside this one's."""

        def accept(answer: str) -> str | None:
            try:
                resolve_model(answer.strip())
            except CheckpointError as error:
                return str(error)
            self._ask_in("gradients", FindGradients(answer.strip()))
            return None

        hint = "a file, a run, or a sample model (Tab)   Enter   Esc"
        self.ask(Question("beside which model", "", hint, accept, suggestions=tuple(sample_models())))

    def focus_panel(self, name: str) -> None:
        """Put the focus on a panel, once it has its place."""
        self.call_after_refresh(lambda: self.set_focus(self.query_one(f"#{name}")))

    def _ask_in(self, panel: str, request: FindErrors | FindNgrams | FindDistances | FindGradients) -> None:
        self.ask_for(request, panel)
        self.focus_panel(panel)

    @on(FlowChart.Wanted)
    def _ask_for_gradients(self) -> None:
        self.action_gradients()

    @on(FlowChart.AnotherWanted)
    def _ask_beside(self) -> None:
        self.action_beside()

    # -- what is mapped on the passage -----------------------------------------------------------------------

    @property
    def _is_compared(self) -> bool:
        """Whether the passage is colored by the difference from n-grams."""
        selection, shown = self.selection, self._differences
        return shown is not None and selection is not None and selection.overlay is shown

    def _compare_page(self) -> None:
        """Ask for the differences on the page in sight; colors of another page are taken off it."""
        if self.selection is None:
            return
        if self._is_compared:
            self.look(overlay=None, coloring="neuron")
        self.ask_for(ComparePage(self.start, self.start + len(self.selection.trace)))

    def _map_differences(self, found: PageCompared) -> None:
        nats = comparing.RANGE_NATS
        self._differences = Overlay(
            f"network beside the {found.order}-gram",
            found.nats / nats,
            ends=(f"−{nats:g}", f"+{nats:g} nats"),
        )
        self.overlay(self._differences, found.start)

    # -- what reports point at -------------------------------------------------------------------------------

    @on(ReportPanel.Chosen)
    def _open_line(self, message: ReportPanel.Chosen) -> None:
        if not message.again:
            return
        match message.choice:
            case Run(action="press", argument=name):
                self.call_later(self.run_action, name)
            case Run(action="bucket", argument=name) if self._errors is not None:
                self._bucket = name if name != self._bucket else name.rpartition("/")[0]
                self._reopen("errors", comparing.errors(self._errors, self._bucket))
            case Run(action="bin", argument=name) if self._distances is not None:
                self._bin = "" if name == self._bin else name
                self._reopen("distances", comparing.distances(self._distances, self._bin))

    def _reopen(self, panel: str, report: Report) -> None:
        """Show a report with another line opened, and some of what it opened."""
        self.report(panel, report, keep_place=True)
        self.query_one(f"#{panel}", ReportPanel).show_below(_OPENED_ROWS)
