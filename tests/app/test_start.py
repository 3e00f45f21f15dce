"""The inspect screen opens prepared: as options say, else as it was left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rnnscope.analysis.ablation import Ablate
from rnnscope.analysis.contexts import Contexts
from rnnscope.analysis.find import Find, FindResult, FoundNeuron, Probe
from rnnscope.analysis.query import Query
from rnnscope.app.start import Start, check_neuron, check_search, last_start, remember_start
from rnnscope.errors import OptionError
from rnnscope.network.architecture import Architecture
from rnnscope.progress import Progress
from tests.app.conftest import PASSAGE
from tests.app.looking import FakeSession, seen, settled, shown, text_of

TEXT = PASSAGE * 20


def found(session: FakeSession, query: Query[Any], progress: Progress) -> FindResult:
    assert isinstance(query, Find)
    best = FoundNeuron(1, 7, "cell", "auc", 0.95, 0.9, 1, None, 0.01)
    return FindResult(query.feature or "x", 100, 10, (best,), 0.6, Probe(0.95, 3), "single neuron", True, 100)


def session() -> FakeSession:
    return FakeSession(TEXT, {Find: found})


async def test_each_option_opens_its_part() -> None:
    for start, expected in (
        (Start(neuron=(1, 5)), ("1/5", "cell")),
        (Start(neuron=(1, 5), quantity="forget"), ("1/5", "forget")),
        (Start(search="quotes"), ("1/7", "cell")),
        (Start(search="quotes", neuron=(1, 5), quantity="input"), ("1/5", "input")),
    ):
        async with shown(session(), start=start) as (_, screen):
            assert (seen(screen).neuron, seen(screen).quantity) == expected
            assert ("by quotes" in text_of(screen)) == bool(start.search)
    for position in (0, 5_018, len(TEXT) - 1):
        async with shown(session(), start=Start(position=position, search="quotes")) as (_, screen):
            assert seen(screen).position == position, "the search leaves the place alone"
            assert seen(screen).neuron == "1/7"


@pytest.mark.parametrize(
    ("view", "panel"), [("ablate", "ablation"), ("contexts", "contexts"), ("next", "next")]
)
async def test_a_view_is_shown_with_its_result_of_the_neuron(view: Any, panel: str) -> None:
    asked = session()
    async with shown(asked, start=Start(view=view, search="quotes", position=30)) as (_, screen):
        assert panel in screen.stage.arrangement
        assert screen.focused is screen.passage, "the arrows move the cursor"
        queries = asked.asked_of(Ablate) + asked.asked_of(Contexts)
        if view == "ablate":
            assert [query.units for query in queries if isinstance(query, Ablate)] == [("1/7",)]
        elif view == "contexts":
            assert {(q.layer, q.unit) for q in queries if isinstance(q, Contexts)} == {(1, 7)}


async def test_present_mode_is_a_view() -> None:
    async with shown(start=Start(view="present")) as (_, screen):
        assert {child.id for child in screen.stage.children if child.display} == {"passage", "gates"}


async def test_the_screen_opens_as_it_was_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNSCOPE_STATE", str(tmp_path / "state.json"))
    async with shown(session(), remembers=True) as (pilot, screen):
        await pilot.press("q")
    assert not (tmp_path / "state.json").exists(), "nothing was chosen"
    async with shown(session(), remembers=True) as (pilot, screen):
        await pilot.press("slash", *"quotes", "enter")
        await settled(pilot)
        screen.scope.select_neuron(1, 9, quantity="forget")
        screen.scope.go_to(5_018)
        screen.stage.show_panel("contexts")
        await settled(pilot)
        await pilot.press("e", *"xy", "enter")  # another text
        await settled(pilot)
        await pilot.press("q")
        await pilot.pause()
    left = Start((1, 9), "forget", 5_018, "contexts", "quotes")
    assert last_start(session()) == left  # type: ignore[arg-type]
    async with shown(session(), remembers=True) as (_, screen):
        assert (seen(screen).neuron, seen(screen).quantity) == ("1/9", "forget")
        assert seen(screen).position == 5_018
        assert "contexts" in screen.stage.arrangement
        assert "by quotes" in text_of(screen)
        assert "as you left it: 1/9, position 5,018; --fresh begins anew" in text_of(screen)
    async with shown(session(), remembers=True, start=Start(neuron=(1, 3))) as (_, screen):
        assert (seen(screen).neuron, seen(screen).quantity) == ("1/3", "cell"), "what is typed wins"
        assert seen(screen).position == 5_018
    async with shown(session(), remembers=True, is_fresh=True) as (_, screen):
        assert seen(screen).position < 200
        assert "as you left it" not in text_of(screen)
    async with shown(FakeSession(PASSAGE), remembers=True) as (_, screen):
        assert "as you left it" not in text_of(screen), "it belongs to a text"
    (tmp_path / "state.json").write_text('{"inspect": 3}')
    async with shown(session(), remembers=True) as (_, screen):
        assert "as you left it" not in text_of(screen)


def test_what_is_open_is_completed_by_the_last_start() -> None:
    last = Start((1, 9), "forget", 70, "contexts", "quotes")
    assert Start().completed(last) == last
    assert Start(quantity="cell").completed(last) == Start((1, 9), "cell", 70, "contexts", "quotes")
    assert Start(neuron=(1, 2)).completed(last) == Start((1, 2), None, 70, "contexts", "quotes")
    assert Start(search="digit").completed(last) == Start(None, None, None, "contexts", "digit")
    assert Start(position=3, view="next").completed(last) == Start((1, 9), "forget", 3, "next", "quotes")
    gru = Architecture("gru", hidden_size=4)
    assert Start((1, 9), "update", 7).fitting(gru) == Start(None, None, 7)
    assert Start((1, 3), "update", 7).fitting(gru) == Start((1, 3), "update", 7)


def test_starts_of_the_oldest_texts_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNSCOPE_STATE", str(tmp_path / "state.json"))
    sessions: list[Any] = [FakeSession(f"text {number}") for number in range(102)]
    for number, each in enumerate(sessions):
        remember_start(each, Start(position=number))
    assert last_start(sessions[1]) == Start()
    assert last_start(sessions[2]) == Start(position=2)
    assert last_start(sessions[101]) == Start(position=101)


@pytest.mark.parametrize("search", ["quots", "colum", "[a-", "indnt"])
def test_a_mistyped_search_is_refused(search: str) -> None:
    with pytest.raises(OptionError):
        check_search(search)


@pytest.mark.parametrize("search", ["quotes", "Quote", "[A-Z]{3,}", "(quots)", "before:the", "ferryman"])
def test_features_and_expressions_are_searches(search: str) -> None:
    check_search(search)


def test_a_neuron_and_a_quantity_must_exist() -> None:
    check_neuron((2, 3), "factor", Architecture("multiplicative", hidden_size=4, layers=2))
    with pytest.raises(OptionError, match="there is no neuron 1/4; they are 1/0 to 2/3"):
        check_neuron((1, 4), None, Architecture("lstm", hidden_size=4, layers=2))
    with pytest.raises(OptionError, match="there is no quantity forgt; did you mean forget"):
        check_neuron(None, "forgt", Architecture("lstm"))
    with pytest.raises(OptionError, match="there is no quantity cell; the gru has reset, update"):
        check_neuron(None, "cell", Architecture("gru"))
