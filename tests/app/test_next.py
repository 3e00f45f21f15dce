"""The bars say what the network expects, and the last row what came."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from rnnscope.app.panels.next import Next
from rnnscope.selection import Selection
from rnnscope.theme.palette import palette
from rnnscope.tracing.trace import Trace
from tests.app.waiting import until

DARK = palette("dark", "truecolor")


def with_expectation(trace: Trace, position: int, expected: dict[str, float]) -> Trace:
    """The trace with given probabilities after one position; the rest is spread evenly."""
    rest = (1 - sum(expected.values())) / (len(trace.symbols) - len(expected))
    row = np.array([expected.get(symbol, rest) for symbol in trace.symbols])
    log_probabilities = trace.log_probabilities.copy()
    log_probabilities[position] = np.log(row)
    return dataclasses.replace(trace, log_probabilities=log_probabilities)


@pytest.fixture
def position(trace: Trace) -> int:
    """The character before the `g` of `gentleman`: a space."""
    return trace.text.index("gentleman") - 1


async def test_bars_are_the_probabilities_best_first(panel_app, trace: Trace, position: int) -> None:
    told = with_expectation(trace, position, {"g": 0.3, "b": 0.4, " ": 0.2})
    app = panel_app(lambda _: Next())
    async with app.run_test(size=(50, 12)):
        app.show(Selection(told, cursor=position))
        rows = [line.split() for line in app.lines()[2:5]]
        assert [(row[0], row[-2]) for row in rows] == [("b", "40.0"), ("▸", "30.0"), ("␣", "20.0")]
        room = 50 - 4 - 12
        for row, probability in zip(rows, (0.4, 0.3, 0.2), strict=True):
            assert row[-3].count("▆") == round(room * probability / 0.6)


async def test_bars_below_one_cell_are_drawn_in_eighths(panel_app, trace: Trace, position: int) -> None:
    told = with_expectation(trace, position, {"g": 0.99, "b": 0.009, "a": 0.0005})
    app = panel_app(lambda _: Next())
    async with app.run_test(size=(50, 30)):
        app.show(Selection(told, cursor=position))
        bars = {line.split()[0]: line.split()[1] for line in app.lines()[2:] if "%" in line}
        assert (bars["b"], bars["a"]) == ("▍", "▏")  # 0.31 and 0.02 of a cell, rounded up to eighths


async def test_the_scale_is_the_largest_where_it_is_more_than_sixty_percent(
    panel_app, trace: Trace, position: int
) -> None:
    app = panel_app(lambda _: Next())
    async with app.run_test(size=(50, 12)):
        app.show(Selection(with_expectation(trace, position, {"g": 0.9}), cursor=position))
        assert app.line(2).count("▆") == 50 - 4 - 12


async def test_the_true_character_is_marked_bright_and_told(panel_app, trace: Trace, position: int) -> None:
    told = with_expectation(trace, position, {"g": 0.25, "b": 0.5})
    app = panel_app(lambda _: Next())
    async with app.run_test(size=(66, 12)):
        app.show(Selection(told, cursor=position))
        assert [y for y in range(12) if app.cells(y)[1][0] == "▸"] == [3, 11]
        bars = {y: {style.color for glyph, style in app.cells(y) if glyph == "▆"} for y in (2, 3)}
        assert bars == {2: {DARK.color("bar_dim")}, 3: {DARK.color("violet")}}
        p = np.exp(told.log_probabilities[position].astype(np.float64))
        entropy = -(p * np.log2(p)).sum()
        assert app.line(11).split("▸")[1].strip() == (
            f"true g   surprisal 2.00 bits   rank 2   entropy {entropy:.1f} bits"
        )


async def test_a_true_character_nobody_expected_takes_the_last_bar(
    panel_app, trace: Trace, position: int
) -> None:
    told = with_expectation(trace, position, {"g": 1e-6})
    app = panel_app(lambda _: Next())
    async with app.run_test(size=(50, 12)):
        app.show(Selection(told, cursor=position))
        last = app.line(9).split()
        assert last[:3] == ["▸", "g", "▏"]
        assert last[3:] == ["rank", str(len(trace.symbols)), "<0.1", "%"]
        assert sum("%" in line for line in app.lines()) == 8


async def test_after_the_last_character_nothing_is_true(panel_app, trace: Trace) -> None:
    app = panel_app(lambda _: Next())
    async with app.run_test(size=(50, 12)):
        app.show(Selection(trace, cursor=len(trace) - 1))
        assert app.line(11).strip() == "end of the passage"
        assert not any("▸" in line for line in app.lines())


async def test_the_title_ends_with_the_cursors_character(panel_app, trace: Trace) -> None:
    app = panel_app(lambda _: Next())
    async with app.run_test(size=(80, 12)) as pilot:
        app.show(Selection(trace, cursor=trace.text.index("leman of the q")))
        assert "after “…I am a gentl”" in app.line(0)
        await pilot.resize_terminal(25, 12)
        assert "after “…gentl”" in app.line(0)
        app.show(Selection(trace, cursor=3))
        assert "after “THE ”" in app.line(0)
        app.show(Selection(trace, cursor=13))
        assert "after “…YMAN:↵”" in app.line(0)


async def test_entropy_moves_to_the_title_and_rank_goes_first(panel_app, trace: Trace, position: int) -> None:
    app = panel_app(lambda _: Next())
    async with app.run_test(size=(66, 12)) as pilot:
        app.show(Selection(trace, cursor=position))
        assert "entropy" not in app.line(0)
        await pilot.resize_terminal(50, 12)
        assert "entropy" in app.line(0)
        assert "rank" in app.line(11)
        await pilot.resize_terminal(30, 12)
        assert "entropy" not in app.line(0)
        assert "rank" not in app.line(11)
        assert "bit" in app.line(11)


@pytest.mark.parametrize("depth", ["truecolor", "256", "16", "none"])
async def test_every_size_is_filled_exactly(panel_app, trace: Trace, depth: str) -> None:
    app = panel_app(lambda _: Next(), depth=depth)
    async with app.run_test(size=(30, 4)) as pilot:
        app.show(Selection(trace, cursor=50))
        for width, height in ((30, 4), (25, 7), (51, 9), (130, 40)):
            await pilot.resize_terminal(width, height)
            await until(pilot, lambda width=width: app.panel.size.width == width)
            assert {app.panel.render_line(y).cell_length for y in range(height)} == {width}
            assert "true" in app.line(height - 1)
            assert sum("%" in line for line in app.lines()) == min(
                len(trace.symbols), height - (4 if height > 9 else 3 if height > 8 else 2)
            )


async def test_bytes_and_marks_have_labels(panel_app, trace: Trace) -> None:
    symbols = tuple(chr(i) for i in range(256))
    told = dataclasses.replace(
        trace,
        symbols=symbols,
        ids=np.array([0xE2, 0x82, 0x0A], dtype=np.int32),
        log_probabilities=np.log(np.full((3, 256), 1 / 256, dtype=np.float32)),
    )
    app = panel_app(lambda _: Next())
    async with app.run_test(size=(50, 12)):
        app.show(Selection(told, cursor=0))
        assert "true \\x82" in app.line(11)
        app.show(Selection(told, cursor=1))
        assert "true ↵" in app.line(11)
