"""The train screen: what each key does; the list of keys is `rnnscope.app.actions`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from textual.binding import BindingType

from rnnscope.app import actions
from rnnscope.app.choosing import neighbour_quantity
from rnnscope.app.screens import questions
from rnnscope.app.screens.commands import Commands
from rnnscope.app.screens.help import help_writer
from rnnscope.app.screens.log import log_writer
from rnnscope.app.screens.page import PageScreen
from rnnscope.app.screens.showing import ShowingScreen
from rnnscope.app.screens.stage import Stage
from rnnscope.app.widgets.banner import Banner
from rnnscope.app.widgets.heatmap import HeatMap
from rnnscope.app.widgets.loss import LossChart
from rnnscope.app.widgets.panel import Panel
from rnnscope.app.widgets.passage import Passage
from rnnscope.app.widgets.prompt import Prompt, Question


class TrainScreen(ShowingScreen, inherit_bindings=False):
    """A run, and all one can do with it."""

    BINDINGS: ClassVar[list[BindingType]] = [*actions.bindings(actions.TRAIN)]
    COMMANDS: ClassVar[set[Any]] = {Commands}

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What needs a training loop is not there where one only watches."""
        return action not in _LIVE or self.live

    # -- looking -------------------------------------------------------------------------------------------

    def _move(self, by: int) -> None:
        if self.view is not None:
            self.look(cursor=self.view.cursor + by)

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
        self._choose_neighbour(-1)

    def action_neuron_down(self) -> None:
        self._choose_neighbour(+1)

    def _choose_neighbour(self, by: int) -> None:
        """The neuron beside the chosen one in the heat map, whether that is on the screen or not."""
        unit = self.query_one(HeatMap).neighbour(by)
        if unit is not None:
            self.look(unit=unit)

    def action_quantity(self) -> None:
        self._turn_quantity(+1)

    def action_quantity_back(self) -> None:
        self._turn_quantity(-1)

    def _turn_quantity(self, by: int) -> None:
        if self.view is not None:
            self.look(quantity=neighbour_quantity(self.view, by), colouring="neuron")

    def action_layer_down(self) -> None:
        self._turn_layer(-1)

    def action_layer_up(self) -> None:
        self._turn_layer(+1)

    def _turn_layer(self, by: int) -> None:
        if self.view is None:
            return
        layers = self.view.trace.architecture.layers
        if layers == 1:
            self.announce("this network has one layer")
        self.look(layer=self.view.layer + by)

    def action_own_range(self) -> None:
        if self.view is not None:
            self.look(own_range=not self.view.own_range, colouring="neuron")

    def action_surprise(self) -> None:
        if self.view is not None:
            self.look(colouring="neuron" if self.view.colouring == "surprise" else "surprise")

    def action_top_five(self) -> None:
        if self.view is not None:
            self.look(top_five=not self.view.top_five)

    def action_units(self) -> None:
        self.query_one(LossChart).cycle_units()

    def action_chart(self) -> None:
        stage = self.query_one(Stage)
        stage.want(chosen="gradient" if stage.wanted.chosen == "loss" else "loss")

    # -- what is read and written --------------------------------------------------------------------------

    def _ask(self, question: Question) -> None:
        self.query_one(Banner).dismiss()
        self.query_one(Prompt).ask(question)

    def action_temperature(self) -> None:
        self._ask(questions.temperature(self.controls))

    def action_warmer(self) -> None:
        self._tell_temperature(questions.nudge_temperature(self.controls, +1))

    def action_cooler(self) -> None:
        self._tell_temperature(questions.nudge_temperature(self.controls, -1))

    def _tell_temperature(self, value: float) -> None:
        self.announce(f"temperature {value:g}, from the next sample on")

    def action_prime(self) -> None:
        self._ask(questions.prime(self.controls))

    def action_passage(self) -> None:
        self._ask(questions.passage(self.controls))

    def action_sample(self) -> None:
        self.controls.sample_now()

    # -- training ------------------------------------------------------------------------------------------

    def action_pause(self) -> None:
        if self.status.phase in ("training", "annealing"):
            paused = not self.controls.wishes.paused
            self.controls.set(paused=paused)
            self.show_status(replace(self.status, paused=paused))

    def action_learning_rate(self) -> None:
        self._ask(questions.learning_rate(self.controls))

    def action_rate_down(self) -> None:
        self._tell_rate(questions.scale_rate(self.controls, -1))

    def action_rate_up(self) -> None:
        self._tell_rate(questions.scale_rate(self.controls, +1))

    def _tell_rate(self, factor: float) -> None:
        self.announce(f"learning rate ×{factor:g} of what is scheduled")

    def action_finish(self) -> None:
        if self.status.phase == "training":
            self._ask(questions.finish(self.controls, self.announce))

    def action_save(self) -> None:
        if self.status.phase in ("training", "annealing"):
            self.controls.save_now()
            self.announce("saving…")

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

    def action_back(self) -> None:
        """Step back from the nearest thing that there is to step back from."""
        banner, stage = self.query_one(Banner), self.query_one(Stage)
        if banner.display:
            banner.dismiss()
        elif stage.wanted.zoomed is not None:
            stage.want(zoomed=None)
        elif self.view is not None and (self.view.top_five or self.view.colouring == "surprise"):
            self.look(top_five=False, colouring="neuron")

    def action_messages(self) -> None:
        self.app.push_screen(PageScreen(log_writer(self.notices)))

    def action_help(self) -> None:
        self.app.push_screen(PageScreen(help_writer(self.actions, self.query(Panel))))

    def action_screenshot(self) -> None:
        stem = Path(self.status.corpus).stem or "screen"
        path = _free(Path(f"rnnscope-{stem}-{self.status.step}.svg"))
        try:
            path.write_text(self.app.export_screenshot(title="rnnscope"), encoding="utf-8")
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


_LIVE = frozenset(action.id for action in actions.TRAIN if action.live)


def _free(path: Path) -> Path:
    """The path, or the first numbered one beside it that does not exist."""
    candidate, number = path, 1
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return candidate
