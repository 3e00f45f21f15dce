"""Replaces the opened text with a typed one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rnnscope.app.actions import Action
from rnnscope.app.paging import Paging, Turned, whole_text
from rnnscope.app.question import Question, in_one_row
from rnnscope.app.shared import EDIT
from rnnscope.progress import Progress

if TYPE_CHECKING:
    from rnnscope.app.screen_scope import ScreenScope

_BEFORE = 300
"""Characters of the passage before the cursor that typing begins with."""
_LONGEST = 20_000


class OtherText:
    """Types into the passage."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (EDIT,)

    def __init__(self, scope: ScreenScope, paging: Paging) -> None:
        self._scope = scope
        self._paging = paging

    def action_passage(self) -> None:
        """Edit the passage, recolored at every key."""
        selection = self._scope.selection
        if selection is None:
            return
        first = max(0, selection.cursor - _BEFORE)
        before = selection.trace.text[first : selection.cursor + 1]

        is_cut = False

        def changed(text: str, cursor: int) -> None:
            nonlocal is_cut
            was_cut, is_cut = is_cut, len(text) > _LONGEST
            if is_cut and not was_cut:
                self._scope.announce(
                    f"only the first {_LONGEST:,} of {len(text):,} characters are read; a file can be longer",
                    "warning",
                )
            if text:
                self._type(text[:_LONGEST], max(0, cursor - 1))

        def accept(answer: str) -> str | None:
            return None if answer else "type some text"

        def cancel() -> None:
            self._scope.jobs.cancel("page")
            self._paging.restore()

        hint = "recolored as you type   Enter keeps it   Esc goes back"
        self._scope.prompt(Question("edit", in_one_row(before), hint, accept, cancel=cancel, changed=changed))
        changed(before, len(before))

    def _type(self, text: str, cursor: int) -> None:
        original = self._scope.session
        if original is None:
            return

        def read(progress: Progress) -> Turned:
            return whole_text(original.on(text, "typed"), len(text), progress, is_typed=True)

        self._scope.jobs.submit(
            "page",
            read,
            lane="page",
            on_result=lambda turned: self._paging.show_other(turned.session, turned, cursor),
            on_error=self._scope.announce_error,
        )
