"""Present mode: the passage at double spacing with a caption, and the gates; nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from rnnscope.analysis.names import Names
from rnnscope.app.frame.footer import Footer
from rnnscope.app.layout import SMALLEST, presentation
from rnnscope.app.screens.inspect import InspectScreen
from rnnscope.app.screens.train import TrainScreen
from rnnscope.tracing.trace import Trace
from tests.app.conftest import PASSAGE
from tests.app.fake import run_until
from tests.app.looking import FakeSession, lines_of, seen, settled, shown
from tests.app.naming import names
from tests.app.showing import shown as train_shown
from tests.app.showing import telling

LINES = [line + "↵" for line in PASSAGE.splitlines()]


def in_sight(screen: InspectScreen | TrainScreen) -> set[str]:
    return {child.id or "" for child in screen.stage.children if child.display}


async def test_the_passage_has_double_spacing_a_caption_and_the_gates() -> None:
    async with shown(FakeSession(PASSAGE * 3), (80, 24)) as (pilot, screen):
        screen.scope.select(layer=1, unit=5, quantity="forget", cursor=0)
        before = in_sight(screen)
        await pilot.press("f5")
        await settled(pilot)
        assert in_sight(screen) == {"passage", "gates"}
        rows = lines_of(screen, "passage")
        assert rows[0].startswith("  1/5 · forget ")
        assert "▎" not in "".join(rows)
        assert [row.strip(" ▸") for row in rows[2::2]][:3] == LINES[:3]
        assert [row.strip() for row in rows[1::2]] == [""] * len(rows[1::2])
        assert any("forget" in row for row in lines_of(screen, "gates"))
        await pilot.press("shift+down", "right", "down", "g")
        found = seen(screen)
        assert (found.cursor, found.neuron) != (0, "1/5")
        assert found.cursor == len(LINES[0]) + 1
        assert lines_of(screen, "passage")[0].startswith(f"  {found.neuron} · {found.quantity} ")
        await pilot.press("pagedown", "end")
        assert screen.passage.shown.index(seen(screen).cursor) >= 0, "the cursor stays in sight"
        await pilot.press("U")
        assert lines_of(screen, "passage")[8].strip() == "", "a blank row after the five predictions"
        await pilot.press("U", "C")
        await settled(pilot)
        assert in_sight(screen) == {"passage", "gates"}, "results wait until the mode ends"
        await pilot.press("escape")
        await settled(pilot)
        assert "contexts" in in_sight(screen)
        assert in_sight(screen) - {"contexts"} == before - {"find"}
        assert [row.strip(" ▎▸") for row in lines_of(screen, "passage")][2] != ""


async def test_the_caption_has_the_feature_and_its_score() -> None:
    named = FakeSession(PASSAGE * 3, {Names: lambda *of: names()})
    async with shown(named, (80, 24)) as (pilot, screen):
        await pilot.press("f5")
        await settled(pilot)
        assert lines_of(screen, "passage")[0].startswith("  1/7 · quotes · AUC 0.96 ")


async def test_the_mouse_enters_moves_and_leaves() -> None:
    async with shown(FakeSession(PASSAGE * 3), (200, 60)) as (pilot, screen):
        footer = screen.query_one(Footer)
        column = footer.render_line(0).text.index("present")
        await pilot.click(footer, offset=(column, 0))
        await settled(pilot)
        assert in_sight(screen) == {"passage", "gates"}
        await pilot.click("#passage", offset=(3 + 4, 2 + 2))  # the second line
        assert seen(screen).cursor == len(LINES[0]) + 4
        await pilot.click("#passage", offset=(8, 0))
        await settled(pilot)
        assert "neurons" in in_sight(screen)


async def test_it_is_on_the_train_screen_and_follows_the_size(trace: Trace) -> None:
    async with train_shown(telling(run_until(trace))) as (pilot, screen):
        await pilot.press("exclamation_mark")
        await pilot.pause()
        assert in_sight(screen) == {"passage", "gates"}
        await pilot.resize_terminal(60, 16)
        await pilot.pause()
        assert in_sight(screen) == {"passage", "gates"}
        await ask_and_cancel(pilot, screen)
        await pilot.press("exclamation_mark")
        await pilot.pause()
        assert {"loss", "header", "footer"} <= in_sight(screen)


async def ask_and_cancel(pilot: Pilot[Any], screen: TrainScreen) -> None:
    """A question is in the last row, and Esc closes it first."""
    await pilot.press("slash")
    await pilot.pause()
    assert screen.prompt.region.bottom == 16
    await pilot.press("escape")
    await pilot.pause()
    assert in_sight(screen) == {"passage", "gates"}


@pytest.mark.parametrize("size", [SMALLEST, (80, 24), (120, 40), (200, 60), (300, 100)])
def test_the_regions_fit_and_do_not_overlap(size: tuple[int, int]) -> None:
    regions = presentation(*size).regions
    passage, gates, last = regions["passage"], regions["gates"], regions["prompt"]
    assert passage.bottom < gates.y < gates.bottom <= last.y == size[1] - 1
    assert passage.height > gates.height
    assert all(part.x >= 0 and part.right <= size[0] for part in regions.values())
    assert "too-small" in presentation(SMALLEST[0] - 1, SMALLEST[1])
