"""The neuron table at widths that leave its names little room, or none."""

from __future__ import annotations

import pytest

from rnnscope.app.notes import NotesFile
from rnnscope.app.panels.neurons import NeuronTable
from rnnscope.app.ranking import Label
from rnnscope.selection import Selection
from rnnscope.tracing.trace import Trace
from tests.app.conftest import PanelApp


@pytest.mark.parametrize("width", range(4, 60, 2))
async def test_the_table_is_drawn_however_narrow_it_is(
    trace: Trace, panel_app: type[PanelApp], width: int
) -> None:
    labels = {
        (1, 0): Label("quotes", 0.9, "AUC", is_negative=True),
        (1, 1): Label("column", 0.4, "ρ"),
    }
    app = panel_app(lambda scope: NeuronTable(scope, NotesFile(None, scope.announce)))
    async with app.run_test(size=(width, 8)) as pilot:
        table = app.panel
        assert isinstance(table, NeuronTable)
        app.show(Selection(trace, unit=0))
        table.open(trace.architecture)
        table.set_labels(labels)
        await pilot.pause()
        lines = [table.render_line(y).text for y in range(8)]
        assert len({len(line) for line in lines}) == 1
        if width >= 50:
            assert any("¬quotes" in line and "0.90" in line for line in lines)
        assert any("1/0" in line for line in lines) or width < 20
