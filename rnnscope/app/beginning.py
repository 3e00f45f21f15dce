"""Opens the inspect screen as options or the last session say, and remembers how it is left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from rnnscope.app.notes import name_of
from rnnscope.app.panels.find import FindAnalysis
from rnnscope.app.start import Start, last_start, remember_start
from rnnscope.app.views import PANELS, View, view_of
from rnnscope.session import Session

if TYPE_CHECKING:
    from rnnscope.app.screen_scope import ScreenScope


class Beginning:
    """Applies a `Start` to the first page."""

    def __init__(
        self,
        scope: ScreenScope,
        find: FindAnalysis,
        given: Start,
        *,
        views: Mapping[View, Callable[[], object]],
        focus_passage: Callable[[], object],
        remembers: bool,
        is_fresh: bool,
    ) -> None:
        """given: what the user has typed. views: what runs the analysis of a view; others are only shown.

        remembers: whether the next session opens as this one is left. is_fresh: not as the last one was.
        """
        self._scope = scope
        self._find = find
        self._given = given
        self._views = views
        self._focus_passage = focus_passage
        self._remembers = remembers
        self._is_fresh = is_fresh
        self._is_applied = False
        self._start = given
        self._is_restored = False
        self._is_view_shown = False

    @property
    def start(self) -> Start:
        """How the screen begins, once `recall` was called."""
        return self._start

    def recall(self, session: Session) -> None:
        """Complete the start by the last one for this model and this text; a worker thread calls this."""
        if self._remembers and not self._is_fresh:
            last = last_start(session).fitting(session.architecture)
            self._start = self._given.completed(last)
            self._is_restored = self._start != self._given

    def apply(self) -> None:
        """Select, search and show on the first page what the start says; does nothing on later pages."""
        selection, start = self._scope.selection, self._start
        if self._is_applied or selection is None:
            return
        self._is_applied = True
        quantity: dict[str, Any] = {} if start.quantity is None else {"quantity": start.quantity}
        if start.neuron is not None:
            keeps = self._given.quantity is not None
            self._scope.select_neuron(*start.neuron, **quantity, keeps_quantity=keeps)
        elif start.quantity is not None:
            self._scope.select_quantity(start.quantity)
        if start.position is not None:
            self._scope.go_to(start.position)
        waits = bool(start.search) and start.neuron is None
        if start.search:
            self._find.find(
                start.search,
                chooses_neuron=waits,
                chooses_place=start.position is None,
                then=self._show_view if waits else lambda: None,
            )
        if not waits:
            self._show_view()
        if self._is_restored:
            self._announce()

    def remember(self, session: Session | None, position: int, panel: str) -> None:
        """Remember how the screen is left, if the user has chosen anything.

        session: the one that was opened. position: in its text. panel: the panel in view, by its id.
        """
        selection = self._scope.selection
        if not self._remembers or session is None or selection is None or not self._scope.is_chosen:
            return
        neuron = (selection.layer, selection.unit)
        view = view_of(panel) if self._is_view_shown else self._start.view
        start = Start(neuron, selection.quantity, position, view, self._find.search)
        with suppress(OSError):  # the next session begins anew
            remember_start(session, start)

    def _show_view(self) -> None:
        self._is_view_shown = True
        view = self._start.view
        if view is not None and view in self._views:
            self._views[view]()
        elif view is not None:
            self._scope.show_panel(PANELS[view])
        if view is not None:
            self._focus_passage()

    def _announce(self) -> None:
        neuron, position = self._start.neuron, self._start.position
        where = ", ".join(
            [
                *([name_of(neuron)] if neuron is not None else []),
                *([f"position {position:,}"] if position is not None else []),
            ]
        )
        self._scope.announce(f"as you left it: {where or 'the same panel'}; --fresh begins anew")
