"""What the inspect screen shows: pages of a text under a model, and its neurons in an order.

Opened ──▶ header        PageRead ──▶ Selection ──▶ passage, gates, next, heat map, table
                         cursor near an end of the page ──▶ ReadPage
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult

from rnnscope.app.asking.answers import Answer, Ended, Opened, PageRead, Refused, Told
from rnnscope.app.asking.desk import Desk
from rnnscope.app.asking.requests import PutBack, ReadPage, Request, TypeText
from rnnscope.app.choosing import first_selection
from rnnscope.app.inspect_actions import INSPECT
from rnnscope.app.messages import Arrived
from rnnscope.app.panels.banner import Banner
from rnnscope.app.panels.flow import FlowChart
from rnnscope.app.panels.footer import Footer
from rnnscope.app.panels.gates import Gates
from rnnscope.app.panels.heatmap import HeatMap
from rnnscope.app.panels.neurons import NeuronTable
from rnnscope.app.panels.next import Next
from rnnscope.app.panels.passage import Passage
from rnnscope.app.panels.prompt import Prompt
from rnnscope.app.panels.reports import ReportPanel
from rnnscope.app.panels.saturation import SaturationPlot
from rnnscope.app.panels.second import SecondPassage
from rnnscope.app.panels.title import Model, ModelHeader
from rnnscope.app.ranking import Known, Neuron, Ranking, Sort, numbers
from rnnscope.app.screens.inspect_layout import FIRST, inspect_blocks
from rnnscope.app.screens.looking import LookingScreen
from rnnscope.app.screens.stage import Stage
from rnnscope.app.screens.too_small import TooSmall
from rnnscope.selection import Selection

PAGE = 3000
"""Characters traced at once."""
_EDGE = 400
"""So near the end of a page the next is read."""


class Map(HeatMap):
    """The heat map, where the table has the neurons' name."""

    heading: ClassVar[str] = "heat map"


