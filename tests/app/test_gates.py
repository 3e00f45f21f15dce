"""Gates along the passage: bars of the right height, one cursor through them all, a ledger that adds up."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from rnnscope.app import bars, cell_update
from rnnscope.app.columns import window
from rnnscope.app.panels.gates import Gates
from rnnscope.app.panels.gates_plan import Plan, plan
from rnnscope.network.architecture import QUANTITIES, Activation, Architecture, CellName
from rnnscope.selection import Selection
from rnnscope.theme.palette import palette
from rnnscope.tracing.trace import Trace

DARK = palette("dark", "truecolor")
MIXED = "ab漢字 c\ne\u0301 \x1b 😀 and on it goes, until the line is long enough\n"


def trace_of(text: str, cell: CellName, units: int = 3, *, seed: int = 0) -> Trace:
    """Random gates and candidates; the states follow from the cell's equations."""
    random = np.random.default_rng(seed)
    symbols = tuple(sorted(set(text)))
    shape = (len(text), units)
    found = {name: random.random(shape) for name in QUANTITIES[cell]}
    found["candidate"] = 2 * random.random(shape) - 1
    state = np.zeros(units)
    for t in range(len(text)):
        if cell == "gru":
            state = found["update"][t] * state + (1 - found["update"][t]) * found["candidate"][t]
            found["hidden"][t] = state
        elif "cell" in found:
            state = found["forget"][t] * state + found["input"][t] * found["candidate"][t]
            found["cell"][t] = state
            found["hidden"][t] = found["output"][t] * np.tanh(state)
    logits = random.normal(size=(len(text), len(symbols)))
    return Trace(
        Architecture(cell, len(symbols), units),
        symbols,
        np.array([symbols.index(c) for c in text], dtype=np.int32),
        (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))).astype(np.float32),
        {f"1/{name}": found[name].astype(np.float32) for name in QUANTITIES[cell]},
    )


# -- bars ------------------------------------------------------------------------------------------------


def eighths(points: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """(rows, C) how many eighths of each cell have the bar's color."""
    filled = np.array([[" ▁▂▃▄▅▆▇█".index(chr(p)) for p in row] for row in points])
    swapped = np.array(
        [[(style := bars.styles(DARK)[k]).color == DARK.color("panel") for k in row] for row in keys]
    )
    assert style is not None
    return np.where(swapped, 8 - filled, filled)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.integers(1, 4))
@settings(max_examples=50, deadline=None)
def test_gates_stand_as_high_as_they_are_open(values: list[float], rows: int) -> None:
    points, keys = bars.gate_rows(values, rows)
    heights = eighths(points, keys).sum(axis=0)
    most = 8 * rows - 1
    assert heights.tolist() == [min(most, max(1, round(most * v))) for v in values]
    assert not (points[0] == ord("█")).any(), "the missing eighth parts the rows"
    assert not (points[-1] == ord(" ")).any(), "a shut gate is a line"
    for column, value in enumerate(values):
        assert bars.styles(DARK)[keys[-1, column]].color == DARK.gate_colors[round(8 + 18 * value)]


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=20), st.integers(1, 4))
@settings(max_examples=50, deadline=None)
def test_signed_values_stand_above_the_midline_or_hang_below(values: list[float], arm: int) -> None:
    points, keys = bars.signed_rows(values, 2 * arm)
    filled = eighths(points, keys)
    most = 8 * arm - 1
    for column, value in enumerate(values):
        above, below = filled[:arm, column].sum(), filled[arm:, column].sum()
        expected = min(most, max(1, round(most * abs(value))))
        assert (above, below) == ((0, expected) if value < 0 else (expected, 0))


def test_in_one_row_minus_hangs_from_the_top() -> None:
    points, keys = bars.signed_rows([0.6, -0.6], 1)
    plus, minus = (bars.styles(DARK)[key] for key in keys[0])
    assert chr(points[0, 0]) == "▄"
    assert plus.bgcolor == DARK.color("panel")
    assert chr(points[0, 1]) == "▄"
    assert minus.color == DARK.color("panel")
    assert minus.bgcolor == DARK.diverging_colors[16 - round(5 + 8 * 0.6)]


