"""What is found out on the inspect screen: requests for analyses, and the panels that show their answers."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

import numpy as np
from textual import on
from textual.timer import Timer

from rnnscope.analysis.features import FEATURES
from rnnscope.app.asking.answers import (
    Answer,
    ContextsFound,
    Found,
    MatchesFound,
    Named,
    Noted,
    Opened,
    OriginFound,
    PageRead,
    SaturationFound,
    TextFound,
)
from rnnscope.app.asking.desk import Desk
from rnnscope.app.asking.requests import (
    Find,
    FindContexts,
    FindMatches,
    FindOn,
    FindOrigin,
    FindSaturation,
    FindText,
    NameNeurons,
    Request,
    as_asked,
)
from rnnscope.app.messages import CharactersBrushed
from rnnscope.app.panels.passage import Passage
from rnnscope.app.panels.reports import ReportPanel
from rnnscope.app.panels.saturation import SaturationPlot
from rnnscope.app.ranking import Known, Neuron
from rnnscope.app.screens.inspect_layout import OWN_PLACE, is_wide
from rnnscope.app.screens.paging import PagingScreen
from rnnscope.app.screens.stage import Stage
from rnnscope.render import finding, listing
from rnnscope.render.report import Place, Report, Run, Unit
from rnnscope.selection import Overlay, Selection

Search: TypeAlias = Find | FindContexts | FindSaturation | FindMatches
_FOLLOW_SECONDS = 0.15
"""A panel of the chosen neuron follows when the reader rests on it so long."""


class AnalysingScreen(PagingScreen, inherit_bindings=False):
    """The searches, their panels, and what they map on the passage."""

    def __init__(self, desk: Desk, *, name: str) -> None:
        super().__init__(desk, name=name)
        self.is_whole = False
        """Whether searches read the whole text, and not its first part only."""
        self.found: Found | None = None
        self.gains: dict[str, Found] = {}
        self.sought: str | Find = ""
        """Words, or what was searched for: whichever was last."""
        self.marks: tuple[tuple[int, int, bool], ...] = ()
        """Stretches of the text marked by hand: [start, stop), and whether they are on."""
        self.mark_from: tuple[int, bool] | None = None
        """Where a mark was begun with the keys."""
        self._marked: Overlay | None = None
        """The marks as they color the page."""
        self._follow: Timer | None = None
        self._asked_in: dict[str, Request] = {}
        """What was asked last in each panel."""

    def on_mount(self) -> None:
        self._list_findings()

    # -- answers ---------------------------------------------------------------------------------------------

    def take(self, answer: Answer) -> None:
        shows_marks = (
            self._marked is not None and self.selection is not None and self.selection.overlay is self._marked
        )
        super().take(answer)
        match answer:
            case PageRead() if shows_marks:
                self.show_marks()
            case Opened():
                self.desk.ask(NameNeurons())
            case Named(known=known):
                self._call_them(dict(known))
            case Found(request=Find()):
                self._rank_by(answer)
            case Found():
                self.gains[answer.feature] = answer
                self._list_findings(keep_place=True)
            case ContextsFound():
                self.report("contexts", listing.contexts(answer))
            case SaturationFound(saturation=found, extent=extent):
                self.query_one(SaturationPlot).scatter(found, extent)
            case Noted(message=message):
                self.announce(message)
            case MatchesFound():
                self.report("match", listing.matches(answer))
            case OriginFound():
                self._map_origin(answer)
            case TextFound(request=FindOn(begins=False), span=span):
                self._come_to(span)
            case TextFound(request=FindOn(), span=span):
                self._show_text(span, "it is on nowhere in the next million characters")
            case TextFound(span=span):
                self._show_text(span, "that is nowhere in the text")

    def report(self, name: str, report: Report, *, keep_place: bool = False) -> None:
        """Show a report in its panel."""
        self.query_one(f"#{name}", ReportPanel).show_report(report, keep_place=keep_place)

    def _call_them(self, known: dict[Neuron, Known]) -> None:
        """Names for the neurons; the table begins with them, and with the best, unless somebody chose."""
        self.known = known
        ranking = self.ranking
        if ranking is not None and ranking.sort in ("activity", "knows") and not ranking.title:
            self.sort_by("knows")
        if self.selection is not None:
            self.show_selection(self.selection if self.is_chosen else self.best_known(self.selection))

    def _list_findings(self, *, keep_place: bool = False) -> None:
        rest = [name for name in FEATURES if name not in self.gains]
        listed = finding.findings(self.found, list(self.gains.values()), rest)
        self.report("find", listed, keep_place=keep_place)

    def _rank_by(self, found: Found) -> None:
        """The table in the order of what was found, and its best neuron chosen."""
        self.found = found
        self._list_findings()
        if not found.results or self.ranking is None:
            return
        (layer, unit), known = found.results[0]
        title = f"by {found.feature.replace('-', ' ')}"
        self.set_ranking(
            replace(
                self.ranking,
                sort="knows",
                numbers=None,
                known=finding.known_by(found),
                first=tuple(neuron for neuron, _ in found.results),
                title=title,
                source="scored on the other half",
                filter="",
            )
        )
        self.look(layer=layer, unit=unit, quantity=known.quantity, coloring="neuron")
        if isinstance(found.request, Find) and found.positives:  # what is a number is on nowhere
            self.sought = found.request
            self.desk.ask(FindOn(found.request, self.start + self.query_one(Passage).shown.start))

    def _map_origin(self, found: OriginFound) -> None:
        self.report("origin", listing.origin(found))
        if self.selection is not None:
            values = np.zeros(len(self.selection.trace), np.float32)
            first = found.saliency.start - self.start
            strength = found.saliency.connectivity.astype(np.float32)
            low, high = max(0, first), max(0, min(len(values), first + len(strength)))
            values[low:high] = strength[low - first : high - first]
            self.overlay(Overlay("where this came from", values, "probability", ("0", "1")), self.start)

    def overlay(self, overlay: Overlay, start: int) -> None:
        """Color the passage by something else, if it is still the page that it is of."""
        if (
            self.selection is not None
            and start == self.start
            and len(overlay.values) == len(self.selection.trace)
        ):
            self.look(overlay=overlay, coloring="overlay")

    def _come_to(self, span: tuple[int, int] | None) -> None:
        """To where it is on, unless that is in sight."""
        if span is not None and span[0] - self.start not in self.query_one(Passage).shown:
            self.go_to(span[0])

    def _show_text(self, span: tuple[int, int] | None, nowhere: str) -> None:
        if span is None:
            self.announce(nowhere)
        else:
            self.go_to(span[0])

    # -- asking ----------------------------------------------------------------------------------------------

    def ask_for(self, request: Request, panel: str | None = None) -> None:
        """Ask the worker, and show the panel that its answer will be in."""
        if panel is not None:
            self.show_panel(panel)
        self.awaited = request
        self.tell(doing=request.doing, share=None)
        self.desk.ask(request)

    def search(self, request: Search, panel: str, *, opens: bool = True) -> None:
        """Ask for what reads much of the text: all of it, where the reader wants that."""
        self._asked_in[panel] = asked = replace(request, whole=self.is_whole)
        if opens:
            self.show_panel(panel)
        if isinstance(asked, FindSaturation) and not asked.whole:
            self.desk.ask(asked)  # it is there at once, again and again
        else:
            self.ask_for(asked)

    def action_scope(self) -> None:
        """Searches read the whole text from now on, or its first part; what the panel in sight tells too."""
        self.is_whole = not self.is_whole
        self.tell(is_all_searched=self.is_whole)
        much = f"all {self.model.characters:,} characters" if self.is_whole else "the text's first part"
        self.announce(f"searches read {much}{'; Esc ends one' if self.is_whole else ''}")
        panel = self.query_one(Stage).wanted.chosen
        request = self._asked_in.get(panel)
        if isinstance(request, Find | FindContexts | FindSaturation | FindMatches):
            self.search(request, panel, opens=False)

    def find(self, asked: str) -> str | None:
        """Find who knows something; a complaint where nothing can be asked so."""
        told = asked.strip()
        name = told.lower().replace(" ", "-")
        if not told:
            return "a feature, a regular expression, or marked"
        if name == "marked" or (name in ("marks", "on") and self.marks):
            if not self.marks:
                return "mark a stretch first: v begins and ends one, V one that is not meant; or drag"
            self.search(Find("marks", "what is marked", self.marks), "find")
        else:
            self.search(as_asked(told), "find")
        return None

    def show_panel(self, name: str) -> None:
        """Put a panel into the place that several share, and have it follow the neuron."""
        stage = self.query_one(Stage)
        if stage.wanted.chosen != name or name in stage.wanted.hidden:
            stage.want(chosen=name, hidden=stage.wanted.hidden - {name})
        if self.selection is not None:
            self._follow_selection(self.selection)

    def is_in_place(self, name: str) -> bool:
        """Whether a panel has a place at this size."""
        chosen = self.query_one(Stage).wanted.chosen
        return name == chosen and not (name in OWN_PLACE and is_wide(self.size.width, self.size.height))

    def show_selection(self, selection: Selection) -> None:
        before = self.selection
        super().show_selection(selection)
        now = (selection.layer, selection.unit, selection.quantity)
        if before is None or (before.layer, before.unit, before.quantity) != now:
            if self._follow is not None:
                self._follow.stop()
            self._follow = self.set_timer(_FOLLOW_SECONDS, self._follow_now)

    def _follow_now(self) -> None:
        if self.selection is not None:
            self._follow_selection(self.selection)

    def _follow_selection(self, selection: Selection) -> None:
        """Ask what the panel in sight says of the neuron that is looked at now."""
        if self.is_in_place("contexts"):
            self.search(
                FindContexts(selection.layer, selection.unit, selection.quantity), "contexts", opens=False
            )
        elif self.is_in_place("saturation"):
            self.search(FindSaturation(), "saturation", opens=False)

    # -- marks -----------------------------------------------------------------------------------------------

    def mark(self, is_on: bool) -> None:
        """Begin a stretch at the cursor, or end the one that was begun."""
        if self.selection is None:
            return
        position = self.start + self.selection.cursor
        if self.mark_from is None or self.mark_from[1] != is_on:
            self.mark_from = (position, is_on)
            self.announce(f"marking from here what is {'on' if is_on else 'off'}; the same key ends it")
            return
        first, last = sorted((self.mark_from[0], position))
        self.mark_from = None
        self.marks = (*self.marks, (first, last + 1, is_on))
        self.show_marks()

    @on(CharactersBrushed)
    def _brush(self, message: CharactersBrushed) -> None:
        stretch = (self.start + message.first, self.start + message.end, message.is_on)
        kept = self.marks
        if kept and kept[-1][2] == stretch[2] and kept[-1][0] <= stretch[1] and stretch[0] <= kept[-1][1]:
            kept = kept[:-1]
        self.marks = (*kept, stretch)
        self.show_marks()

    def show_marks(self) -> None:
        """Color the passage by what is marked."""
        if self.selection is None:
            return
        values = np.zeros(len(self.selection.trace), np.float32)
        for start, stop, is_on in self.marks:
            values[max(0, start - self.start) : max(0, stop - self.start)] = 0.7 if is_on else -0.7
        self._marked = Overlay("marked", values, ends=("off", "on"))
        self.look(overlay=self._marked, coloring="overlay")

    def match(self, threshold: float) -> None:
        """Look for ranges like the one marked last, or like the word at the cursor."""
        if self.selection is None:
            return
        on_marks = [mark for mark in self.marks if mark[2]]
        start, stop = on_marks[-1][:2] if on_marks else self._word()
        self.search(FindMatches(self.selection.layer, start, stop, threshold), "match")

    def _word(self) -> tuple[int, int]:
        """The word at the cursor, in positions of the text."""
        assert self.selection is not None
        text, at = self.selection.trace.characters, self.selection.cursor
        first = last = at
        while first > 0 and text[first - 1].isalnum() and text[at].isalnum():
            first -= 1
        while last + 1 < len(text) and text[last + 1].isalnum() and text[at].isalnum():
            last += 1
        return self.start + first, self.start + last + 1

    def next_place(self) -> None:
        """The next place of the words, or of what was searched for, after the cursor."""
        if self.selection is None:
            return
        following = self.start + self.selection.cursor + 1
        if isinstance(self.sought, Find):
            self.desk.ask(FindOn(self.sought, following, begins=True))
        else:
            self.desk.ask(FindText(self.sought, following))

    def trace_back(self) -> None:
        """Where the prediction of the character at the cursor came from."""
        if self.selection is not None and self.start + self.selection.cursor > 0:
            self.ask_for(FindOrigin(self.start + self.selection.cursor), "origin")

    # -- what reports point at -------------------------------------------------------------------------------

    @on(ReportPanel.Chosen)
    def _choose(self, message: ReportPanel.Chosen) -> None:
        match message.choice:
            case Place(position=position):
                self.go_to(position)
            case Unit(layer=layer, unit=unit):
                self.look_at(layer, unit)
            case Run(action="next_place") if message.again:
                self.next_place()
            case Run(action="scope") if message.again:
                self.action_scope()
            case Run(action="find", argument=argument) if message.again:
                self.find(argument)