class PagingScreen(LookingScreen, inherit_bindings=False):
    """A model and a text of any length under it."""

    def __init__(self, desk: Desk, *, name: str) -> None:
        super().__init__(INSPECT)
        self.desk = desk
        self.ranking: Ranking | None = None
        self.known: dict[Neuron, Known] = {}
        """What every neuron was found to know of the built-in features."""
        self.start = 0
        """The position in the text of the page's first character."""
        self.is_original = True
        """Whether the text is the one that was opened."""
        self.awaited: Request | None = None
        """What the header says is being done."""
        self.model = Model(name)
        self._asked: tuple[int, int] | None = None
        self._shown: Request | None = None
        """What the page in sight answers."""
        self._began = time.monotonic()

    def compose(self) -> ComposeResult:
        with Stage(blocks_of=inspect_blocks, chosen=FIRST):
            yield ModelHeader(self.model.name, id="header")
            yield NeuronTable(id="neurons")
            yield Passage(id="passage")
            yield Gates(id="gates")
            yield Next(id="next")
            yield Map(id="map")
            yield SecondPassage(id="second")
            yield ReportPanel("find", "press / to find who knows something", action="find", id="find")
            yield ReportPanel(
                "contexts", "press t for the top contexts of the neuron", action="contexts", id="contexts"
            )
            yield SaturationPlot(id="saturation")
            yield ReportPanel(
                "match", "mark a stretch with v, or the mouse; then m", action="match", id="match"
            )
            yield ReportPanel(
                "ablation", "press x to hold the neuron at a value", action="ablate", id="ablation"
            )
            yield ReportPanel("where from", "i traces a prediction back", action="origin", id="origin")
            yield ReportPanel("errors", "E sorts the errors", action="errors", id="errors")
            yield ReportPanel("n-grams", "p sets the network beside n-grams", action="ngrams", id="ngrams")
            yield ReportPanel(
                "brackets", "B tells the loss at closing brackets", action="distances", id="distances"
            )
            yield FlowChart(id="gradients")
            yield Footer(self.actions, id="footer")
            yield Banner(id="banner")
            yield Prompt(id="prompt")
            yield TooSmall(id="too-small", live=False)

    def on_mount(self) -> None:
        self.desk.ask(ReadPage(0, PAGE, 0))

    # -- what the worker says --------------------------------------------------------------------------------

    @on(Arrived)
    def collect(self) -> None:
        """Take what lies on the desk, and show it in one frame."""
        with self.app.batch_update():
            for answer in self.desk.drain():
                self.take(answer)

    def take(self, answer: Answer) -> None:
        match answer:
            case Opened():
                self._begin(answer)
            case PageRead():
                self._turn_page(answer)
            case Told(request=request, share=share) if request is not None:
                if self.model.doing in ("", request.doing):  # what is waited for is told first
                    self.tell(doing=request.doing, share=share)
            case Ended(request=request) if request is not None and request.doing == self.model.doing:
                if request.lane == "background" or request is self.awaited:
                    self.tell(doing="", share=None)
            case Refused(message=message):
                self.announce(message, "warning")

    def _begin(self, opened: Opened) -> None:
        self.tell(title=opened.architecture.title, held_out_nats=opened.held_out_nats)
        self.set_ranking(Ranking(opened.architecture, sort="activity"))
        for note in opened.notes:
            self.announce(note)

    def _turn_page(self, page: PageRead) -> None:
        """Another page; what is looked at stays what it is."""
        old, position = self.selection, page.start + page.cursor
        if old is not None and page.request is self._shown:  # the same once more, longer or exact
            position = self.start + old.cursor
        self._shown = page.request
        self.start, self._asked, self.is_original = page.start, None, page.is_original
        self.tell(
            source=page.source, characters=page.characters, is_whole=page.is_whole, is_exact=page.is_exact
        )
        if old is None:
            selection = self.best_known(first_selection(page.trace))
        else:
            cursor = max(0, min(position - page.start, len(page.trace) - 1))
            selection = old.moved(trace=page.trace, cursor=cursor)
        self.show_selection(selection)
        is_typed = isinstance(page.request, TypeText)  # an order that changes at every key is none
        if self.ranking is not None and self.ranking.sort not in ("knows", "index") and not is_typed:
            self.sort_by(self.ranking.sort)

    def best_known(self, selection: Selection) -> Selection:
        """The selection on the neuron that the table begins with, once there are names."""
        order = self.ranking.order if self.ranking is not None and self.known else ()
        return selection.moved(layer=order[0][0], unit=order[0][1]) if order else selection

    def fail(self, message: str) -> None:
        """The worker has ended, and nobody knows better than to say so."""
        self.tell(failed=True, doing="", share=None)
        self.announce(f"looking inside ended: {message}", "warning")

    # -- what is shown ---------------------------------------------------------------------------------------

    def tell(self, **changes: object) -> None:
        """Change what the header tells."""
        self.model = replace(self.model, **changes)  # type: ignore[arg-type]
        self.query_one(ModelHeader).show(self.model)

    def set_ranking(self, ranking: Ranking) -> None:
        self.ranking = ranking
        self.query_one(NeuronTable).rank(ranking)

    def sort_by(self, sort: Sort) -> None:
        """Order the table anew, by the page in sight where that matters."""
        if self.ranking is not None:
            values = numbers(self.selection.trace, sort) if self.selection is not None else None
            ranking = replace(self.ranking, sort=sort, numbers=values, known=self.known, first=(), title="")
            self.set_ranking(replace(ranking, source="held-out half" if self.known else ""))

    def show_selection(self, selection: Selection) -> None:
        # What the table says, which is of what was searched for, where something was.
        said = self.ranking.known if self.ranking is not None else {}
        known = said.get((selection.layer, selection.unit)) or self.known.get(
            (selection.layer, selection.unit)
        )
        name = "" if known is None else f"not {known.feature}" if known.is_negative else known.feature
        super().show_selection(replace(selection, knows=name))
        self.tell(position=self.start + selection.cursor)
        self._read_ahead(selection)

    def _read_ahead(self, selection: Selection) -> None:
        """Near an end of the page, read the one around the cursor."""
        is_last = self.start + len(selection.trace) >= self.model.characters and self.model.is_whole
        near_first = selection.cursor < _EDGE and self.start > 0
        near_last = len(selection.trace) - selection.cursor < _EDGE and not is_last
        if near_first or near_last:
            self._read_around(self.start + selection.cursor)

    def go_to(self, position: int) -> None:
        """Put the cursor on a position of the text, wherever it is."""
        if self.selection is not None and 0 <= position - self.start < len(self.selection.trace):
            self.look(cursor=position - self.start)
        else:
            self._read_around(position)

    def _read_around(self, position: int) -> None:
        if self.model.is_whole:
            position = min(position, self.model.characters - 1)
        start = max(0, position - PAGE // 2)
        if self._asked != (start, position):
            self._asked = (start, position)
            if self.is_original:  # what is still read of it would take the place of this
                self.desk.cancel(PutBack)
            self.desk.ask(ReadPage(start, start + PAGE, max(0, position)))

    # -- what LookingScreen asks -----------------------------------------------------------------------------

    def neighbor(self, by: int) -> Neuron | None:
        return self.query_one(NeuronTable).neighbor(by)

    @property
    def picture_name(self) -> str:
        return (
            f"{self.model.name}-{self.selection.neuron.replace('/', '-')}"
            if self.selection
            else self.model.name
        )

    @property
    def elapsed_seconds(self) -> float:
        return time.monotonic() - self._began
