"""What the screens share: one selection that every panel shows, and the keys that change it.

    keys, clicks ──▶ look ──▶ Selection ──▶ every SelectionPanel, in one frame

A screen gives the panels, the order of the neurons, and what else its keys do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from textual import on
from textual.screen import Screen
from textual.widget import Widget

from rnnscope.app.actions import Action
from rnnscope.app.choosing import neighbor_quantity
from rnnscope.app.messages import CursorMoved, NeuronChosen, QuantityChosen
from rnnscope.app.ordering import KINDS, Kind
from rnnscope.app.panels.banner import Banner, Notice, Severity
from rnnscope.app.panels.heatmap import HeatMap
from rnnscope.app.panels.panel import Panel, SelectionPanel
from rnnscope.app.panels.passage import Passage
from rnnscope.app.panels.prompt import Prompt, Question
from rnnscope.app.screens.commands import Commands
from rnnscope.app.screens.help import help_writer
from rnnscope.app.screens.log import log_writer
from rnnscope.app.screens.page import PageScreen
from rnnscope.app.screens.stage import Stage
from rnnscope.app.screenshot import screenshot
from rnnscope.files import write_atomically
from rnnscope.selection import Selection

_LONGEST_LOG = 500


class LookingScreen(Screen[None], inherit_bindings=False):
    """A selection of one network, and all that moves it."""

    AUTO_FOCUS = "#passage"
    COMMANDS: ClassVar[set[Any]] = {Commands}

    orders: ClassVar[tuple[Kind, ...]] = ("slowest", "similar", "index")
    """The orders that the heat map can be in."""

    def __init__(self, offered: tuple[Action, ...]) -> None:
        """`offered` are the actions of which the footer, the help and the command palette are made."""
        super().__init__()
        self.actions = offered
        self.selection: Selection | None = None
        self.is_chosen = False
        """Whether the reader chose what is looked at."""
        self.notices: list[Notice] = []

    # -- what a subclass gives ------------------------------------------------------------------------------

    def neighbor(self, by: int) -> tuple[int, int] | None:
        """The layer and unit that many places further in the order of neurons; None without a selection."""
        raise NotImplementedError

    @property
    def picture_name(self) -> str:
        """What a picture of the screen is called."""
        raise NotImplementedError

    @property
    def elapsed_seconds(self) -> float:
        """When an announcement is made."""
        raise NotImplementedError

    # -- what the panels show --------------------------------------------------------------------------------

    def show_selection(self, selection: Selection) -> None:
        """Show another selection in all panels at once."""
        self.selection = selection
        with self.app.batch_update():
            for panel in self.query(SelectionPanel):
                panel.show(selection)

    def look(self, **changes: object) -> None:
        """Change what is looked at; nothing happens before the first trace."""
        if self.selection is not None:
            self.is_chosen = True
            self.show_selection(self.selection.moved(**changes))

    def look_at(self, layer: int, unit: int) -> None:
        """Choose a neuron, and see its colors where an analysis had the passage's."""
        if self.selection is not None:
            is_overlaid = self.selection.coloring == "overlay"
            coloring = "neuron" if is_overlaid else self.selection.coloring
            self.look(layer=layer, unit=unit, coloring=coloring)

    def panels_in_sight(self) -> list[Panel]:
        """The panels that have a place, the passage first."""
        panels = [panel for panel in self.query(Panel) if panel.display]
        return sorted(panels, key=lambda panel: not isinstance(panel, Passage))

    def announce(self, message: str, severity: Severity = "note") -> None:
        """Say something in the banner, and remember it."""
        notice = Notice(message, severity, self.elapsed_seconds)
        self.notices.append(notice)
        del self.notices[:-_LONGEST_LOG]
        self.query_one(Banner).announce(notice)

    def ask(self, question: Question) -> None:
        """Ask for a line of text, over the footer."""
        self.query_one(Banner).dismiss()
        self.query_one(Prompt).ask(question)

    # -- what the panels and the stage say -------------------------------------------------------------------

    @on(CursorMoved)
    def _move_cursor(self, message: CursorMoved) -> None:
        self.look(cursor=message.index)

    @on(NeuronChosen)
    def _choose_neuron(self, message: NeuronChosen) -> None:
        self.look_at(message.layer, message.unit)

    @on(QuantityChosen)
    def _choose_quantity(self, message: QuantityChosen) -> None:
        self.look(quantity=message.quantity)

    @on(Stage.Rearranged)
    def _after_rearranging(self) -> None:
        if self.focused is None or not _is_shown(self.focused):
            self.focus_first()

    @on(Prompt.Closed)
    def _after_prompt(self) -> None:
        self.focus_first()

    def focus_first(self) -> None:
        """Focus the passage, or what there is of panels."""
        self.set_focus(next(iter(self.panels_in_sight()), None))

    # -- looking -------------------------------------------------------------------------------------------

    def _move(self, by: int) -> None:
        if self.selection is not None:
            self.look(cursor=self.selection.cursor + by)

    def action_cursor_left(self) -> None:
        self._move(-1)

    def action_cursor_right(self) -> None:
        self._move(+1)

    def action_word_left(self) -> None:
        self.query_one(Passage).action_word(-1)

    def action_word_right(self) -> None:
        self.query_one(Passage).action_word(+1)

    def action_line_up(self) -> None:
        self.look(cursor=self.query_one(Passage).line_up())

    def action_line_down(self) -> None:
        self.look(cursor=self.query_one(Passage).line_down())

    def action_page_up(self) -> None:
        self.query_one(Passage).action_page(-1)

    def action_page_down(self) -> None:
        self.query_one(Passage).action_page(+1)

    def action_line_start(self) -> None:
        self.query_one(Passage).action_line_edge(-1)

    def action_line_end(self) -> None:
        self.query_one(Passage).action_line_edge(+1)

    def action_first(self) -> None:
        self.query_one(Passage).action_text_edge(-1)

    def action_last(self) -> None:
        self.query_one(Passage).action_text_edge(+1)

    def action_neuron_up(self) -> None:
        self._choose_neighbor(-1)

    def action_neuron_down(self) -> None:
        self._choose_neighbor(+1)

    def _choose_neighbor(self, by: int) -> None:
        neuron = self.neighbor(by)
        if neuron is not None:
            self.look_at(*neuron)

    def action_quantity(self) -> None:
        self._turn_quantity(+1)

    def action_quantity_back(self) -> None:
        self._turn_quantity(-1)

    def _turn_quantity(self, by: int) -> None:
        if self.selection is not None:
            self.look(quantity=neighbor_quantity(self.selection, by), coloring="neuron")

    def action_layer_down(self) -> None:
        self._turn_layer(-1)

    def action_layer_up(self) -> None:
        self._turn_layer(+1)

    def _turn_layer(self, by: int) -> None:
        if self.selection is None:
            return
        layers = self.selection.trace.architecture.layers
        if layers == 1:
            self.announce("this network has one layer")
        self.look(layer=self.selection.layer + by)

    def action_own_range(self) -> None:
        if self.selection is not None:
            self.look(own_range=not self.selection.own_range, coloring="neuron")

    def action_surprise(self) -> None:
        if self.selection is not None:
            self.look(coloring="neuron" if self.selection.coloring == "surprise" else "surprise")

    def action_top_five(self) -> None:
        if self.selection is not None:
            self.look(top_five=not self.selection.top_five)

    def action_order(self) -> None:
        """The heat map's rows in the next order; it is shown where it is not."""
        heat_map = self.query_one(HeatMap)
        if self.show_heat_map():
            kinds = [kind for kind in KINDS if kind in self.orders]
            heat_map.order_by(kinds[(kinds.index(heat_map.kind) + 1) % len(kinds)])

    def show_heat_map(self) -> bool:
        """See to it that the heat map is in sight; whether it was before."""
        heat_map, stage = self.query_one(HeatMap), self.query_one(Stage)
        if heat_map.display:
            return True
        stage.want(hidden=stage.wanted.hidden - {heat_map.id}, zoomed=heat_map.id)
        self.call_after_refresh(lambda: self.set_focus(heat_map))
        return False

    # -- the screen ----------------------------------------------------------------------------------------

    def action_zoom(self) -> None:
        stage = self.query_one(Stage)
        focused = self.focused
        if stage.wanted.zoomed is not None:
            stage.want(zoomed=None)
        elif isinstance(focused, Panel):
            stage.want(zoomed=focused.id)

    def action_hide(self) -> None:
        stage = self.query_one(Stage)
        focused = self.focused
        if isinstance(focused, Panel) and focused.id is not None and len(self.panels_in_sight()) > 1:
            stage.want(hidden=stage.wanted.hidden | {focused.id}, zoomed=None)
            self.announce(f"{focused.heading} is hidden; X shows it again")

    def action_show_all(self) -> None:
        self.query_one(Stage).want(hidden=frozenset(), zoomed=None)

    def action_next_panel(self) -> None:
        self.focus_next(Panel)

    def action_previous_panel(self) -> None:
        self.focus_previous(Panel)

    @property
    def is_covered(self) -> bool:
        """Whether a prompt or a notice lies over the footer."""
        return self.query_one(Prompt).display or self.query_one(Banner).display

    def action_back(self) -> None:
        """Step back from the nearest thing that there is to step back from."""
        banner, stage, prompt = self.query_one(Banner), self.query_one(Stage), self.query_one(Prompt)
        if prompt.display:  # a click took the focus from it
            prompt.drop()
        elif banner.display:
            banner.dismiss()
        elif stage.wanted.zoomed is not None:
            stage.want(zoomed=None)
        elif self.selection is not None and (
            self.selection.top_five or self.selection.coloring == "surprise"
        ):
            self.look(top_five=False, coloring="neuron")

    def action_messages(self) -> None:
        self.app.push_screen(PageScreen(log_writer(self.notices)))

    def action_help(self) -> None:
        self.app.push_screen(PageScreen(help_writer(self.actions, self.query(Panel))))

    def action_screenshot(self) -> None:
        path = free_path(Path(f"rnnscope-{self.picture_name}.svg"))
        try:
            content = screenshot(self.app).encode()
            write_atomically(path, lambda file: file.write(content))
        except OSError as error:
            self.announce(f"no picture: {path}: {(error.strerror or str(error)).lower()}", "warning")
        else:
            self.announce(f"picture written to {path.resolve()}")

    async def action_theme(self) -> None:
        await self.app.run_action("toggle_theme")

    async def action_command_palette(self) -> None:
        await self.app.run_action("command_palette")

    async def action_quit(self) -> None:
        await self.app.run_action("quit")


def free_path(path: Path) -> Path:
    """The path, or the first numbered one beside it that does not exist."""
    candidate, number = path, 1
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return candidate


def _is_shown(widget: Widget) -> bool:
    return all(node.display for node in widget.ancestors_with_self if isinstance(node, Widget))
