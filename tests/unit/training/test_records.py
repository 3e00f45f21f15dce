"""Events survive the way to a line of JSON and back."""

from __future__ import annotations

import json
import math
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnscope.network.architecture import Architecture
from rnnscope.tracing.trace import Trace
from rnnscope.training.events import (
    Compared,
    Evaluated,
    Event,
    Finished,
    Paused,
    Progress,
    Sampled,
    Saved,
    Started,
    Traced,
    Warned,
)
from rnnscope.training.records import from_json, merged, thinned, to_json, to_line

STARTED = Started(
    0,
    0.0,
    run="runs/input",
    corpus="input.txt",
    architecture=Architecture(cell="gru", vocabulary_size=4, hidden_size=8, layers=2),
    symbols=("\n", "a", "\x9b", "🙂"),
    parameters=1234,
    device="cpu",
    precision="float32",
    train_characters=900,
    held_out_characters=100,
    characters_per_step=64,
    unknown_characters=3,
    resumed=True,
    notes=("bfloat16 is 1.9 times faster",),
)
SAMPLED = Sampled(
    7, 1.5, text="né\x1b[2J", probabilities=np.linspace(0, 1, 6, dtype=np.float32), temperature=0.8, prime="n"
)


def _progress(first: int, count: int, **changes: object) -> Progress:
    steps = np.arange(first, first + count)
    values: dict[str, object] = {
        "steps": steps,
        "losses_nats": 1.0 + 1.0 / steps,
        "gradient_norms": 0.5 + steps / 1000,
        "learning_rate": 0.004,
        "characters_per_second": 90112.25,
        "epoch": 1.25,
        "update_ratio_log10": -3.1,
        "fraction": 0.5,
        "remaining_seconds": 60.0,
        "memory_bytes": 1 << 30,
        "phase": "stable",
    }
    return Progress(first + count - 1, steps[-1] / 50, **(values | changes))  # type: ignore[arg-type]


KEPT: list[Event] = [
    STARTED,
    _progress(1, 5),
    _progress(1, 5, update_ratio_log10=None, fraction=None, remaining_seconds=None),
    Evaluated(10, 2.0, held_out_nats=1.5, characters=100, is_best=True, whole=False),
    SAMPLED,
    Sampled(7, 1.5, "né", np.ones(3, np.float32), 0.0, characters=("n", "Ã", "©")),
    Saved(10, 2.0, path="runs/input/best.safetensors", kind="best"),
    Warned(10, 2.0, "the disk is full", "disk"),
    Finished(20, 3.0, "finish", held_out_nats=1.25, path="x", notes=("a", "b")),
    Finished(20, 3.0, "stopped"),
]


def _same(left: Event, right: Event) -> None:
    assert type(left) is type(right)
    for field in fields(left):
        ours, theirs = getattr(left, field.name), getattr(right, field.name)
        if isinstance(ours, np.ndarray):
            assert ours.dtype == theirs.dtype
            np.testing.assert_allclose(theirs, ours, rtol=6e-3 if field.name == "probabilities" else 6e-4)
        elif field.name == "characters":
            assert theirs == (ours or tuple(getattr(left, "text")))  # noqa: B009
        else:
            assert theirs == ours, field.name


@pytest.mark.parametrize("event", KEPT, ids=lambda event: type(event).__name__)
def test_an_event_comes_back_as_it_was(event: Event) -> None:
    record = to_json(event)
    assert record is not None
    back = from_json(json.loads(to_line(record)))
    assert back is not None
    _same(event, back)


@pytest.mark.parametrize("event", KEPT, ids=lambda event: type(event).__name__)
def test_a_record_begins_with_event_step_and_time(event: Event) -> None:
    record = to_json(event)
    assert record is not None
    assert list(record)[:3] == ["event", "step", "elapsed_seconds"]
    assert record["event"] == type(event).__name__.lower()


def test_records_have_the_keys_of_the_contract() -> None:
    expected = {
        "progress": {"loss_nats", "gradient_norm", "learning_rate", "characters_per_second"},
        "evaluated": {"held_out_nats"},
        "sampled": {"text", "temperature"},
        "saved": {"path"},
        "finished": {"reason"},
    }
    for event in KEPT:
        record = to_json(event)
        assert record is not None
        assert expected.get(record["event"], set()) <= set(record)


def test_progress_tells_means_beside_each_step() -> None:
    event = _progress(1, 40)
    record = to_json(event)
    assert record is not None
    assert record["loss_nats"] == pytest.approx(sum(event.losses_nats) / 40, rel=1e-6)
    assert record["gradient_norm"] == pytest.approx(sum(event.gradient_norms) / 40, rel=1e-6)
    assert record["steps"] == list(range(1, 41))


