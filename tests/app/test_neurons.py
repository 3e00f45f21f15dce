"""The neuron table: its labels at every width, its order, its filter, and the quantity that it selects."""

from __future__ import annotations

import pytest

from rnnscope.app.notes import NotesFile
from rnnscope.app.panels.neurons import NeuronTable
from rnnscope.app.ranking import Ranking
from rnnscope.selection import Selection
from rnnscope.tracing.trace import Trace
from tests.app.conftest import PanelApp
from tests.app.naming import LSTM, names


@pytest.mark.parametrize("width", [*range(4, 30, 3), 32, 40, 46, 50, 58])
async def test_the_table_is_drawn_however_narrow_it_is(
    trace: Trace, panel_app: type[PanelApp], width: int
) -> None:
    app = panel_app(lambda scope: NeuronTable(scope, NotesFile(None, scope.announce)))
    async with app.run_test(size=(width, 8)) as pilot:
        table = app.panel
        assert isinstance(table, NeuronTable)
        app.show(Selection(trace, unit=7))
        table.open(trace.architecture)
        table.set_names(names())
        await pilot.pause()
        lines = [table.render_line(y).text for y in range(8)]
        assert len({len(line) for line in lines}) == 1
        if width >= 32:
            assert any("1/7" in line and "quotes · cell −" in line and "0.96" in line for line in lines)
        if width >= 40:
            assert any("· output +" in line and "ρ 0.90" in line for line in lines)
        assert any("1/7" in line for line in lines) or width < 20


def test_the_best_of_each_feature_come_first_then_the_rest_by_index() -> None:
    ranking = Ranking(LSTM, "feature", names())
    assert ranking.order[:5] == ((1, 7), (1, 3), (1, 5), (1, 0), (1, 1))
    assert len(ranking.order) == LSTM.hidden_size
    by_score = Ranking(LSTM, "score", names())
    assert by_score.order[:3] == ((1, 5), (1, 7), (1, 3))


@pytest.mark.parametrize("wanted", ["quote", "QUOTES"])
def test_a_filter_for_a_feature_lists_all_that_score_for_it_ranked_on_the_selection_half(wanted: str) -> None:
    ranking = Ranking(LSTM, "index", names(), filter=wanted)
    assert ranking.order == ((1, 7), (1, 3), (1, 9))
    found = [ranking.labels[neuron] for neuron in ranking.order]
    assert [(each.name, each.scored) for each in found] == [
        ("quotes · cell −", "AUC 0.96"),
        ("quotes · hidden +", "AUC 0.91"),
        ("quotes · forget +", "AUC 0.70"),
    ]


def test_a_filter_for_several_features_shows_each_neuron_for_its_best() -> None:
    ranking = Ranking(LSTM, "feature", names(), filter="u")  # quotes and column
    assert {neuron: label.feature for neuron, label in ranking.labels.items()} == {
        (1, 7): "quotes",
        (1, 3): "column",
        (1, 9): "quotes",
    }


def test_other_filters_look_at_ids_and_at_the_labels_that_are_shown() -> None:
    assert Ranking(LSTM, "index", names(), filter="1/4").order == ((1, 4), *((1, u) for u in range(40, 48)))
    assert Ranking(LSTM, "index", names(), filter="no such").order == ()
