"""The inspect screen: a model and a text.

A screen is composed of four kinds of parts, none of which derives from another:

    selection      one frozen `Selection`, in the screen's `ScreenScope`
    stage          the region of each panel, by its id (`inspect_layout`)
    panels         widgets, one file each in `rnnscope.app.panels`; a panel gets the scope, and callbacks
                   where it affects another part, such as `on_rank` of the neuron table
    collaborators  objects with actions but without a widget: paging, marks, export, …

After every change of the selection the scope calls `show(selection)` of every panel. A panel changes the
selection by `scope.select(cursor=…)`, and asks a query by `scope.ask(key, query, callback)`.

Parts declare their `ACTIONS`. The screen lists them twice: the classes in `OWNERS`, from which Textual's
bindings and the tables of docs/keys.md are made, and the objects in its `registry`, which runs them; a test
checks that both agree. A new panel is a file in `panels`, a line in `OWNERS`, and its object in `__init__`,
`registry` and `compose`; an analysis without a separate panel needs nothing here (`panels.analyses`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from rnnscope.analysis.ablation import Ablate
from rnnscope.analysis.brackets import Brackets
from rnnscope.analysis.compare import Compare
from rnnscope.analysis.contexts import Contexts
from rnnscope.analysis.errors import Errors
from rnnscope.analysis.find import Find
from rnnscope.analysis.gradient_flow import GradientFlow
from rnnscope.analysis.matching import Match
from rnnscope.analysis.names import Names, NamesResult
from rnnscope.analysis.ngrams import Ngrams
from rnnscope.analysis.saliency import Saliency
from rnnscope.analysis.saturation import Saturation
from rnnscope.app.actions import Declares, Registry, actions_of, bindings
from rnnscope.app.beginning import Beginning
from rnnscope.app.bookmarks import Bookmarking, BookmarksFile
from rnnscope.app.exporting import Export
from rnnscope.app.factor_map import FactorMap
from rnnscope.app.frame.banner import Banner
from rnnscope.app.frame.footer import Footer
from rnnscope.app.frame.model_header import Model, ModelHeader
from rnnscope.app.frame.prompt import Prompt
from rnnscope.app.frame.too_small import TooSmall
from rnnscope.app.generating import SPEED, Generating
from rnnscope.app.inspect_layout import INSPECT_LAYOUTS, SHARED
from rnnscope.app.marks import Marks
from rnnscope.app.model_file import ModelFile
from rnnscope.app.navigation import Navigation
from rnnscope.app.notes import NotesFile
from rnnscope.app.other_text import OtherText
from rnnscope.app.paging import Paging, Turned
from rnnscope.app.palette_commands import Commands
from rnnscope.app.panels.ablation import Ablation
from rnnscope.app.panels.analyses import OtherAnalyses
from rnnscope.app.panels.brackets import BracketsAnalysis
from rnnscope.app.panels.compare import CompareAnalysis
from rnnscope.app.panels.contexts import ContextsAnalysis
from rnnscope.app.panels.errors import ErrorsAnalysis
from rnnscope.app.panels.find import FindAnalysis
from rnnscope.app.panels.flow import FlowChart
from rnnscope.app.panels.gates import Gates
from rnnscope.app.panels.heatmap import HeatMap
from rnnscope.app.panels.match import MatchAnalysis
from rnnscope.app.panels.neurons import NeuronTable
from rnnscope.app.panels.next import Next
from rnnscope.app.panels.ngrams import NgramsAnalysis
from rnnscope.app.panels.passage import Passage
from rnnscope.app.panels.saliency import SaliencyAnalysis
from rnnscope.app.panels.saturation import SaturationPlot
from rnnscope.app.places import Places
from rnnscope.app.reporting import WriteReport
from rnnscope.app.scope import error_line
from rnnscope.app.screen_scope import ScreenScope
from rnnscope.app.search_limit import SearchLimit
from rnnscope.app.second_neuron import SecondNeuron
from rnnscope.app.shell import Shell
from rnnscope.app.stage import Stage
from rnnscope.app.start import Start
from rnnscope.app.work import Delivered, WorkEnded
from rnnscope.errors import RnnscopeError
from rnnscope.jobs import Jobs
from rnnscope.progress import Progress
from rnnscope.selection import Selection
from rnnscope.session import Session
from rnnscope.text.display import label
from rnnscope.text.documents import document_note

if TYPE_CHECKING:
    from rnnscope.app.app import RnnscopeApp

_WITH_PANEL = (
    *(Find, Contexts, Match, Saliency, Ablate, Saturation),
    *(GradientFlow, Errors, Ngrams, Brackets, Compare),
)
"""Queries with a separate panel."""
_REFRESH_SECONDS = 0.1
_FILE_CHECK_SECONDS = 2.0
"""Interval between checks of the model's file for changes."""
_NAMED_UNKNOWN = 8
"""Maximum number of characters outside the vocabulary listed in one message."""
_OPEN = Start()
_LEAVING_SECONDS = 0.4
"""Seconds to wait for running jobs on exit."""


