"""Lets the model continue the text, a few characters at a time, with the clamps of the ablate panel.

    r ──▶ writing ──the end, or space──▶ stopped ──r or space──▶ writing …      Esc restores the opened text
             └─ r: again from where it began, with another seed

While it writes, the cursor follows the last character unless the user has moved it. The unit that the ablate
panel shows clamped stays clamped, also to a value that is chosen meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from rnnscope.app.actions import Action
from rnnscope.app.frame.footer import Footer
from rnnscope.app.paging import Paging, Turned, whole_text
from rnnscope.app.panels.passage import Written
from rnnscope.app.shared import GENERATE
from rnnscope.progress import Progress
from rnnscope.selection import Selection
from rnnscope.session import Session

if TYPE_CHECKING:
    from textual.timer import Timer

    from rnnscope.analysis.ablation import Clamp
    from rnnscope.analysis.writing import Writer
    from rnnscope.app.screen_scope import ScreenScope

SPEED = 60.0
"""Characters written in a second."""
_AT_ONCE = 6
"""Characters that are generated between two pages."""
_LENGTH = 600
"""Characters after which it stops by itself."""
_READ_BEFORE = 1000
"""Characters before the cursor that stay in front of a generated text."""
_LONGEST = 4000
"""Characters of a text that is continued again and again; its beginning is left out."""
_TEMPERATURE = 0.8


@dataclass(frozen=True, eq=False)
class _Text:
    """A generated text so far. Worker threads use its writer one after another."""

    origin: Session
    """The session of the text in front of it."""
    position: int
    """The position in that text of the last character in front of it."""
    seed: int = 0
    writer: Writer | None = None
    before: str = ""
    """The text that the writer read first."""
    session: Session | None = None
    """That of the text so far; None before the first characters."""
    first: int = 0
    """The index in it of the first generated character."""
    count: int = 0
    """The number of generated characters."""
    until: int = _LENGTH
    """The number after which it stops."""


class Generating:
    """Starts, stops, continues and restarts the writing."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        GENERATE,
        Action("hold", ("space",), "Stop / continue generating", "text", "stop", 1, "pause halt resume"),
    )

    def __init__(
        self,
        scope: ScreenScope,
        paging: Paging,
        *,
        show_written: Callable[[Written | None, str], object],
        clamps: Callable[[], tuple[Clamp, ...]],
        later: Callable[[float, Callable[[], None]], Timer],
        footer: Callable[[], Footer],
        speed: float = SPEED,
    ) -> None:
        """show_written: shows where the text begins, and a note. clamps: returns the units to clamp.

        later: calls a function after some seconds. footer: the screen's. speed: characters a second.
        """
        self._scope = scope
        self._paging = paging
        self._show_written = show_written
        self._clamps = clamps
        self._later = later
        self._footer = footer
        self._speed = speed
        self._seed = 0
        """Incremented for every generated text, so that each differs."""
        self._text: _Text | None = None
        self._is_going_on = False
        self._timer: Timer | None = None
        scope.listen(self._follow)

    @property
    def is_going_on(self) -> bool:
        """Whether the model is writing."""
        return self._is_going_on

    def action_sample(self) -> None:
        """Write from the cursor, continue a generated text from its end, or restart one that is going on."""
        selection, session = self._scope.selection, self._scope.session
        if selection is None or session is None:
            return
        text = self._text
        if self._is_going_on and text is not None:
            self._begin(replace(_Text(text.origin, text.position), session=text.session, first=text.first))
        elif text is not None and selection.cursor == len(selection.trace) - 1:
            self._go_on()
        else:
            self._begin(_Text(session, selection.position))

    def action_hold(self) -> None:
        """Stop writing, or continue what was written."""
        if self._is_going_on:
            self.stop()
        elif self._text is not None:
            self._go_on()

    def stop(self) -> bool:
        """Stop writing; what was written stays. Returns True if the model was writing."""
        was_going_on, self._is_going_on = self._is_going_on, False
        self._scope.jobs.cancel("generate")
        if was_going_on and self._text is not None and self._text.session is None:
            self._forget()
        elif was_going_on:
            self._show()
        return was_going_on

    def _begin(self, text: _Text) -> None:
        self._seed += 1
        self._text = replace(text, seed=self._seed)
        self._is_going_on = True
        self._write()

    def _go_on(self) -> None:
        assert self._text is not None
        self._text = replace(self._text, until=self._text.count + _LENGTH)
        self._is_going_on = True
        self._write()

    def _write(self) -> None:
        """Write the next characters in a worker thread, and show them."""
        if self._timer is not None:
            self._timer.stop()
        text, clamps = self._text, self._clamps()
        if text is None or not self._is_going_on:
            return
        self._scope.jobs.submit(
            "generate",
            lambda progress: _continued(text, clamps, progress),
            lane="page",
            on_result=self._arrive,
            on_error=self._fail,
        )

    def _arrive(self, arrived: tuple[_Text, Turned]) -> None:
        old, selection = self._text, self._scope.selection
        self._text, turned = arrived
        self._is_going_on = self._text.count < self._text.until
        end = cursor = turned.length - 1
        if old is not None and old.session is self._scope.session and selection is not None:
            has_moved = selection.cursor < len(selection.trace) - 1
            cursor = selection.cursor if has_moved else end
        self._show()
        self._paging.show_other(turned.session, turned, cursor)
        self._timer = self._later(_AT_ONCE / self._speed, self._write)

    def _fail(self, error: Exception) -> None:
        self.stop()
        self._scope.announce_error(error)

    def _show(self) -> None:
        text = self._text
        if text is None or text.session is None:
            return
        note = text.session.name.removeprefix("generated").strip(", ")
        self._show_written(Written(text.first, self._is_going_on), note)
        self._name_keys()

    def _name_keys(self) -> None:
        """Name the keys in the footer, where they come first while a generated text is shown."""
        if self._text is None:
            self._footer().rename({"hold": ""})
        elif self._is_going_on:
            self._footer().rename({"hold": "stop", "sample": "restart"}, first=("hold", "sample"))
        else:
            self._footer().rename({"hold": "", "sample": "continue"}, first=("sample",))

    def _follow(self, before: Selection | None, selection: Selection) -> None:
        """Forget the generated text where another one is shown."""
        text = self._text
        if text is not None and self._scope.session is not (text.session or text.origin):
            self._scope.jobs.cancel("generate")
            self._forget()

    def _forget(self) -> None:
        self._text, self._is_going_on = None, False
        self._show_written(None, "")
        self._name_keys()


def _continued(text: _Text, clamps: tuple[Clamp, ...], progress: Progress) -> tuple[_Text, Turned]:
    """The text with more characters, and the page of it."""
    from rnnscope.analysis.writing import Writer

    model, writer, before = text.origin.reader.model, text.writer, text.before
    assert model is not None
    if writer is None:
        page = text.origin.reader.page(max(0, text.position - _READ_BEFORE), text.position + 1, progress)
        writer = Writer(model, page.trace.ids.tolist(), temperature=_TEMPERATURE, seed=text.seed)
        before = page.text
    writer.write(min(_AT_ONCE, text.until - text.count), clamps)
    written = writer.written
    whole = before + "".join(model.vocabulary.symbols[i] for i in written)
    shown = whole[-_LONGEST:]
    held = [f"{each.layer}/{each.unit} at {each.value:.2g}".replace("-", "−") for each in clamps]
    session = text.origin.on(shown, ", ".join(["generated", *held]), model=writer.network)
    turned = whole_text(session, len(shown), progress)
    first = max(0, len(before) - (len(whole) - len(shown)))
    count = len(written)
    return replace(text, writer=writer, before=before, session=session, first=first, count=count), turned
