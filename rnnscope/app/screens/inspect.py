"""The inspect screen: what each key does; the list of keys is `rnnscope.app.inspect_actions`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from textual.binding import BindingType

from rnnscope.app.actions import bindings
from rnnscope.app.asking.answers import Answer, Opened
from rnnscope.app.asking.desk import Desk
from rnnscope.app.asking.requests import (
    ComparePage,
    Find,
    FindAblation,
    FindContexts,
    FindDistances,
    FindErrors,
    FindGradients,
    FindMatches,
    FindNgrams,
    FindOrigin,
    FindSaturation,
    FindShare,
    PutBack,
    ReadPage,
    Request,
    TypeText,
    WriteOn,
)
from rnnscope.app.inspect_actions import INSPECT
from rnnscope.app.panels.passage import Passage
from rnnscope.app.panels.prompt import LINE_BREAK, Question
from rnnscope.app.ranking import SORTS, Remarks, Sort
from rnnscope.app.remarks import edit_remarks, load_remarks, of_network, with_favorite, with_note
from rnnscope.app.screens import questions
from rnnscope.app.screens.comparing import ComparingScreen
from rnnscope.app.screens.inspect_layout import OWN_PLACE, SHARED, is_wide
from rnnscope.app.screens.paging import PAGE
from rnnscope.app.screens.stage import Stage
from rnnscope.errors import OptionError
from rnnscope.export.colored import ColoredText
from rnnscope.export.write import check_destination

LONG: tuple[type[Request], ...] = (
    Find,
    FindContexts,
    FindMatches,
    FindSaturation,
    FindAblation,
    FindOrigin,
    FindErrors,
    FindNgrams,
    ComparePage,
    FindDistances,
    FindGradients,
    WriteOn,
)
"""Requests that the reader waits for, and Esc drops."""
_PERCENT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*")
_TYPED_BEFORE = 300
"""Characters of the passage before the cursor that typing begins with."""
_THRESHOLD = 0.3


class InspectScreen(ComparingScreen, inherit_bindings=False):
    """A model, a text under it, and all one can find out about its neurons."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(INSPECT)]

    def __init__(self, desk: Desk, *, name: str, remarks: Path | None = None) -> None:
        """`remarks` is the file of what the reader remarks of the neurons; None keeps them in memory."""
        super().__init__(desk, name=name)
        self._remarks_path = remarks
        """What was looked for in the text last."""
        self._left_at = 0
        """Where the text that was opened was left for a typed one."""
        self._written = 0
        """How often the model wrote on; each time it writes something else."""

    # -- the table -------------------------------------------------------------------------------------------

    def action_sort(self) -> None:
        """The next order for which there is something to sort by."""
        if self.ranking is not None:
            sorts: list[Sort] = [sort for sort in SORTS if sort != "knows" or self.known]
            at = sorts.index(self.ranking.sort) if self.ranking.sort in sorts else -1
            self.sort_by(self.ranking.sort if self.ranking.title else sorts[(at + 1) % len(sorts)])

    def action_filter(self) -> None:
        def accept(answer: str) -> str | None:
            if self.ranking is not None:
                self.set_ranking(replace(self.ranking, filter=answer.strip()))
            return None

        if self.ranking is not None:
            hint = "in number, name or note   * favorites   nothing: all   Enter   Esc"
            self.ask(Question("show only", self.ranking.filter, hint, accept))

    def action_favorite(self) -> None:
        if self.selection is not None and self.ranking is not None:
            neuron = (self.selection.layer, self.selection.unit)
            is_favorite = neuron not in self.ranking.remarks.favorites
            self._remark(lambda remarks: with_favorite(remarks, neuron, is_favorite=is_favorite))

    def action_note(self) -> None:
        selection = self.selection
        if selection is None or self.ranking is None:
            return
        neuron = (selection.layer, selection.unit)

        def accept(answer: str) -> str | None:
            self._remark(lambda remarks: with_note(remarks, neuron, answer.strip()))
            return None

        before = self.ranking.remarks.notes.get(neuron, "")
        self.ask(
            Question(f"note on {selection.neuron}", before, "kept beside the model   Enter   Esc", accept)
        )

    def _remark(self, change: Callable[[Remarks], Remarks]) -> None:
        """Change the remarks, on the screen and in their file."""
        if self.ranking is None:
            return
        remarks = change(self.ranking.remarks)
        if self._remarks_path is not None:
            try:
                remarks = edit_remarks(self._remarks_path, change)
            except OSError as error:
                self.announce(f"not kept: {self._remarks_path}: {error.strerror or error}", "warning")
            except OptionError as error:
                self.announce(str(error), "warning")
        self.set_ranking(replace(self.ranking, remarks=of_network(remarks, self.ranking.architecture)))

    def take(self, answer: Answer) -> None:
        super().take(answer)
        if isinstance(answer, Opened) and self._remarks_path is not None and self.ranking is not None:
            try:
                remarks = of_network(load_remarks(self._remarks_path), self.ranking.architecture)
                self.set_ranking(replace(self.ranking, remarks=remarks))
            except OptionError as error:
                self._remarks_path = None
                self.announce(str(error), "warning")

    # -- finding out -----------------------------------------------------------------------------------------

    def action_find(self) -> None:
        self.ask(questions.find(self.find, marked=bool(self.marks)))

    def action_mark_on(self) -> None:
        self.mark(True)

    def action_mark_off(self) -> None:
        self.mark(False)

    def action_contexts(self) -> None:
        self._open("contexts")

    def action_saturation(self) -> None:
        self._open("saturation")

    def action_match(self) -> None:
        self.match(_THRESHOLD)
        self.focus_panel("match")

    def action_origin(self) -> None:
        self.trace_back()
        self.focus_panel("origin")

    def _open(self, panel: str) -> None:
        """Show a panel, and put the focus on it."""
        self.show_panel(panel)
        self.focus_panel(panel)

    # -- the text --------------------------------------------------------------------------------------------

    def action_place(self) -> None:
        """A position, a share, or the next place of some text."""
        if self.selection is None:
            return

        def accept(answer: str) -> str | None:
            told = answer.strip()
            if percent := _PERCENT.fullmatch(told):
                self.desk.ask(FindShare(min(1.0, float(percent[1]) / 100)))
            elif told.replace(",", "").isdigit():
                self.go_to(int(told.replace(",", "")))
            elif answer and self.selection is not None:
                self.sought = answer
                self.next_place()
            else:
                return "a position such as 1200, 40%, or a text to look for"
            return None

        hint = f"0 to {self.model.characters:,}, 40% or a text to find   (a regular expression)   Enter   Esc"
        words = self.sought if isinstance(self.sought, str) else ""
        self.ask(Question("go to", words, hint, accept))

    def action_next_place(self) -> None:
        if self.sought:
            self.next_place()
        else:
            self.action_place()

    def action_wrap(self) -> None:
        self.query_one(Passage).toggle_wrap()

    def action_passage(self) -> None:
        """Type into the passage; the neuron is seen at every key."""
        selection = self.selection
        if selection is None:
            return
        first = max(0, selection.cursor - _TYPED_BEFORE)
        before = selection.trace.text[first : selection.cursor + 1]
        self._leave_text()

        def changed(text: str, cursor: int) -> None:
            if text:
                self.desk.ask(TypeText(text, max(0, cursor - 1)))

        def accept(answer: str) -> str | None:
            return None if answer else "type something"

        hint = "colored as you type   Enter keeps it   Esc goes back"
        self.ask(
            Question(
                "type",
                before.replace("\n", LINE_BREAK),
                hint,
                accept,
                cancel=self._put_back,
                changed=changed,
            )
        )
        changed(before, len(before))

    def action_sample(self) -> None:
        """Let the model write on from the cursor."""
        if self.selection is not None:
            self._leave_text()
            self._written += 1
            self.ask_for(WriteOn(self.start + self.selection.cursor, self._written))

    def _leave_text(self) -> None:
        """Remember where the text that was opened is left for another; no page of it is read any more."""
        self.desk.cancel(ReadPage, PutBack)
        if self.is_original and self.selection is not None:
            self._left_at = self.start + self.selection.cursor

    def _put_back(self) -> None:
        """Look at the text that was opened again, where it was left."""
        self.desk.cancel(ReadPage, TypeText, WriteOn)
        start = max(0, self._left_at - PAGE // 2)
        self.desk.ask(PutBack(start, start + PAGE, self._left_at))

    def action_export(self) -> None:
        """The page that is seen, with its colors or as numbers, in a file."""
        if self.selection is None:
            return

        def accept(answer: str) -> str | None:
            path = Path(answer.strip()).expanduser()
            try:
                check_destination(path)
                assert self.selection is not None
                facts = (self.model.name, self.model.title)
                ColoredText.of(self.selection, start=self.start, facts=facts).save(path)
            except OptionError as error:
                return str(error)
            except OSError as error:
                return f"{path}: {(error.strerror or str(error)).lower()}"
            self.announce(f"written to {path.resolve()}")
            return None

        hint = ".html .svg .json .csv .npz   the colors, or their numbers   Enter   Esc"
        self.ask(Question("write to", f"{self.picture_name}.html", hint, accept))

    def action_first(self) -> None:
        self.go_to(0)

    def action_last(self) -> None:
        self.desk.ask(FindShare(1.0))

    # -- the screen ------------------------------------------------------------------------------------------

    def action_other_panel(self) -> None:
        wide = is_wide(self.size.width, self.size.height)
        offered = [name for name in SHARED if not (wide and name in OWN_PLACE)]
        chosen = self.query_one(Stage).wanted.chosen
        at = offered.index(chosen) if chosen in offered else -1
        self.show_panel(offered[(at + 1) % len(offered)])

    def action_back(self) -> None:
        """Step back: from a notice, a search, an enlarged panel, colors, marks, the filter, a typed text."""
        stage, selection = self.query_one(Stage), self.selection
        if self.is_covered or stage.wanted.zoomed is not None:
            super().action_back()
        elif self.model.doing:
            self.desk.cancel(*LONG)
            self.tell(doing="", share=None)
        elif self.leave_factors():
            pass
        elif selection is not None and selection.coloring == "overlay":
            self.marks, self.mark_from = (), None
            self.look(overlay=None, coloring="neuron")
        elif selection is not None and (selection.top_five or selection.coloring == "surprise"):
            super().action_back()
        elif self.ranking is not None and self.ranking.filter:
            self.set_ranking(replace(self.ranking, filter=""))
        elif self.ranking is not None and self.ranking.title:
            self.sort_by("knows" if self.known else "activity")
        elif not self.is_original:
            self._put_back()
        else:
            self.focus_first()