def test_traces_baselines_and_pauses_are_not_kept() -> None:
    trace = Trace(Architecture(), ("a",), np.zeros(1, np.int32), np.zeros((1, 1), np.float32), {})
    for event in (Traced(1, 0.1, trace), Compared(1, 0.1, {"uniform": 4.2}), Paused(1, 0.1, True)):
        assert to_json(event) is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_null_and_comes_back_as_nan(value: float) -> None:
    event = _progress(1, 3, losses_nats=np.array([1.0, value, 2.0]), learning_rate=value)
    record = to_json(event)
    assert record is not None
    line = json.loads(to_line(record), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert line["losses_nats"] == [1.0, None, 2.0]
    assert line["loss_nats"] is None
    back = from_json(line)
    assert isinstance(back, Progress)
    assert np.isnan(back.losses_nats).tolist() == [False, True, False]
    assert math.isnan(back.learning_rate)


def test_a_line_is_one_line_of_ascii_whatever_the_text() -> None:
    record = to_json(Sampled(1, 0.1, "\n\r\u2028\x1b]0;x\x07\x9b🙂", np.ones(1, np.float32), 1.0))
    assert record is not None
    line = to_line(record)
    assert line.count(b"\n") == 1
    assert all(0x20 <= byte < 0x7F for byte in line[:-1])


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_at_all_comes_back(text: str) -> None:
    record = to_json(Sampled(1, 0.1, text, np.ones(len(text), np.float32), 1.0))
    assert record is not None
    back = from_json(json.loads(to_line(record)))
    assert isinstance(back, Sampled)
    assert back.text == text
    assert back.characters == tuple(text)


def test_an_event_of_a_later_version_is_passed_over() -> None:
    assert from_json({"event": "dreamt", "step": 1, "elapsed_seconds": 0.5}) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"step": "1"},
        {"step": True},
        {"step": None},
        {"elapsed_seconds": []},
        {"losses_nats": 1.0},
        {"losses_nats": ["a"]},
        {"losses_nats": [[1.0], [1.0]]},
        {"losses_nats": [1.0]},
        {"steps": [1, None]},
        {"steps": [1, 1 << 80]},
        {"phase": "dreaming"},
        {"epoch": {}},
        {"fraction": "half"},
    ],
)
def test_a_malformed_record_is_refused(changes: dict[str, object]) -> None:
    record = to_json(_progress(1, 2))
    assert record is not None
    with pytest.raises(ValueError, match=r" is | are not |differ in length"):
        from_json(record | changes)


BAD_VALUES: list[object] = [
    None, True, -1, 2.5, 1e308, -1e308, 1 << 60, "x", "", [], [1], ["a", "b"], [[1]], {}, {"cell": "gru"},
]  # fmt: skip


@pytest.mark.parametrize("event", KEPT, ids=lambda event: type(event).__name__)
def test_every_field_of_every_record_is_checked(event: Event) -> None:
    """Whatever stands in a field: the record is refused, or is an event whose numbers can be drawn."""
    record = to_json(event)
    assert record is not None
    for name in record:
        for value in BAD_VALUES:
            try:
                back = from_json(record | {name: value})
            except ValueError:
                continue
            if back is not None:
                assert 0 <= back.elapsed_seconds <= 1e10
                assert 0 <= back.step <= 2**53
            if isinstance(back, Sampled):
                assert len(back.probabilities) == len(back.characters)


@pytest.mark.parametrize("seconds", [None, 1e11, -1.0])
def test_a_time_that_no_run_reaches_is_refused(seconds: object) -> None:
    record = to_json(_progress(1, 2))
    assert record is not None
    with pytest.raises(ValueError, match="elapsed_seconds"):
        from_json(record | {"elapsed_seconds": seconds})


@pytest.mark.parametrize("name", ["step", "losses_nats", "epoch"])
def test_a_record_without_a_field_is_refused(name: str) -> None:
    record = to_json(_progress(1, 2))
    assert record is not None
    del record[name]
    with pytest.raises(ValueError, match=name):
        from_json(record)


@pytest.mark.parametrize(
    "architecture",
    [
        None,
        [],
        {"cell": "transformer"},
        {"cell": ["lstm"]},
        {"cell": "lstm", "layers": "2"},
        {"activation": "relu", "cell": "lstm"},
    ],
)
def test_an_architecture_that_cannot_be_is_refused(architecture: object) -> None:
    record = to_json(STARTED)
    assert record is not None
    with pytest.raises(ValueError, match="architecture"):
        from_json(record | {"architecture": architecture})


@pytest.mark.parametrize("record", [None, 1, "started", [], {}, {"event": ["started"]}])
def test_what_is_no_record_never_becomes_an_event(record: object) -> None:
    if isinstance(record, dict):
        assert from_json(record) is None
    else:
        with pytest.raises(ValueError, match="object"):
            from_json(record)


def test_merging_keeps_every_step_and_the_latest_of_the_rest() -> None:
    first = _progress(1, 4)
    second = _progress(5, 3, learning_rate=0.001, update_ratio_log10=None, phase="annealing")
    both = merged([first, second])
    assert both.step == 7
    assert both.elapsed_seconds == second.elapsed_seconds
    assert both.steps.tolist() == [1, 2, 3, 4, 5, 6, 7]
    np.testing.assert_array_equal(both.losses_nats, np.append(first.losses_nats, second.losses_nats))
    np.testing.assert_array_equal(both.gradient_norms, np.append(first.gradient_norms, second.gradient_norms))
    assert (both.learning_rate, both.phase) == (0.001, "annealing")
    assert both.update_ratio_log10 == -3.1, "the last that was measured"


@pytest.mark.parametrize("group", [1, 2, 3, 10, 11])
def test_thinning_tells_means_of_consecutive_steps(group: int) -> None:
    event = _progress(101, 10)
    thin = thinned(event, group)
    expected = [event.losses_nats[start : start + group].mean() for start in range(0, 10, group)]
    np.testing.assert_allclose(thin.losses_nats, expected, rtol=1e-12)
    ends = [event.steps[start : start + group][-1] for start in range(0, 10, group)]
    assert thin.steps.tolist() == ends
    assert thin.steps[-1] == event.step
    assert len(thin.gradient_norms) == len(thin.steps)