def test_what_is_no_number_is_drawn_as_nothing_much() -> None:
    points, _ = bars.gate_rows([np.nan, np.inf])
    assert points.tolist() == [[ord("▁"), ord("▇")]]


# -- plan ------------------------------------------------------------------------------------------------


def names(found: Plan) -> list[str]:
    return [row.name for row in found.rows if row.kind in ("gate", "signed")]


def test_rows_go_in_order_as_the_panel_gets_lower() -> None:
    everything = ["input", "forget", "output", "candidate", "cell", "hidden"]
    assert names(plan("lstm", 11)) == everything
    assert names(plan("lstm", 9)) == [n for n in everything if n != "hidden"]
    assert names(plan("lstm", 7)) == ["input", "forget", "output", "cell"]
    low = plan("lstm", 5)
    assert names(low) == ["input", "forget", "output", "cell"]
    assert low.text_in_title
    assert [row.height for row in low.rows] == [1, 1, 1, 1]


def test_a_high_panel_has_expectations_and_the_cell_update() -> None:
    high = plan("lstm", 23)
    assert [row.kind for row in high.rows].count("predicts") == 5
    assert [f"{row.sign} {row.label or row.name}" for row in high.rows if row.sign] == [
        "  kept", "+ written", "= cell", "→ hidden",
    ]  # fmt: skip
    assert high.height == 22


def test_other_cells_have_their_own_rows() -> None:
    assert names(plan("gru", 9)) == ["reset", "update", "candidate", "hidden"]
    assert names(plan("rnn", 9)) == ["hidden"]
    assert "factor" in names(plan("multiplicative", 30))


@pytest.mark.parametrize("cell", list(QUANTITIES))
def test_a_plan_fits_and_uses_more_room_where_there_is_more(cell: CellName) -> None:
    heights = [plan(cell, height).height for height in range(1, 61)]
    assert all(used <= height - 1 for height, used in enumerate(heights, start=1))
    assert all(heights[height - 1] >= 1 for height in range(2, 61))


# -- ledger ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", ["lstm", "gru", "peephole", "coupled", "multiplicative"])
def test_kept_and_written_follow_the_equations_and_add_up(cell: CellName) -> None:
    trace = trace_of("the ferry leaves at seven", cell)
    selection = Selection(trace, unit=1)
    everywhere = slice(0, len(trace))
    kept = cell_update.numbers(selection, "kept", everywhere)
    written = cell_update.numbers(selection, "written", everywhere)
    value = {name: trace[f"1/{name}"][:, 1].astype(float) for name in trace.quantities}
    state = value["hidden"] if cell == "gru" else value["cell"]
    before = np.concatenate(([0.0], state[:-1]))
    if cell == "gru":
        expected_kept, expected_written = value["update"] * before, (1 - value["update"]) * value["candidate"]
    else:
        expected_kept, expected_written = value["forget"] * before, value["input"] * value["candidate"]
    assert kept == pytest.approx(expected_kept, abs=1e-6)
    assert written == pytest.approx(expected_written, abs=1e-6)
    assert kept + written == pytest.approx(state)


@pytest.mark.parametrize("activation", ["tanh", "softsign"])
@pytest.mark.parametrize("cell", list(QUANTITIES))
def test_bars_of_unbounded_values_go_through_the_networks_activation(
    cell: CellName, activation: Activation
) -> None:
    trace = trace_of("the ferry", cell)
    shape = dataclasses.replace(trace.architecture, activation=activation)
    selection = Selection(dataclasses.replace(trace, architecture=shape), unit=1)
    raw = np.array([-30.0, -0.5, 0.0, 2.0])
    through = np.tanh(raw) if activation == "tanh" else raw / (1 + np.abs(raw))
    has_cell = "cell" in QUANTITIES[cell]
    for name in ("cell", "factor", *(("kept", "written") if has_cell else ())):
        np.testing.assert_allclose(cell_update.squashed(selection, name, raw), through)
    for name in ("hidden", "candidate", *(() if has_cell else ("kept", "written"))):
        np.testing.assert_array_equal(cell_update.squashed(selection, name, raw), raw)


