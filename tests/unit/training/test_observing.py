"""What is shown along the way, when, and that asking is answered at once."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
import torch

from rnnscope.network.architecture import Architecture
from rnnscope.network.model import CharRNN
from rnnscope.text.corpus import Corpus
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.tracing.record import record
from rnnscope.training import observing
from rnnscope.training.clock import Clock
from rnnscope.training.controls import ControlState
from rnnscope.training.events import Event, Resampled, Sampled, Traced, Warned
from rnnscope.training.observing import Observer, compared_temperatures, sample_symbols

VOCABULARY = Vocabulary.of("abc\n ")
TRAIN = VOCABULARY.encode("abc ab\n" * 50).astype(np.uint8)
HELD_OUT = VOCABULARY.encode("cab bac\n" * 250).astype(np.uint8)


class Time:
    """A time that passes when told."""

    def __init__(self) -> None:
        self.now = 0.0
        self.seconds_a_reading = 0.0

    def __call__(self) -> float:
        self.now += self.seconds_a_reading
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture(scope="module")
def model() -> CharRNN:
    architecture = Architecture(vocabulary_size=len(VOCABULARY), hidden_size=8)
    return CharRNN(architecture, VOCABULARY, generator=torch.Generator().manual_seed(0))


def observer_of(model: CharRNN, time: Time, **lengths: int) -> Observer:
    corpus = Corpus("t", "t", "", VOCABULARY, TRAIN, HELD_OUT, HELD_OUT[:0])
    return Observer(model, corpus, Clock(0.0, time), 1, **lengths)


@pytest.fixture
def observer(model: CharRNN, time: Time) -> Observer:
    return observer_of(model, time)


def kinds(events: Iterable[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_a_newcomer_sees_a_trace_and_a_sample_within_the_first_second(observer: Observer, time: Time) -> None:
    assert kinds(observer.look(ControlState(), 2)) == []
    time.now = 1.01
    assert kinds(observer.look(ControlState(), 40)) == ["Traced", "Sampled"]


def test_the_first_steps_are_traced_on_a_log_scale_and_later_ones_on_the_budget(observer: Observer) -> None:
    traced = [step for step in range(200) for _ in range(2) if kinds(observer.look(ControlState(), step))]
    assert traced == [1, 10, 30, 100]


def test_a_sample_comes_at_other_temperatures_where_they_are_compared(
    observer: Observer, model: CharRNN
) -> None:
    state = ControlState(compares_temperatures=True, prime="ca")
    sampled, resampled = observer.look(state, 7, only_asked=True)
    assert isinstance(sampled, Sampled)
    assert isinstance(resampled, Resampled)
    assert [event.temperature for event in (sampled, *resampled.samples)] == [0.8, 0.5, 1.2]
    for event in (sampled, *resampled.samples):
        written = sample_symbols(model, VOCABULARY.encode("ca"), temperature=event.temperature, seed=1)
        assert event.text == "".join(VOCABULARY.symbols[id_] for id_, _ in written)
        assert (event.prime, event.step) == ("ca", 7)
    assert kinds(observer.look(state, 8, only_asked=True)) == []
    (sampled,) = observer.look(ControlState(samples=1), 9, only_asked=True)
    assert isinstance(sampled, Sampled)
    assert compared_temperatures(0.2) == (0.0, 0.2, 0.6)
    assert compared_temperatures(0.0) == (0.0, 0.3, 0.7)


def test_the_passage_is_the_start_of_the_held_out_text_read_from_a_zero_state(
    observer: Observer, model: CharRNN, time: Time
) -> None:
    time.now = 0.8
    (traced,) = observer.look(ControlState(), 40)
    assert isinstance(traced, Traced)
    assert traced.trace.text == VOCABULARY.decode(HELD_OUT[: observing.PASSAGE_CHARACTERS])
    assert traced.trace.step == traced.step == 40
    expected = record(model, HELD_OUT[: observing.PASSAGE_CHARACTERS])
    np.testing.assert_array_equal(traced.trace["1/cell"], expected["1/cell"])


def test_a_text_shorter_than_a_passage_is_shown_whole(model: CharRNN, time: Time) -> None:
    held_out = VOCABULARY.encode("ab\ncab\n").astype(np.uint8)
    observer = Observer(
        model, Corpus("t", "t", "", VOCABULARY, TRAIN, held_out, held_out[:0]), Clock(0.0, time), 1
    )
    (traced,) = observer.look(ControlState(traces=1), 1)
    assert isinstance(traced, Traced)
    assert traced.trace.text == "ab\ncab\n"


def test_a_changed_passage_is_traced_at_once(observer: Observer) -> None:
    state = ControlState(passage="a cab")
    (traced,) = observer.look(state, 5)
    assert isinstance(traced, Traced)
    assert traced.trace.text == "a cab"
    assert kinds(observer.look(state, 6)) == []
    (traced,) = observer.look(ControlState(passage=None), 7)
    assert isinstance(traced, Traced)
    assert len(traced.trace) == observing.PASSAGE_CHARACTERS


def test_a_part_of_the_held_out_text_begins_with_a_line(model: CharRNN, time: Time) -> None:
    letters = np.random.default_rng(0).choice(list("abc "), size=(900, 9))
    text = "".join("".join(line) + "\n" for line in letters)
    held_out = VOCABULARY.encode(text).astype(np.uint8)
    corpus = Corpus("t", "t", "", VOCABULARY, TRAIN, held_out, held_out[:0])
    observer = Observer(model, corpus, Clock(0.0, time), 1)
    for step, at in enumerate((0.0, 0.25, 0.5, 1.0)):
        (traced,) = observer.look(ControlState(passage_at=at, traces=1), step)
        assert isinstance(traced, Traced)
        shown = traced.trace.text
        place = text.index(shown)
        assert place == 0 or text[place - 1] == "\n"
        wanted = at * (len(text) - observing.PASSAGE_CHARACTERS - observing._LINE_IS_NEAR)
        assert 0 <= place - wanted <= 10
        assert len(shown) >= observing.PASSAGE_CHARACTERS - 10
    typed = ControlState(passage="cab", passage_at=0.5, traces=1)
    assert kinds(observer.look(typed, 8)) == ["Traced"]
    assert kinds(observer.look(typed, 9)) == []


def test_a_passage_that_cannot_be_read_is_told_and_the_old_one_stays(observer: Observer) -> None:
    list(observer.look(ControlState(passage="cab"), 5))
    warned, traced = observer.look(ControlState(passage="cabx"), 6)
    assert isinstance(warned, Warned)
    assert warned.kind == "controls"
    assert "no x (U+0078)" in warned.message
    assert isinstance(traced, Traced)
    assert traced.trace.text == "cab"


def test_a_passage_that_is_too_long_is_cut_with_a_warning(model: CharRNN, time: Time) -> None:
    observer = observer_of(model, time, longest_passage=50)
    warned, traced = observer.look(ControlState(passage="cab " * 100), 6)
    assert isinstance(warned, Warned)
    assert isinstance(traced, Traced)
    assert len(traced.trace) == 50


@pytest.mark.parametrize("changes", [{"temperature": 1.2}, {"prime": "ab"}, {"samples": 1}])
def test_a_changed_wish_about_samples_is_served_at_once_and_once(
    observer: Observer, changes: dict[str, object]
) -> None:
    state = ControlState(**changes)  # type: ignore[arg-type]
    (sampled,) = observer.look(state, 5, only_asked=True)
    assert isinstance(sampled, Sampled)
    assert (sampled.temperature, sampled.prime) == (state.temperature, state.prime)
    assert kinds(observer.look(state, 6)) == []


def test_a_trace_can_be_asked_for_even_when_nobody_looks(observer: Observer) -> None:
    assert kinds(observer.look(ControlState(traces=1, observing=False), 5)) == ["Traced"]


def test_unwatched_there_are_no_traces_and_few_samples(observer: Observer, time: Time) -> None:
    unwatched = ControlState(observing=False)
    said: list[Event] = []
    for _ in range(1000):
        time.now += 0.1
        said += observer.look(unwatched, 1)
    assert kinds(said) == ["Sampled"] * 3


def test_standing_still_only_what_is_asked_for_is_done(observer: Observer, time: Time) -> None:
    time.now = 100.0
    assert kinds(observer.look(ControlState(), 1, only_asked=True)) == []


def test_a_sample_tells_the_probability_of_each_character_it_wrote(
    observer: Observer, model: CharRNN
) -> None:
    (sampled,) = observer.look(ControlState(prime="ca", temperature=0.5), 3)
    assert isinstance(sampled, Sampled)
    assert "".join(sampled.characters) == sampled.text
    ids = VOCABULARY.encode("ca" + sampled.text)
    with torch.no_grad():
        logits, _ = model.eval()(torch.from_numpy(ids).long()[:, None])
    expected = logits[1:-1, 0].softmax(-1)[torch.arange(len(sampled.text)), torch.from_numpy(ids[2:]).long()]
    np.testing.assert_allclose(sampled.probabilities, expected, atol=1e-5)


def test_a_slow_network_writes_a_shorter_sample(observer: Observer, time: Time) -> None:
    time.seconds_a_reading = 0.01
    (sampled,) = observer.look(ControlState(samples=1), 3)
    assert isinstance(sampled, Sampled)
    assert 80 <= len(sampled.text) < observing.SAMPLE_SYMBOLS


def test_looking_costs_a_small_share_of_the_time(observer: Observer, model: CharRNN, time: Time) -> None:
    spent = 0.0

    def take_time(_: object, hidden: tuple[torch.Tensor, ...], __: object) -> None:
        nonlocal spent
        if len(hidden[0]) == observing.PASSAGE_CHARACTERS:
            time.now += 0.05
            spent += 0.05

    with model.readout.register_forward_hook(take_time):
        for _ in range(2000):
            time.now += 0.02
            list(observer.look(ControlState(), 1))
    assert 0.01 < spent / time.now <= 0.015 + 0.05 / time.now


def test_looking_leaves_the_random_numbers_of_training_alone(observer: Observer) -> None:
    before = torch.get_rng_state()
    list(observer.look(ControlState(samples=1, traces=1), 9))
    assert torch.equal(torch.get_rng_state(), before)


def test_during_a_search_the_text_after_the_passage_is_traced_with_it(model: CharRNN, time: Time) -> None:
    observer = observer_of(model, time, passage_characters=100)
    searching = ControlState(searching=True, passage_at=0.1)
    (traced,) = observer.look(searching, 5, only_asked=True)
    assert isinstance(traced, Traced)
    assert traced.searched is not None
    assert len(traced.trace) == 100
    assert len(traced.searched) > 1000
    assert traced.searched.text in VOCABULARY.decode(HELD_OUT)
    assert traced.searched.text.startswith(traced.trace.text)
    expected = record(model, traced.trace.ids)
    for name in ("1/cell", "1/forget"):
        np.testing.assert_array_equal(traced.trace[name], expected[name])
    assert kinds(observer.look(searching, 6, only_asked=True)) == []
    (traced,) = observer.look(ControlState(searching=True, passage="a cab"), 7)
    assert isinstance(traced, Traced)
    assert traced.searched is not None
    assert traced.searched.text == traced.trace.text == "a cab"
    (traced,) = observer.look(ControlState(traces=1), 8)
    assert isinstance(traced, Traced)
    assert traced.searched is None


def test_every_sample_is_another_also_of_one_step_and_a_run_repeats_them(model: CharRNN, time: Time) -> None:
    corpus = Corpus("t", "t", "", VOCABULARY, TRAIN, HELD_OUT, HELD_OUT[:0])

    def texts() -> list[str]:
        observer = Observer(model, corpus, Clock(0.0, time), 1)
        looked = [observer.look(ControlState(samples=n), step) for n, step in enumerate((3, 3, 3, 4), 1)]
        return [event.text for said in looked for event in said if isinstance(event, Sampled)]

    first = texts()
    assert len(set(first)) == 4
    assert texts() == first


def test_naming_traces_the_start_of_the_held_out_text_once_for_each_request_within_its_share(
    observer: Observer, model: CharRNN, time: Time
) -> None:
    start = len("cab bac\n")  # the second line
    text = VOCABULARY.decode(HELD_OUT[start : start + observing.SEARCHED_CHARACTERS])
    time.seconds_a_reading = 0.01
    (traced,) = observer.look(ControlState(namings=1), 5, only_asked=True)
    assert isinstance(traced, Traced)
    assert traced.named is not None
    assert traced.named.text == text
    assert traced.named.step == 5
    assert traced.searched is None
    assert traced.trace.text == text[: observing.PASSAGE_CHARACTERS]
    assert kinds(observer.look(ControlState(namings=1), 6, only_asked=True)) == []
    assert kinds(observer.look(ControlState(namings=2), 7, only_asked=True)) == []  # too soon: later
    time.now += 10
    typed = ControlState(namings=2, passage="a cab")
    (traced,) = observer.look(typed, 8, only_asked=True)
    assert isinstance(traced, Traced)
    assert traced.trace.text == "a cab"
    assert traced.named is not None
    assert traced.named.text == text
    np.testing.assert_array_equal(traced.named["1/cell"], record(model, traced.named.ids)["1/cell"])
