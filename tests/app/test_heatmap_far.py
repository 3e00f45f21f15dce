"""The heat map in other orders, from farther off, and as factors."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from rnnscope.analysis.factors import factorize
from rnnscope.analysis.similarity import correlations
from rnnscope.app.columns import distance
from rnnscope.app.panels.heatmap import HeatMap
from rnnscope.app.ranking import Ranking
from rnnscope.selection import Selection
from rnnscope.theme.palette import palette
from rnnscope.tracing.trace import Trace
from tests.app.conftest import FakeScope

DARK = palette("dark", "truecolor")


def heat_map(scope: FakeScope) -> HeatMap:
    return HeatMap(scope, id="map")


def ids(app, rows: int) -> list[int]:
    return [int(app.line(1 + row + 1)[2:5]) for row in range(rows)]


async def test_similar_neurons_lie_together(panel_app, trace: Trace) -> None:
    app = panel_app(heat_map)
    async with app.run_test(size=(50, 40)):
        app.show(Selection(trace, unit=0))
        app.panel.order_by("similar")
        order = list(dict.fromkeys(app.panel.neighbor(by) for by in range(-47, 48)))
        assert sorted(order) == list(range(48))
        r = correlations(trace["1/hidden"])
        beside = np.mean([r[a, b] for a, b in pairwise(order)])
        by_index = np.mean([r[a, a + 1] for a in range(47)])
        assert beside > by_index + 0.1


async def test_the_tables_order_is_followed(panel_app, trace: Trace) -> None:
    app = panel_app(heat_map)
    async with app.run_test(size=(50, 11)):
        app.show(Selection(trace, unit=47))
        app.panel.order_by("table")
        assert ids(app, 3)[0] <= 47
        app.panel.rank(Ranking(trace.architecture, sort="activity", numbers=np.arange(48.0)))
        assert ids(app, 3) == [47, 45, 43]
        assert "as in the table" in app.line(0)


@pytest.mark.parametrize(
    ("length", "cursor", "width", "scale"), [(287, 100, 42, 4), (287, 286, 42, 8), (5, 2, 9, 64)]
)
def test_every_column_is_so_many_characters(length: int, cursor: int, width: int, scale: int) -> None:
    shown = distance(length, cursor, width, scale)
    assert shown.columns == min(width, -(-length // scale))
    assert shown.first % scale == 0
    at = shown.at(shown.cursor)
    assert at is not None
    assert at <= cursor < at + scale
    assert shown.at(shown.columns) is None


async def test_from_farther_off_a_cell_is_the_mean_of_its_values(panel_app, trace: Trace) -> None:
    app = panel_app(heat_map)
    async with app.run_test(size=(50, 11)):
        app.show(Selection(trace, cursor=100, unit=0))
        app.panel.order_by("index")
        app.panel.action_map_zoom_out()
        app.panel.action_map_zoom_out()
        assert "4 characters per column" in app.panel.subject()
        shown = distance(len(trace), 100, 42, 4)
        fold = 4  # 48 neurons in 10 rows of two
        hidden = trace["1/hidden"].astype(np.float64)
        for row in range(6):
            line = app.cells(2 + row)
            for column in (0, 7, 41):
                first = shown.at(column)
                stop = min(first + 4, len(trace))
                top, below = (
                    np.mean([hidden[t, u] for t in range(first, stop) for u in range(start, start + fold)])
                    for start in (2 * fold * row, 2 * fold * row + fold)
                )
                glyph, style = line[6 + column]
                assert glyph == "▀"
                assert style.color == DARK.diverging_colors[round(16 * (top + 1))]
                assert style.bgcolor == DARK.diverging_colors[round(16 * (below + 1))]
        app.panel.action_map_zoom_in()
        app.panel.action_map_zoom_in()
        assert "per column" not in app.panel.subject()


async def test_a_factor_is_a_row_of_bars_and_a_click_chooses_it(panel_app, trace: Trace) -> None:
    chosen: list[int] = []
    app = panel_app(lambda scope: HeatMap(scope, on_factor=chosen.append, id="map"))
    async with app.run_test(size=(60, 11)) as pilot:
        selection = Selection(trace, cursor=100)
        app.show(selection)
        factors = factorize(trace["1/hidden"], 5)
        app.panel.show_factors(factors, 1)
        assert [line[2:5].strip() for line in app.lines()[2:7]] == ["1", "2", "3", "4", "5"]
        assert str(int(factors.units[1].argmax())) in app.line(0)
        await pilot.click(offset=(30, 4))
        await pilot.pause()
        assert app.cursors
        assert chosen == [2]
        app.panel.show_factors(None)
        assert "slowest first" in app.line(0)
