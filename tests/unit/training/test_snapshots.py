"""The steps of a run that have a snapshot."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from rnnscope.errors import OptionError
from rnnscope.network.formats import read_header
from rnnscope.training.events import Saved, Started
from rnnscope.training.options import TrainOptions
from rnnscope.training.run import read_run
from rnnscope.training.snapshots import MOST, finest, is_due, most_within, superfluous
from tests.unit.training.tiny import of, options, run_training, same, weights


def kept_of(steps: int, budget: int | None, most: int = MOST) -> tuple[list[int], int]:
    """The snapshots left after a run, and the number that was written; the last step has one, too."""
    kept: set[int] = {0}
    written = 1
    for step in range(1, steps + 1):
        if is_due(step, None if budget is None else step / budget, most) or step == steps:
            kept.add(step)
            written += 1
            kept -= superfluous(kept, step, most)
    return sorted(kept), written


@pytest.mark.parametrize("steps", [1_000, 2_500, 9_999, 20_000])
@pytest.mark.parametrize("knows_its_end", [True, False])
def test_a_run_has_about_a_hundred_snapshots_log_spaced_at_first_then_linear(
    steps: int, knows_its_end: bool
) -> None:
    kept, written = kept_of(steps, steps if knows_its_end else None)
    stride = finest(steps, MOST - 1).stride
    if knows_its_end or steps > 2_500:
        assert 70 <= len(kept) <= MOST
    assert written == len(kept) if knows_its_end else written < 300
    assert kept[:13] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16]
    gaps = [later - earlier for earlier, later in pairwise(kept[:-1])]  # the last step is on no grid
    linear = [gap for gap, later in zip(gaps, kept[1:], strict=False) if later > 4 * max(gaps)]
    assert set(linear) == {max(gaps)}, "thinned evenly"
    assert stride / 2 <= max(gaps) <= 2 * stride
    for gap, later in zip(gaps, kept[1:], strict=False):
        assert gap <= max(1, later / 4), "four or more in an octave"


@pytest.mark.parametrize("most", [1, 2, 3, 8, 20, 50])
def test_a_limit_is_kept_at_every_step(most: int) -> None:
    kept: set[int] = set()
    for step in range(3_000):
        if is_due(step, None, most):
            kept.add(step)
            kept -= superfluous(kept, step, most)
            assert len(kept) <= most
            assert step in kept
    if most >= 8:
        gaps = [later - earlier for earlier, later in pairwise(sorted(kept))]
        assert most / 2.5 <= len(kept)
        assert max(gaps) <= 3_000 / most * 2.5


def test_snapshots_of_an_older_schedule_are_thinned_to_a_grid_when_they_are_too_many() -> None:
    old = {round(64 * 2 ** (k / 3)) for k in range(26)}
    assert superfluous(old, 20_643, MOST) == set()
    assert superfluous(old, 10_000, MOST) == {step for step in old if step > 10_000}
    left = old - superfluous(old, 20_643, 10)
    assert 2 <= len(left) <= 10
    assert 20_643 in left


def test_sizes() -> None:
    assert most_within(100e6, 700_000) == MOST
    assert most_within(100e6, 10_000_000) == 10
    assert most_within(100e6, 200_000_000) == 0
    assert not any(is_due(step, None, 0) for step in range(20))


def test_a_trained_run_has_its_first_and_last_weights_and_those_between(tmp_path: Path) -> None:
    said = run_training(options(tmp_path, steps=60))
    snapshots = read_run(tmp_path / "run").snapshots
    steps = [step for step, _ in snapshots]
    assert steps == [*range(8), *range(8, 16, 2), *range(16, 32, 4), *range(32, 57, 8), 60]
    assert [event.step for event in of(Saved, said) if event.kind == "snapshot"] == steps
    assert [read_header(path).training["step"] for _, path in snapshots] == steps
    assert same(
        weights(tmp_path / "run" / "snapshots", "60"),
        {name: tensor.half().float() for name, tensor in weights(tmp_path / "run").items()},
    )


def test_a_resumed_run_goes_on_with_its_snapshots_and_its_weights_do_not_depend_on_them(
    tmp_path: Path,
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for directory in (whole, parts):
        directory.mkdir()
    run_training(options(whole, steps=60, snapshot_megabytes=0))
    assert read_run(whole / "run").snapshots == ()
    run_training(options(parts, steps=30, warmup_steps=5, schedule="constant"))
    run_training(options(whole, steps=60, run=str(whole / "constant"), schedule="constant"))
    run_training(TrainOptions(resume=str(parts / "run"), steps=60, device="cpu", threads=1))
    assert same(weights(parts / "run"), weights(whole / "constant"))
    steps = [step for step, _ in read_run(parts / "run").snapshots]
    assert steps == [*range(8), *range(8, 16, 2), *range(16, 29, 4), 30, 32, 40, 48, 56, 60]


def test_a_model_that_is_too_large_for_a_snapshot_is_said_at_the_start(tmp_path: Path) -> None:
    said = run_training(options(tmp_path, steps=2, snapshot_megabytes=0.001))
    assert "more than --snapshot-megabytes" in of(Started, said)[0].notes[-1]
    assert not (tmp_path / "run" / "snapshots").exists()
    with pytest.raises(OptionError, match="--snapshot-megabytes is -1"):
        TrainOptions(text="a", snapshot_megabytes=-1.0)