class InspectScreen(Screen[None], inherit_bindings=False):
    """A model, a text, and analyses of both."""

    OWNERS: ClassVar[tuple[Declares, ...]] = (
        Passage,
        Navigation,
        NeuronTable,
        HeatMap,
        FactorMap,
        SecondNeuron,
        FindAnalysis,
        ContextsAnalysis,
        MatchAnalysis,
        SaliencyAnalysis,
        Ablation,
        SaturationPlot,
        FlowChart,
        ErrorsAnalysis,
        NgramsAnalysis,
        BracketsAnalysis,
        CompareAnalysis,
        SearchLimit,
        Marks,
        Places,
        Bookmarking,
        OtherText,
        Generating,
        Export,
        WriteReport,
        Stage,
        Banner,
        Shell,
    )
    AUTO_FOCUS = "#passage"
    COMMANDS: ClassVar[set[Any]] = {Commands}
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(actions_of(OWNERS))]

    def __init__(
        self,
        open_session: Callable[[Progress], Session],
        *,
        name: str,
        held_out_nats: float | None = None,
        file: Path | None = None,
        notes: Path | None = None,
        compared_with: str = "",
        bookmarks: Path | None = None,
        start: Start = _OPEN,
        remembers: bool = False,
        is_fresh: bool = False,
        now: Callable[[], float] = time.monotonic,
        writing_speed: float = SPEED,
    ) -> None:
        """open_session: loads the model and opens the text; a worker thread calls it after the first frame.

        name: the model's name in the header. held_out_nats: its validation loss, if known.
        file: the model's file, which is checked for changes. notes: the file of stars and notes, and
        bookmarks: that of bookmarks; None keeps them in memory. compared_with: a model to compare with at
        once. start: what to open with. is_fresh: not as the last session was left. remembers: the next
        session opens as this one is left. now: the clock of the message log.
        writing_speed: characters that the model generates in a second.
        """
        super().__init__()
        began = now()
        self.jobs = Jobs(lambda: self.post_message(Delivered()))
        self._open_session = open_session
        self._compared_with = compared_with
        self._model = Model(name, held_out_nats=held_out_nats)
        self._file = None if file is None else ModelFile(file)
        self.header = ModelHeader(name, id="header")
        self._noted_unknown: set[str] = set()
        self._original: Session | None = None
        """The session that was opened."""
        self._names: NamesResult | None = None
        self._is_opened = False
        """Whether the neurons were labeled, and the best of them shown where nothing else was asked for."""
        self.scope = scope = ScreenScope(
            self,
            self.jobs,
            label_of=lambda neuron, quantity: self.table.label_of(neuron, quantity),
            read_page=lambda position: self.paging.go_to(position),
        )
        self.paging = Paging(scope, self._after_page)
        self.marks = Marks(scope)
        self.places = Places(scope, next_default=lambda: self.find.next_of_label())
        self.passage = Passage(scope, on_brush=self.marks.brush, id="passage")
        self.table = NeuronTable(
            scope,
            NotesFile(notes, scope.announce),
            on_rank=lambda ranking: self.heat_map.rank(ranking),
            id="neurons",
        )
        self.heat_map = HeatMap(
            scope,
            heading="heat map",
            orders=("slowest", "similar", "index", "table"),
            on_factor=lambda factor: self.factors.choose(factor),
            id="map",
        )
        self.factors = FactorMap(scope, self.heat_map)
        self.find = FindAnalysis(
            scope, self.marks, self.places, self.table.rank_by, lambda: self.passage.shown
        )
        self.contexts = ContextsAnalysis(scope)
        self.saturation = SaturationPlot(scope, id="saturation")
        self.match = MatchAnalysis(scope, self.marks)
        self.saliency = SaliencyAnalysis(scope)
        self.ablation = Ablation(scope, lambda: self.table.starred)
        self.flow = FlowChart(scope, id="gradients")
        self.errors = ErrorsAnalysis(scope)
        self.ngrams = NgramsAnalysis(scope)
        self.brackets = BracketsAnalysis(scope)
        self.compare = CompareAnalysis(scope)
        self.analyses = OtherAnalyses(scope, without=_WITH_PANEL)
        self.second = Passage(
            scope, heading="second", shown=Selection.seconded, hint="press & to pin a neuron", id="second"
        )
        self.banner = Banner(lambda: now() - began, id="banner")
        self.prompt = Prompt(id="prompt")
        report = WriteReport(scope, file, name=lambda: name)
        self.stage = Stage(name="inspect", layouts=INSPECT_LAYOUTS, announce=scope.announce)
        bookmarking = Bookmarking(scope, BookmarksFile(bookmarks, scope.announce), SHARED, self._shown_panel)
        self.beginning = Beginning(
            scope,
            self.find,
            start,
            views={
                "contexts": self.contexts.action_contexts,
                "saturation": self.saturation.action_saturation,
                "match": self.match.action_match,
                "ablate": self.ablation.ablate,
                "attribution": self.saliency.action_saliency,
                "errors": self.errors.action_errors,
                "n-grams": self.ngrams.action_ngrams,
                "brackets": self.brackets.action_brackets,
                "gradient-flow": self.flow.action_gradients,
                "present": self.stage.action_present,
            },
            focus_passage=lambda: self.stage.call_after_refresh(self.stage.focus_first),
            remembers=remembers,
            is_fresh=is_fresh,
        )
        self.generating = Generating(
            scope,
            self.paging,
            show_written=self.passage.show_written,
            clamps=lambda: self.ablation.clamps,
            later=self.set_timer,
            footer=lambda: self.footer,
            speed=writing_speed,
        )
        shell = Shell(
            self,
            scope,
            lambda: self.registry,
            picture_name=self._picture_name,
            steps_back=(
                self.prompt.drop,
                self.banner.dismiss,
                self.stage.unzoom,
                self.generating.stop,
                self._cancel_analysis,
                self.factors.leave,
                self.marks.clear,
                self._uncolor,
                scope.release_quantity,
                self.table.unfilter,
                self.paging.restore,
            ),
        )
        self.registry = Registry(
            (
                self.passage,
                Navigation(scope, self._step),
                self.table,
                self.heat_map,
                self.factors,
                SecondNeuron(scope, after="find"),
                self.find,
                self.contexts,
                self.match,
                self.saliency,
                self.ablation,
                self.saturation,
                self.flow,
                self.errors,
                self.ngrams,
                self.brackets,
                self.compare,
                SearchLimit(scope),
                self.marks,
                self.places,
                bookmarking,
                OtherText(scope, self.paging),
                self.generating,
                Export(
                    scope,
                    facts=lambda: (name, self._model.title),
                    name=self._picture_name,
                    report=report.begin,
                ),
                report,
                self.stage,
                self.banner,
                shell,
            )
        )
        self.analyses.register(self.registry)
        self.footer = Footer(self.registry, id="footer")
        self.footer.rename({"hold": ""})
        scope.listen(self.marks.follow)
        scope.listen(self.ngrams.follow)
        scope.listen(self.compare.follow)
        scope.listen(self.factors.follow)
        scope.listen(lambda before, selection: self._show_header())

    def compose(self) -> ComposeResult:
        with self.stage:
            yield self.header
            yield self.table
            yield self.passage
            yield Gates(self.scope, id="gates")
            yield Next(id="next")
            yield self.heat_map
            yield self.second
            yield self.find.panel
            yield self.contexts.panel
            yield self.saturation
            yield self.match.panel
            yield self.saliency.panel
            yield self.ablation.panel
            yield self.flow
            yield self.errors.panel
            yield self.ngrams.panel
            yield self.brackets.panel
            yield self.compare.panel
            yield self.analyses.panel
            yield self.footer
            yield self.banner
            yield self.prompt
            yield TooSmall(id="too-small")

    def on_mount(self) -> None:
        self.stage.register(self.registry)
        self.set_interval(_REFRESH_SECONDS, self._show_header)
        if self._file is not None:
            self.set_interval(_FILE_CHECK_SECONDS, self._check_file)

    # -- from the app ----------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Open the session; the app calls it after the first frame."""
        self.jobs.submit(
            "open",
            self._opened,
            lane="page",
            on_result=lambda opened: self._open(*opened),
            on_error=self._end,
        )

    def leave(self, *, asks: bool = True) -> bool:
        """Cancel all jobs. Returns True: nothing has to be saved, so `asks` has no effect."""
        self.stage.remember()
        self.beginning.remember(self.paging.original, self.paging.position, self._shown_panel())
        self.jobs.close(_LEAVING_SECONDS)
        return True

    def wait(self) -> None:
        """Nothing has to be saved."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return False for actions that are not offered in a web page."""
        return action != "act" or self.registry.offers(str(parameters[0]))

    async def action_act(self, action: str) -> None:
        """Run the action of a key."""
        await self.registry.run(action)

    # -- from the jobs ---------------------------------------------------------------------------------------

    @on(Delivered)
    def _deliver(self) -> None:
        with self.app.batch_update():
            self.jobs.deliver()

    def _opened(self, progress: Progress) -> tuple[Session, NamesResult | None]:
        """Open the session, and recall how it was left and its neurons' names; runs in a worker thread."""
        session = self._open_session(progress)
        self.beginning.recall(session)
        return session, session.known(Names(), progress)

    def _open(self, session: Session, names: NamesResult | None) -> None:
        """Show a session; names: those of its neurons, if they are cached."""
        self._model = replace(self._model, title=session.architecture.title)
        self._original = session
        if session.cache is not None:
            for note in session.cache.notes:
                self.scope.announce(note)
        if (note_on_documents := document_note(session.reader.document_separator)) is not None:
            self.scope.announce(note_on_documents)
        self.table.open(session.architecture)
        place = self.beginning.start.position
        if names is None:
            self.paging.open(session, place)
            self.jobs.submit(
                "names",
                lambda progress: session.ask(Names(), progress),
                lane="background",
                activity=Names.activity,
                on_result=self._label,
                on_error=self.scope.announce_error,
            )
        else:
            self._names = names
            self.table.set_names(names)
            self.paging.open(session, names.place if self._finds_place else place)
        self.find.start()
        if self._compared_with:
            self.compare.compare(self._compared_with)

    def _label(self, names: NamesResult) -> None:
        """Label the neurons, and open on the best of them."""
        self._names = names
        self.table.set_names(names)
        self._open_on_finding()
        self.scope.show_again()

    @property
    def _finds_neuron(self) -> bool:
        """Whether the screen opens on the neuron with the best label: neither the user nor a start chose."""
        start, had_input = self.beginning.start, cast("RnnscopeApp", self.app).had_input
        return not (self._is_opened or had_input or start.neuron is not None or start.search)

    @property
    def _finds_place(self) -> bool:
        """Whether it also opens where that neuron's feature switches on."""
        return self._finds_neuron and self.beginning.start.position is None

    def _open_on_finding(self) -> None:
        """Show the neuron with the best label, at a place where its feature switches on."""
        names, selection = self._names, self.scope.selection
        if names is None or selection is None:
            return
        if names.labels and self._finds_neuron:
            finds_place = self._finds_place
            self.scope.suggest_neuron(names.labels[0].layer, names.labels[0].unit)
            if finds_place and names.place is not None and self.paging.is_original:
                self.scope.suggest_place(names.place)
        elif self.beginning.start.quantity is None and not self._is_opened:
            self.scope.suggest_neuron(selection.layer, selection.unit)  # in the quantity of its label
        self._is_opened = True

    def _end(self, error: Exception) -> None:
        self._model = replace(self._model, has_failed=True)
        self._show_header()
        if not isinstance(error, RnnscopeError | OSError):
            self.scope.announce(error_line(error), "warning")
        self.post_message(WorkEnded(error))

    def _after_page(self, turned: Turned) -> None:
        self.beginning.apply()
        self._open_on_finding()
        if not turned.is_typed:  # an order that changes at every key cannot be read
            self.table.sort_by_page()
        self._note_unknown(turned)
        self._show_header()

    def _note_unknown(self, turned: Turned) -> None:
        """Announce each character outside the vocabulary once."""
        found = dict.fromkeys(turned.page.text[index] for index in turned.page.unknown.tolist())
        new = [character for character in found if character not in self._noted_unknown]
        if not new:
            return
        self._noted_unknown |= set(new)
        shown = ", ".join(f"'{label(character)}'" for character in new[:_NAMED_UNKNOWN])
        rest = ", …" if len(new) > _NAMED_UNKNOWN else ""
        self.scope.announce(
            f"{shown}{rest} {'is' if len(new) == 1 else 'are'} not in the model's vocabulary; "
            f"shown as typed, read as '{label(turned.session.reader.stand_in)}'"
        )

    @on(Prompt.Closed)
    def _after_prompt(self) -> None:
        self.stage.focus_first()

    # -- display ---------------------------------------------------------------------------------------------

    def _show_header(self) -> None:
        turned, selection = self.paging.turned, self.scope.selection
        job = next((job for job in self.jobs.active if job.activity), None)
        self._model = replace(
            self._model,
            activity="" if job is None else job.activity,
            share=None if job is None else job.share,
            searches_all=not self.scope.characters,
        )
        if turned is not None and selection is not None:
            self._model = replace(
                self._model,
                source=turned.session.name,
                position=selection.position,
                characters=turned.length,
                is_counted=turned.is_counted,
                is_exact=turned.page.is_exact,
            )
        self.header.show(self._model)

    def _step(self, by: int) -> None:
        """Select a neuron in the table's order, or a factor if the heat map shows factors."""
        if not self.factors.step(by):
            self.table.step(by)

    def _shown_panel(self) -> str:
        """The panel that was shown last in a place that several share; empty if none was."""
        return next((panel for panel in self.stage.wanted.recent if panel in SHARED), "")

    def _picture_name(self) -> str:
        selection = self.scope.selection
        return self._model.name + (f"-{selection.neuron.replace('/', '-')}" if selection is not None else "")

    def _check_file(self) -> None:
        if self._file is not None and self._file.has_changed():
            self.scope.announce(
                "the model file has changed on disk; this screen shows the model as it was opened", "warning"
            )
            if self._original is not None and self._original.cache is not None:
                self._original.cache.detach()

    # -- Esc -------------------------------------------------------------------------------------------------

    def _cancel_analysis(self) -> bool:
        """Cancel running analyses. Returns True if there were any."""
        is_active = any(job.lane == "analysis" and job.activity for job in self.jobs.active)
        if is_active:
            self.jobs.cancel_all("analysis")
            self._show_header()
        return is_active

    def _uncolor(self) -> bool:
        """Color the passage by the neuron, without the top five. Returns True if anything changed."""
        selection = self.scope.selection
        if selection is None or not (selection.top_five or selection.coloring == "surprisal"):
            return False
        self.scope.select(top_five=False, coloring="neuron")
        return True