# -- window ----------------------------------------------------------------------------------------------


def test_a_window_is_centered_and_full_at_the_ends() -> None:
    trace = trace_of("abcdefghijklmnopqrstuvwxyz", "rnn")
    assert "".join(window(trace, 13, 9).glyphs) == "jklmnopqr"
    assert "".join(window(trace, 1, 9).glyphs) == "abcdefghi"
    assert "".join(window(trace, 25, 9).glyphs) == "rstuvwxyz"
    assert window(trace, 25, 9).cursor == slice(8, 9)
    assert "".join(window(trace, 3, 99).glyphs) == trace.text


@given(st.integers(0, len(MIXED) - 1), st.integers(2, 60))
@settings(max_examples=80, deadline=None)
def test_every_character_has_its_cells(cursor: int, width: int) -> None:
    trace = trace_of(MIXED, "rnn")
    shown = window(trace, cursor, width)
    assert len(shown.indices) <= width
    assert sum(cell_len(glyph) for glyph in shown.glyphs) == len(shown.indices)
    assert [int(i) for i in dict.fromkeys(shown.indices)] == list(
        range(shown.first, shown.first + len(shown.glyphs))
    )
    assert set(shown.indices[shown.cursor].tolist()) == {cursor}
    for character, glyph in zip(trace.characters[shown.characters], shown.glyphs, strict=True):
        assert (shown.indices == shown.first).any()
        assert cell_len(glyph) == max(1, cell_len(character) if character.isprintable() else 1)


# -- the panel -------------------------------------------------------------------------------------------


async def test_values_at_the_cursor_stand_on_the_right(panel_app, trace: Trace) -> None:
    app = panel_app(Gates)
    async with app.run_test(size=(64, 11)):
        app.show(Selection(trace, cursor=100, unit=7))
        told = {line.split()[0]: line.split()[-1] for line in app.lines()[2:] if line.split()[:1] != []}
        for name in ("input", "forget", "output"):
            assert told[name] == f"{trace[f'1/{name}'][100, 7]:.2f}"
        for name in ("candidate", "cell", "hidden"):
            assert told[name] == f"{trace[f'1/{name}'][100, 7]:+.2f}".replace("-", "−")


async def test_the_cursor_is_inverse_and_its_column_runs_through_all_rows(panel_app, trace: Trace) -> None:
    app = panel_app(Gates)
    async with app.run_test(size=(64, 11)):
        app.show(Selection(trace, cursor=100, unit=7))
        inverse = [x for x, (_, style) in enumerate(app.cells(1)) if style == DARK.cursor]
        assert [app.cells(1)[x][0] for x in inverse] == [trace.text[100]]
        crosshair = DARK.color("crosshair")
        for y in range(2, 11):
            touched = [
                x for x, (_, style) in enumerate(app.cells(y)) if crosshair in (style.color, style.bgcolor)
            ]
            assert touched in (inverse, []), "a full cell hides the column, and nothing else has its color"
        assert sum(crosshair in (app.cells(y)[inverse[0]][1].bgcolor,) for y in range(2, 11)) >= 5


async def test_bars_are_the_gates_of_the_characters_above_them(panel_app, trace: Trace) -> None:
    app = panel_app(Gates)
    async with app.run_test(size=(64, 11)):
        app.show(Selection(trace, cursor=100, unit=7))
        shown = window(trace, 100, 64 - 4 - 16)
        drawn = app.line(3)[12 : 12 + 44]  # forget
        values = trace["1/forget"][shown.first : shown.first + 44, 7]
        assert drawn == "".join(" ▁▂▃▄▅▆▇"[min(7, max(1, round(7 * float(v))))] for v in values)


async def test_a_low_panel_has_its_text_in_the_title(panel_app, trace: Trace) -> None:
    app = panel_app(Gates)
    async with app.run_test(size=(78, 5)):
        app.show(Selection(trace, cursor=100, unit=7))
        assert app.line(0).startswith("  gates")
        shown = window(trace, 100, 78 - 4 - 16)
        assert app.line(0)[12:].rstrip() == "".join(shown.glyphs).rstrip()
        assert [line.split()[0] for line in app.lines()[1:]] == ["input", "forget", "output", "cell"]


