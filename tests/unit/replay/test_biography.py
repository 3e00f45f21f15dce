"""The score of a unit at every snapshot, and where to go in a replay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from rnnscope.analysis.find import Find
from rnnscope.errors import OptionError
from rnnscope.replay.biography import Biographies, births, coarse_to_fine, score_at
from rnnscope.replay.curves import Curves
from rnnscope.replay.film import Film, Settings
from rnnscope.replay.moment import first_passed, step_of
from tests.scripted_run import STEPS, TEXT, ScriptedRun, activations, write_run


@pytest.mark.parametrize("query", [Find(feature="quotes"), Find(feature="column"), Find(pattern="rang|she")])
def test_a_biography_has_the_scores_of_a_search_at_every_snapshot(run: ScriptedRun, query: Find) -> None:
    film, settings = Film(run.directory, str(run.text)), Settings()
    lives = Biographies.begun(query, settings)
    for step in lives.missing((0, 16, 64)):
        lives = lives.with_score(step, score_at(film, step, lives.query, settings))
    assert lives.missing((0, 16, 64)) == ()
    searched = Find(query.feature, query.pattern, characters=lives.query.characters, limit=60)
    for number, step in enumerate((0, 16, 64)):
        found = film.session(step).ask(searched)
        assert len(found.results) == 60
        for each in found.results:
            life = lives.of(each.layer, each.unit, each.quantity)
            assert [score.step for score in life] == [0, 16, 64]
            assert life[number].value == pytest.approx(each.held_out, abs=1e-6)
            assert life[number].null == found.null


def test_a_score_is_that_of_a_float64_loop(run: ScriptedRun) -> None:
    film = Film(run.directory, str(run.text))
    inside = np.zeros(len(TEXT), bool)
    is_on = False
    for position, character in enumerate(TEXT):
        is_on ^= character == '"'
        inside[position] = is_on or character == '"'
    query = Find(pattern='"[^"]*"', characters=len(TEXT))
    score = score_at(film, 64, query, Settings())
    values = activations(run.snapshot(64), TEXT)[0]
    block = np.arange(len(TEXT)) // -(-len(TEXT) // 16)
    selection, held_out = block % 2 == 0, block % 2 == 1
    for quantity in ("hidden", "cell", "input"):
        for unit in range(10):
            at = values[quantity][:, unit]
            sign = 1 if roc_auc_score(inside[selection], at[selection]) >= 0.5 else -1
            expected = roc_auc_score(inside[held_out], sign * at[held_out])
            assert score.of(1, unit, quantity) == pytest.approx(expected, abs=1e-4)


def test_the_births_of_a_unit_are_the_steps_at_which_its_score_rises_to_a_value() -> None:
    life = [(0, 0.5), (8, 0.93), (16, 0.89), (24, 0.9), (32, 0.97)]
    assert births(life) == [8, 24]
    assert births(life, 0.95) == [32]
    assert births(life[:1]) == []


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 64, 101])
def test_snapshots_are_computed_from_coarse_to_fine(count: int) -> None:
    steps = list(range(0, 10 * count, 10))
    order = coarse_to_fine(steps)
    assert sorted(order) == steps
    if count > 4:
        assert order[:2] == [steps[-1], 0]
        assert abs(order[2] - steps[-1] / 2) <= steps[-1] / 4


def test_a_place_is_a_step_a_share_or_a_condition() -> None:
    losses, scores = [(10, 3.0), (20, 1.4), (40, 1.2)], [(0, 0.5), (24, 0.91), (32, 0.95)]

    def go(answer: str, **changes: list[tuple[int, float]]) -> int:
        return step_of(answer, (0, 8, 16, 24, 32), **{"losses": losses, "scores": scores, **changes})

    assert [go("16"), go("17"), go(" 1,000 "), go("0"), go("20")] == [16, 16, 32, 0, 16]
    assert [go("0%"), go("50%"), go("100 %")] == [0, 16, 32]
    assert go("loss<1.5") == 24, "the first snapshot from step 20 on"
    assert go("LOSS <= 1.3") == 32, "no snapshot is so late: the last"
    assert go("score>0.9") == 24
    assert go("score > .95") == 32
    for answer, reason in (
        ("loss<1", "never falls below 1"),
        ("score>0.99", "never reaches 0.99"),
        ("120%", "0% to 100%"),
        ("loss<x", "a step such as"),
        ("later", "a step such as"),
        ("", "a step such as"),
    ):
        with pytest.raises(OptionError, match=reason):
            go(answer)
    with pytest.raises(OptionError, match="no validation loss"):
        go("loss<1", losses=[])
    with pytest.raises(OptionError, match="press / to find"):
        go("score>0.5", scores=[])
    assert first_passed(losses, 1.4, below=True) == 40


def test_curves_are_read_from_the_log_and_again_where_it_grows(run: ScriptedRun, tmp_path: Path) -> None:
    curves = Curves(run.directory)
    events = curves.read()
    assert [(each.step, each.held_out_nats) for each in events if hasattr(each, "held_out_nats")] == list(
        run.losses
    )
    steps = [step for each in events if hasattr(each, "losses_nats") for step in each.steps.tolist()]
    assert steps == list(range(1, 65))
    assert curves.read() == []
    bare = write_run(tmp_path, has_log=False)
    growing = Curves(bare.directory)
    assert growing.read() == []
    (bare.directory / "events.jsonl").write_bytes((run.directory / "events.jsonl").read_bytes())
    (bare.directory / "baselines.json").write_text('{"uniform": 3.2}')
    assert len(growing.read()) == len(events) + 1
    assert STEPS[-1] == 64
