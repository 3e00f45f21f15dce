"""Neurons held at a value on the inspect screen: by the prompt, by sliding, by a click."""

from __future__ import annotations

import numpy as np
from textual.widgets import Label

from rnnscope.analysis.ablation import AblateResult, Clamp
from rnnscope.analysis.units import unit_of
from rnnscope.app.asking.answers import AblationFound, Answer
from rnnscope.app.asking.requests import FindAblation, Request
from rnnscope.app.panels.footer import Footer
from rnnscope.app.panels.prompt import Prompt
from rnnscope.app.panels.reports import ReportPanel
from rnnscope.render.ablation import wrapped
from tests.app.conftest import PASSAGE
from tests.app.looking import seen, settled, shown, text_of, working


class Worker:
    """Answers with a loss that grows with the value, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[FindAblation] = []

    def __call__(self, request: Request) -> list[Answer]:
        assert isinstance(request, FindAblation)
        self.asked.append(request)
        query = request.query
        clamps = tuple(Clamp(*unit_of(name), query.value) for name in query.units)
        delta = np.full(len(PASSAGE) - 1, query.value, np.float32)
        samples = ("the bell rang at seven", "the bell sang of heaven")
        mean = query.value
        result = AblateResult(
            clamps, 0, len(PASSAGE), 1.0, 1.0 + mean, mean, None, delta, (), query.position, samples
        )
        return [AblationFound(request, result)]


async def test_a_value_slides_and_is_heard_of_at_once() -> None:
    worker = Worker()
    async with shown(working({FindAblation: worker})) as (pilot, screen):
        await pilot.press("x", "up", "up", "up")
        await settled(pilot)
        assert worker.asked[-1].query.value == 0.3
        overlay = seen(screen).overlay
        assert overlay is not None
        np.testing.assert_allclose(overlay.values[:3], [0.0, 0.3, 0.3], atol=1e-6)
        assert "clamped at 0.3" in text_of(screen)
        await pilot.press("down", "enter")
        await settled(pilot)
        assert worker.asked[-1].query.value == 0.2
        selection = seen(screen)
        assert worker.asked[-1].query.units == (f"{selection.layer}/{selection.unit}",)


async def test_another_neuron_is_seen_in_its_own_colors() -> None:
    worker = Worker()
    async with shown(working({FindAblation: worker})) as (pilot, screen):
        await pilot.press("x", "enter")
        await settled(pilot)
        assert seen(screen).coloring == "overlay"
        await pilot.press("right")  # reading on does not take them away
        assert seen(screen).coloring == "overlay"
        await pilot.press("down")
        assert seen(screen).coloring == "neuron"


async def test_a_click_on_the_scale_holds_there_and_samples_stand_side_by_side() -> None:
    worker = Worker()
    async with shown(working({FindAblation: worker}), (200, 60)) as (pilot, screen):
        await pilot.press("x", "enter")
        await settled(pilot)
        panel = screen.query_one("#ablation", ReportPanel)
        width = panel.body_width
        await pilot.click(panel, offset=(2 + width - 3 - 7 - 1, panel.body_top))
        await settled(pilot)
        assert worker.asked[-1].query.value == 1.0
        await pilot.click(panel, offset=(2 + 3, panel.body_top))
        await settled(pilot)
        assert worker.asked[-1].query.value == -1.0
        lines = [panel.render_line(y).text for y in range(panel.size.height)]
        (together,) = [line for line in lines if "the bell rang" in line]
        assert "the bell sang" in together


async def test_a_neuron_is_held_by_the_mouse_alone() -> None:
    worker = Worker()
    async with shown(working({FindAblation: worker}), (200, 60)) as (pilot, screen):
        footer = screen.query_one(Footer).render_line(0).text
        await pilot.click("#footer", offset=(footer.index("ablate"), 0))
        await settled(pilot)
        hint = screen.query_one("#hint", Label)
        keys = str(hint.content)
        await pilot.click(hint, offset=(2 + keys.index("↑"), 0))
        await settled(pilot)
        assert worker.asked[-1].query.value == 0.1
        await pilot.click(hint, offset=(2 + keys.index("↓"), 0))
        await pilot.click(hint, offset=(2 + keys.index("↓"), 0))
        await pilot.click(hint, offset=(2 + keys.index("Enter"), 0))
        await settled(pilot)
        assert worker.asked[-1].query.value == -0.1
        assert not screen.query_one(Prompt).display
        await pilot.click("#footer", offset=(footer.index("ablate"), 0))
        await settled(pilot)
        await pilot.click(hint, offset=(2 + keys.index("Esc"), 0))
        await settled(pilot)
        assert not screen.query_one(Prompt).display


async def test_all_favorites_are_held_and_slide_together() -> None:
    worker = Worker()
    async with shown(working({FindAblation: worker})) as (pilot, screen):
        await pilot.press("asterisk", "down", "asterisk", "x", "backspace", "asterisk", "up")
        await settled(pilot)
        assert screen.ranking is not None
        query = worker.asked[-1].query
        assert set(map(unit_of, query.units)) == screen.ranking.remarks.favorites
        assert (len(query.units), query.value) == (2, 0.1)


def test_rows_of_a_column_have_all_of_a_text_in_order() -> None:
    text = "the bell rang\n\n漢字漢字漢字漢字 at seven"
    rows = wrapped(text, 9)
    for start, part in rows:
        assert text[start : start + len(part)] == part
    assert "".join(part for _, part in rows) == text.replace("\n", "")