async def test_expected_characters_are_the_five_likeliest_and_hits_are_bold(panel_app, trace: Trace) -> None:
    expected = [0.6, 0.1, 0.05, 0.04, 0.03]
    count = len(trace.symbols)
    likeliest = (int(trace.ids[101]) + np.arange(5)) % count
    log_probabilities = trace.log_probabilities.copy()
    log_probabilities[100] = np.log((1 - sum(expected)) / (count - 5))
    log_probabilities[100, likeliest] = np.log(expected)
    told = dataclasses.replace(trace, log_probabilities=log_probabilities)
    app = panel_app(Gates)
    async with app.run_test(size=(66, 23)):
        app.show(Selection(told, cursor=100, unit=7))
        x = next(x for x, (_, style) in enumerate(app.cells(2)) if style == DARK.cursor)
        best, second = app.cells(3)[x], app.cells(4)[x]
        assert best[0] == told.text[101]
        assert best[1].bold
        assert best[1].bgcolor == DARK.probability_colors[round(32 * 0.6**0.8)]
        assert second[0] == told.symbols[likeliest[1]].replace("\n", "↵")
        assert not second[1].bold
        assert [app.lines()[y].split()[-1] for y in range(3, 8)] == [f"{p:.2f}" for p in expected]


async def test_the_ledger_adds_up_to_the_eye(panel_app, trace: Trace) -> None:
    app = panel_app(Gates)
    async with app.run_test(size=(66, 23)):
        for cursor in (0, 50, 100):
            app.show(Selection(trace, cursor=cursor, unit=7))
            told = {}
            for line in app.lines():
                for name in ("kept", "written", "= cell"):
                    if name in line:
                        told[name] = float(line.split()[-1].replace("−", "-"))
            assert told["kept"] + told["written"] == pytest.approx(told["= cell"], abs=0.0151)


async def test_a_click_moves_the_cursor_or_chooses_the_quantity(panel_app, trace: Trace) -> None:
    app = panel_app(Gates)
    async with app.run_test(size=(64, 11)) as pilot:
        app.show(Selection(trace, cursor=100, unit=7))
        shown = window(trace, 100, 44)
        await pilot.click(Gates, offset=(12 + 5, 4))
        await pilot.click(Gates, offset=(3, 3))
        assert app.scope.selected == [{"cursor": shown.first + 5}, {"quantity": "forget"}]


async def test_the_colored_quantity_has_a_bold_name(panel_app, trace: Trace) -> None:
    app = panel_app(Gates)
    async with app.run_test(size=(64, 11)):
        app.show(Selection(trace, cursor=100, quantity="forget"))
        assert [y for y in range(2, 11) if app.cells(y)[2][1] == DARK.ink("strong", bold=True)] == [3]


@pytest.mark.parametrize("depth", ["truecolor", "256", "16", "none"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "multiplicative"])
async def test_every_line_fills_the_panel_at_any_size(panel_app, cell: CellName, depth: str) -> None:
    trace = trace_of(MIXED, cell)
    app = panel_app(Gates, depth=depth)
    async with app.run_test(size=(130, 50)) as pilot:
        for width, height in [(30, 4), (30, 50), (46, 8), (64, 11), (78, 5), (130, 4), (130, 50)]:
            app.panel.styles.width, app.panel.styles.height = width, height
            await pilot.pause()
            for cursor in (0, 2, 8, len(trace) - 1):
                app.show(Selection(trace, cursor=cursor, unit=2))
                assert [cell_len(app.line(y)) for y in range(height)] == [width] * height
                if depth == "none":
                    styles = [style for y in range(height) for _, style in app.cells(y)]
                    assert all(style.color is None and style.bgcolor is None for style in styles)


async def test_before_any_trace_it_waits(panel_app) -> None:
    app = panel_app(Gates)
    async with app.run_test(size=(64, 11)):
        assert "loading" in "".join(app.lines())
