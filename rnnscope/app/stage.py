"""The stage of a screen: it places every widget where `layout.arrange` says, by the widget's id."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from textual import events
from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.widget import Widget

from rnnscope.app.actions import Action, Registry
from rnnscope.app.frame.banner import Banner
from rnnscope.app.frame.footer import Footer
from rnnscope.app.frame.prompt import Prompt
from rnnscope.app.layout import LARGE, LAYOUTS, Arrangement, Blocks, arrange, presentation
from rnnscope.app.panels.panel import Panel
from rnnscope.app.tabs import Tabs
from rnnscope.state import recall, remember

_ON_TOP = {"banner": 1, "prompt": 2, "too-small": 3}
_OVERVIEW = "overview"


@dataclass(frozen=True)
class Wanted:
    """Which panels the arrangement is to show."""

    layout: str = _OVERVIEW
    recent: tuple[str, ...] = ()
    """The panels that were shown by name, the last one first: in front of those that share their place."""
    hidden: Set[str] = frozenset()
    zoomed: str | None = None
    presents: bool = False
    """Whether only the passage and the gates are shown, for an audience."""


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
    """The region, and more rows over it for a message or a question that needs them."""
    more = 0
    if widget.display and isinstance(widget, Banner):
        more = widget.rows(region.width) - 1
    elif widget.display and isinstance(widget, Prompt):
        more = widget.rows - 1
    return Region(region.x, region.y - more, region.width, region.height + more)


def _layout_actions() -> tuple[Action, ...]:
    return tuple(
        Action(
            f"layout_{number}",
            (str(number),),
            f"Layout {name}: {what}",
            "app",
            "layout",
            place=260,
            synonyms="view arrange preset screen",
        )
        for number, (name, what) in enumerate(LAYOUTS.items(), 1)
    )


class Stage(Widget):
    """Contains the header, the panels, the footer and the overlays."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action("previous_tab", ("left_curly_bracket",), "Previous tab", "app", "tab", 250, "back tabs"),
        Action(
            "next_tab",
            ("right_curly_bracket", "o"),
            "Next tab: the panels that share one place",
            "app",
            "tab",
            250,
            "tabs other",
        ),
        Action(
            "jump",
            ("semicolon",),
            "Jump to a panel by the letter in its title",
            "app",
            "jump",
            255,
            "focus go switch",
        ),
        *_layout_actions(),
        Action(
            "zoom",
            ("z",),
            "Zoom the focused panel (toggle; mouse: double click on its title)",
            "app",
            "zoom",
            300,
            "enlarge maximize full screen",
        ),
        Action(
            "present",
            ("f5", "exclamation_mark"),
            "Present: passage, caption and gates alone (toggle)",
            "app",
            "present",
            125,
            "presentation slide talk full screen large speaker",
        ),
        Action(
            LARGE,
            ("f6", "underscore"),
            "Large: one or two panels and double-spaced text (toggle)",
            "app",
            synonyms="big font projector room presentation",
        ),
        Action("next_panel", ("tab",), "Focus the next panel", "app"),
        Action("previous_panel", ("shift+tab",), "Focus the previous panel", "app"),
        Action("hide", ("Z",), "Hide the focused panel", "app", synonyms="close remove"),
        Action("show_all", ("X",), "Show hidden panels again", "app", synonyms="unhide restore"),
    )

    def __init__(
        self,
        *children: Widget,
        name: str,
        layouts: Mapping[str, Blocks],
        announce: Callable[[str], object],
    ) -> None:
        """name: under which the last layout is remembered. layouts: the blocks of each of `LAYOUTS`."""
        super().__init__(*children, name=name)
        self._placing = _Placing()
        self._layouts = layouts
        self._announce = announce
        remembered = recall("layout", name)
        self._wanted = Wanted(remembered if remembered in [*layouts] else _OVERVIEW)
        self._letters: dict[str, str] = {}
        """The panels to jump to, by letter; empty outside jump mode."""

    @property
    def layouts(self) -> tuple[str, ...]:
        """The names of the layouts that this screen has."""
        return tuple(self._layouts)

    def open_with(self, layouts: Mapping[str, str]) -> None:
        """Begin with the layout that is given for this screen's name, in place of the remembered one."""
        layout = layouts.get(self.name or "", "")
        if layout in self._layouts:
            self._wanted = replace(self._wanted, layout=layout)

    def open_large(self) -> None:
        """Begin with the large layout, if this screen has it."""
        if LARGE in self._layouts:
            self._wanted = replace(self._wanted, layout=LARGE)

    def register(self, registry: Registry) -> None:
        """Offer an action, without a key, for every panel that no action opens."""
        for panel in self.query(Panel):
            if not any(action.group == "analysis" for action in registry.of_panel(panel)):
                heading = panel.heading
                action = Action(f"panel_{panel.id}", (), f"Go to panel: {heading}", "app", heading)
                registry.add(action, partial(self.show_panel, panel.id or "", focus=True))

    @property
    def layout(self) -> Layout:
        return self._placing

    @property
    def wanted(self) -> Wanted:
        """Which panels were asked for."""
        return self._wanted

    def arrangement_for(self, size: Size) -> Arrangement:
        wanted = self._wanted
        if wanted.presents:
            return presentation(size.width, size.height)
        return arrange(
            size.width,
            size.height,
            self._layouts[wanted.layout],
            recent=wanted.recent,
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
        """Show a panel, by its id: in front in its place, or zoomed if it has no place.

        In present mode it is in front later.
        """
        wanted = self._wanted
        recent = (panel, *(other for other in wanted.recent if other != panel))
        zoomed = wanted.zoomed and panel
        self._want(replace(wanted, recent=recent, hidden=wanted.hidden - {panel}, zoomed=zoomed))
        if panel not in self.arrangement and not wanted.presents:
            self._want(replace(self._wanted, zoomed=panel))
        if focus:
            self.call_after_refresh(self._focus, panel)

    def is_in_front(self, panels: Set[str]) -> bool:
        """Whether one of these panels is shown in place of the first tab."""
        return any(panel in panels and panel != place[0] for panel, place in self.arrangement.tabs.items())

    def put_back(self, panels: Set[str]) -> bool:
        """Show the first tab where one of these panels is in front. Returns True if one was."""
        was_in_front = self.is_in_front(panels)
        if was_in_front:
            recent = tuple(panel for panel in self._wanted.recent if panel not in panels)
            self._want(replace(self._wanted, recent=recent))
        return was_in_front

    def show_layout(self, name: str) -> None:
        """Arrange the panels by another of `LAYOUTS`, all of them shown."""
        if name not in self._layouts:
            self._announce(f"this screen has no layout {name}; it has {', '.join(self._layouts)}")
            return
        self._want(Wanted(layout=name, recent=self._wanted.recent))
        self._announce(f"layout {name}" + ("" if name == _OVERVIEW else "; 1 restores the overview"))

    def remember(self) -> None:
        """Remember the layout for the next session, if it was changed."""
        try:
            if recall("layout", self.name or "") or self._wanted.layout != _OVERVIEW:
                remember("layout", self.name or "", self._wanted.layout)
        except OSError:
            pass  # the next session begins with another layout

    def zoom(self, panel: str) -> None:
        """Show one panel alone."""
        self._want(replace(self._wanted, zoomed=panel, presents=False))
        self.call_after_refresh(self._focus, panel)

    def unzoom(self) -> bool:
        """Show all panels again. Returns True if one was zoomed, or if a few were presented."""
        wanted = self._wanted
        if wanted.presents:
            self._want(replace(wanted, presents=False))
        elif wanted.zoomed is not None:
            self._want(replace(wanted, zoomed=None))
        return wanted != self._wanted

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
        self._end_jump()
        arrangement = self.arrangement
        for child in self.children:
            if child.id not in ("banner", "prompt"):
                child.display = child.id in arrangement
            if isinstance(child, Panel):
                child.set_tabs(self._tabs_of(child, arrangement))
                child.set_presenting(self._wanted.presents or self._wanted.layout == LARGE)
                child.set_zoomed(not self._wanted.presents and self._wanted.zoomed == child.id)
        focused = self.screen.focused
        if focused is None or not _is_shown(focused):
            self.focus_first()

    def _tabs_of(self, panel: Panel, arrangement: Arrangement) -> Tabs | None:
        place = arrangement.tabs.get(panel.id or "")
        if place is None:
            return None
        return Tabs(place, tuple(map(self._heading, place)), place.index(panel.id or ""))

    def _heading(self, panel: str) -> str:
        return self.query_one(f"#{panel}", Panel).heading

    # -- actions ---------------------------------------------------------------------------------------------

    @property
    def _focused(self) -> Panel | None:
        focused = self.screen.focused
        return focused if isinstance(focused, Panel) else None

    def action_zoom(self) -> None:
        if not self.unzoom() and self._focused is not None:
            self._want(replace(self._wanted, zoomed=self._focused.id))

    def action_present(self) -> None:
        if not any(child.id == "passage" for child in self.children):
            self._announce("there is no passage to present on this screen")
            return
        self._want(replace(self._wanted, presents=not self._wanted.presents))
        self.focus_first()

    def action_large(self) -> None:
        self.show_layout(_OVERVIEW if self._wanted.layout == LARGE else LARGE)

    def action_previous_tab(self) -> None:
        self._turn_tab(-1)

    def action_next_tab(self) -> None:
        self._turn_tab(+1)

    def _turn_tab(self, by: int) -> None:
        """Show another tab: of the focused panel, else of the place changed last, else of the first."""
        tabbed = [panel for panel in self.panels if panel.tabs is not None]
        if not tabbed:
            self._announce("no panels share a place here")
            return
        order = [*self._wanted.recent, *self.arrangement.regions]
        focused = self._focused
        panel = min(tabbed, key=lambda panel: (panel is not focused, order.index(panel.id or "")))
        assert panel.tabs is not None
        self.show_panel(panel.tabs.neighbor(by), focus=panel is focused)

    def action_hide(self) -> None:
        panel = None if self._wanted.presents else self._focused
        if panel is not None and panel.id is not None and len(self.panels) > 1:
            self._want(replace(self._wanted, hidden=self._wanted.hidden | {panel.id}, zoomed=None))
            self._announce(f"{panel.heading} hidden; X restores all panels")

    def action_show_all(self) -> None:
        self._want(replace(self._wanted, hidden=frozenset(), zoomed=None))

    def action_next_panel(self) -> None:
        self.screen.focus_next(Panel)

    def action_previous_panel(self) -> None:
        self.screen.focus_previous(Panel)

    def action_layout_1(self) -> None:
        self._show_layout_number(1)

    def action_layout_2(self) -> None:
        self._show_layout_number(2)

    def action_layout_3(self) -> None:
        self._show_layout_number(3)

    def action_layout_4(self) -> None:
        self._show_layout_number(4)

    def action_layout_5(self) -> None:
        self._show_layout_number(5)

    def action_layout_6(self) -> None:
        self._show_layout_number(6)

    def action_layout_7(self) -> None:
        self._show_layout_number(7)

    def _show_layout_number(self, number: int) -> None:
        self.show_layout([*LAYOUTS][number - 1])

    # -- jump mode -------------------------------------------------------------------------------------------

    def action_jump(self) -> None:
        """Show a letter in the title of every panel, and those of hidden tabs in the footer."""
        if self._wanted.presents:
            self.unzoom()
        shown = {panel.id or "": panel.heading for panel in self.panels}
        tabs = {
            panel: self._heading(panel)
            for place in self.arrangement.tabs.values()
            for panel in place
            if panel not in shown
        }
        self._letters = jump_letters(shown | tabs)
        letter_of = {panel: letter for letter, panel in self._letters.items()}
        for panel in self.panels:
            panel.set_letter(letter_of.get(panel.id or "", ""))
        self.query_one(Footer).show_instead(
            [
                *(_jump_action(panel, letter_of[panel], tabs[panel]) for panel in tabs if panel in letter_of),
                Action("end_jump", ("escape",), "Leave jump mode", "app", "cancel"),
            ]
        )

    def _end_jump(self) -> None:
        if self._letters:
            self._letters = {}
            for panel in self.query(Panel):
                panel.set_letter("")
            self.query_one(Footer).show_instead(())

    def on_key(self, event: events.Key) -> None:
        """In jump mode a letter focuses its panel, and every key leaves."""
        if self._letters:
            event.stop()
            event.prevent_default()
            panel = self._letters.get(event.key)
            self._end_jump()
            if panel is not None:
                self.show_panel(panel, focus=True)

    # -- the mouse -------------------------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        """A click on a tab shows it, a double click on a title zooms the panel; one leaves present mode."""
        self._end_jump()
        panel = event.widget
        if not isinstance(panel, Panel) or event.y >= panel.body_top:
            return
        if self._wanted.presents:
            self.unzoom()
            return
        tab = panel.tab_at(event.x) if event.y == 0 else ""
        if tab and tab != panel.id:
            self.show_panel(tab, focus=True)
        elif event.chain == 2:
            self.action_zoom()


def jump_letters(headings: Mapping[str, str]) -> dict[str, str]:
    """A letter for every panel, of its heading where one is free; the panels by letter."""
    letters: dict[str, str] = {}
    for panel, heading in headings.items():
        candidates = (letter for letter in heading + string.ascii_lowercase if "a" <= letter <= "z")
        free = next((letter for letter in candidates if letter not in letters), None)
        if free is not None:
            letters[free] = panel
    return letters


def _jump_action(panel: str, letter: str, heading: str) -> Action:
    return Action(f"jump_{panel}", (letter,), f"Jump to {heading}", "app", heading)


def _is_shown(widget: Widget) -> bool:
    return all(node.display for node in _with_ancestors(widget))


def _with_ancestors(widget: Widget) -> Iterable[Widget]:
    return (node for node in widget.ancestors_with_self if isinstance(node, Widget))
