"""The stage of a screen: it places every widget where `layout.arrange` says, by the widget's id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass, replace
from typing import ClassVar, TypeAlias

from textual import events
from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.widget import Widget

from rnnscope.app.actions import Action
from rnnscope.app.frame.banner import Banner
from rnnscope.app.layout import Arrangement, Blocks, arrange
from rnnscope.app.panels.panel import Panel

_ON_TOP = {"banner": 1, "prompt": 2, "too-small": 3}

Turns: TypeAlias = Callable[[int, int], tuple[str, ...]]
"""The panels that share one place, in order, for a terminal of so many columns and rows."""


@dataclass(frozen=True)
class Wanted:
    """Which panels the arrangement is to show."""

    chosen: str
    """The panel in the place that several share."""
    hidden: Set[str] = frozenset()
    zoomed: str | None = None


class _Placing(Layout):
    """Textual's form of an `Arrangement`."""

    name = "stage"

    def arrange(
        self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True
    ) -> ArrangeResult:
        assert isinstance(parent, Stage)
        parent.pre_layout(self)
        arrangement = parent.arrangement_for(size)
        return [
            WidgetPlacement(
                _upwards(arrangement[child.id], child),
                NULL_OFFSET,
                NULL_SPACING,
                child,
                order=_ON_TOP.get(child.id, 0),
            )
            for child in children
            if child.id is not None and child.id in arrangement
        ]


def _upwards(region: Region, widget: Widget) -> Region:
    """The region, and more rows over it for a message that needs them."""
    more = widget.rows(region.width) - 1 if isinstance(widget, Banner) and widget.display else 0
    return Region(region.x, region.y - more, region.width, region.height + more)


class Stage(Widget):
    """Contains the header, the panels, the footer and the overlays."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(
            "zoom",
            ("z",),
            "Zoom the focused panel (toggle)",
            "app",
            "zoom",
            place=300,
            synonyms="enlarge maximize full screen",
        ),
        Action("other_panel", ("o",), "Next tab: the panels that share one place", "app", "panel", place=250),
        Action("next_panel", ("tab",), "Focus the next panel", "app"),
        Action("previous_panel", ("shift+tab",), "Focus the previous panel", "app"),
        Action("hide", ("Z",), "Hide the focused panel", "app"),
        Action("show_all", ("X",), "Show hidden panels again", "app"),
    )

    def __init__(
        self,
        *children: Widget,
        blocks_of: Blocks,
        turns: Turns,
        chosen: str,
        announce: Callable[[str], object],
    ) -> None:
        """blocks_of: where panels lie. turns: panels that share a place. chosen: the one there at first."""
        super().__init__(*children)
        self._placing = _Placing()
        self._blocks_of = blocks_of
        self._turns = turns
        self._announce = announce
        self._wanted = Wanted(chosen)

    @property
    def layout(self) -> Layout:
        return self._placing

    @property
    def wanted(self) -> Wanted:
        """Which panels were asked for."""
        return self._wanted

    def arrangement_for(self, size: Size) -> Arrangement:
        wanted = self._wanted
        return arrange(
            size.width,
            size.height,
            self._blocks_of,
            chosen=wanted.chosen,
            hidden=wanted.hidden,
            zoomed=wanted.zoomed,
        )

    @property
    def arrangement(self) -> Arrangement:
        return self.arrangement_for(self.size)

    @property
    def panels(self) -> list[Panel]:
        """The panels in sight, the passage first."""
        shown = [child for child in self.children if isinstance(child, Panel) and child.display]
        return sorted(shown, key=lambda panel: panel.id != "passage")

    # -- what is in sight ------------------------------------------------------------------------------------

    def show_panel(self, panel: str, *, focus: bool = False) -> None:
        """Show a panel, by its id: in the shared place, or zoomed if it has no place."""
        wanted = self._wanted
        if panel in self._turns(self.size.width, self.size.height):
            wanted = replace(wanted, chosen=panel)
        wanted = replace(wanted, hidden=wanted.hidden - {panel})
        if wanted.zoomed is not None and wanted.zoomed != panel:
            wanted = replace(wanted, zoomed=panel)
        if wanted != self._wanted:
            self._want(wanted)
        if panel not in self.arrangement:
            self._want(replace(self._wanted, zoomed=panel))
        if focus:
            self.call_after_refresh(self._focus, panel)

    def unzoom(self) -> bool:
        """Show all panels again. Returns True if one was zoomed."""
        was_zoomed = self._wanted.zoomed is not None
        if was_zoomed:
            self._want(replace(self._wanted, zoomed=None))
        return was_zoomed

    def focus_first(self) -> None:
        """Focus the passage, or another panel where that is hidden."""
        self.screen.set_focus(next(iter(self.panels), None))

    def _focus(self, panel: str) -> None:
        self.screen.set_focus(self.query_one(f"#{panel}"))

    def _want(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._show_what_fits()
        self.refresh(layout=True)

    def on_resize(self, event: events.Resize) -> None:
        self._show_what_fits()

    def _show_what_fits(self) -> None:
        """Widgets without a place take no keys."""
        arrangement = self.arrangement
        for child in self.children:
            if child.id not in ("banner", "prompt"):
                child.display = child.id in arrangement
        focused = self.screen.focused
        if focused is None or not _is_shown(focused):
            self.focus_first()

    # -- actions ---------------------------------------------------------------------------------------------

    @property
    def _focused(self) -> Panel | None:
        focused = self.screen.focused
        return focused if isinstance(focused, Panel) else None

    def action_zoom(self) -> None:
        if not self.unzoom() and self._focused is not None:
            self._want(replace(self._wanted, zoomed=self._focused.id))

    def action_other_panel(self) -> None:
        turns = self._turns(self.size.width, self.size.height)
        chosen = self._wanted.chosen
        self.show_panel(turns[(turns.index(chosen) + 1) % len(turns)] if chosen in turns else turns[0])

    def action_hide(self) -> None:
        panel = self._focused
        if panel is not None and panel.id is not None and len(self.panels) > 1:
            self._want(replace(self._wanted, hidden=self._wanted.hidden | {panel.id}, zoomed=None))
            self._announce(f"{panel.heading} hidden; X restores all panels")

    def action_show_all(self) -> None:
        self._want(replace(self._wanted, hidden=frozenset(), zoomed=None))

    def action_next_panel(self) -> None:
        self.screen.focus_next(Panel)

    def action_previous_panel(self) -> None:
        self.screen.focus_previous(Panel)


def _is_shown(widget: Widget) -> bool:
    return all(node.display for node in _with_ancestors(widget))


def _with_ancestors(widget: Widget) -> Iterable[Widget]:
    return (node for node in widget.ancestors_with_self if isinstance(node, Widget))
