"""Pictures of the inspect screen over made-up answers, compared with those that were approved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from rnnscope.app.inspect import InspectApp
from rnnscope.app.panels.banner import Banner
from rnnscope.app.screens.inspect import InspectScreen
from rnnscope.theme.palette import Depth, Theme
from tests.app.findings import EVERYTHING, TEXT
from tests.app.looking import settled, working
from tests.app.waiting import until

VIEWS: dict[str, tuple[str, ...]] = {
    "find": ("slash", *"column", "enter"),
    "next": ("o",),
    "map": ("y", "y"),
    "factors": ("F",),
    "second": ("2", "down", "down"),
    "contexts": ("t",),
    "saturation": ("a",),
    "match": ("v", "right", "right", "v", "m"),
    "ablation": ("x", "enter"),
    "origin": ("i",),
    "errors": ("E", "down", "enter"),
    "gradients": ("d", *["left"] * 12),
    "ngrams": ("p",),
    "distances": ("B", "down", "enter"),
    "marks": ("v", *["right"] * 9, "v", "right", "V", *["right"] * 5, "V"),
    "passage": ("5", "z"),
    "question": ("x",),
    "help": ("question_mark",),
}
"""What is pressed to see each of them."""


class Sitting:
    """A screen whose neurons are named, and whose worker has answered."""

    def __init__(self, *, theme: Theme = "dark", depth: Depth = "truecolor") -> None:
        self.app = InspectApp(working(EVERYTHING, TEXT), name="mine", theme=theme, depth=depth)

    def then(self, *keys: str) -> Callable[[Pilot[Any]], Any]:
        """Wait for the names, press keys one after another, and close the desk."""

        async def act(pilot: Pilot[Any]) -> None:
            screen = self.app.screen
            assert isinstance(screen, InspectScreen)
            try:
                await until(
                    pilot,
                    lambda: (
                        screen.selection is not None and len(screen.gains) >= 8 and not screen.model.doing
                    ),
                )
                for key in keys:
                    await pilot.press(key)
                    await settled(pilot)
                screen.query_one(Banner).dismiss()  # it would leave of its own, some time
                await pilot.pause(0.3)  # what follows the neuron has followed
                await settled(pilot)
            finally:
                self.app.desk.close()

        return act


@pytest.mark.parametrize("view", VIEWS)
def test_view(view: str, snap_compare: Any) -> None:
    sitting = Sitting()
    assert snap_compare(sitting.app, terminal_size=(120, 40), run_before=sitting.then(*VIEWS[view]))


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (200, 60)], ids="{0[0]}x{0[1]}".format)
def test_size(size: tuple[int, int], snap_compare: Any) -> None:
    sitting = Sitting()
    assert snap_compare(sitting.app, terminal_size=size, run_before=sitting.then())


@pytest.mark.parametrize("view", ["gradients", "ngrams", "distances", "errors"])
def test_small_view(view: str, snap_compare: Any) -> None:
    sitting = Sitting()
    assert snap_compare(sitting.app, terminal_size=(80, 24), run_before=sitting.then(*VIEWS[view]))


@pytest.mark.parametrize(
    ("theme", "depth"), [("light", "truecolor"), ("dark", "256"), ("dark", "16"), ("dark", "none")]
)
def test_colors(theme: Theme, depth: Depth, snap_compare: Any) -> None:
    sitting = Sitting(theme=theme, depth=depth)
    keys = () if depth == "truecolor" else VIEWS["gradients"]
    assert snap_compare(sitting.app, terminal_size=(120, 40), run_before=sitting.then(*keys))
