"""Samples and traces during training: generated text, and the activations on the passage.

Both read the weights and touch nothing that training depends on. Each is throttled by its cost; a request is
served at once. During a neuron search the text after the passage is traced with it, because scores over a
thousand characters are hardly better than chance; to name neurons, the beginning of the held-out text is.

All samples of a run have the same seed, so that they differ by what the network has learned; a request
uses another seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from rnnscope.errors import TextError
from rnnscope.network.model import CharRNN
from rnnscope.network.sampling import Sampler
from rnnscope.text.corpus import Corpus
from rnnscope.tracing.record import record
from rnnscope.tracing.trace import Trace
from rnnscope.training.clock import Clock, Throttle
from rnnscope.training.controls import ControlState
from rnnscope.training.events import Event, Resampled, Sampled, Traced, Warned

PASSAGE_CHARACTERS = 1500
SEARCHED_CHARACTERS = 4000
"""Characters of the held-out text traced for a search: the passage, and the text after it."""
FIRST_TRACES = (1, 10, 30, 100)
"""Steps whose trace is due; most changes within them."""
LONGEST_PASSAGE = 20_000
SAMPLE_SYMBOLS = 320
UNWATCHED_SAMPLE_SECONDS = 30.0
_SEARCHED_BYTES = 64 << 20
"""The maximum size of such a trace."""

_LINE_IS_NEAR = 200
"""Characters within which the start of a passage is moved to the beginning of a line."""
_SAMPLE_READ_SECONDS = 2.0
"""The shortest time between two samples, to read them."""
_SHORTEST_SAMPLE = 80
_SAMPLE_SECONDS = 0.15
"""A large network samples fewer symbols, so that training is not delayed."""
_ANOTHER_SAMPLE = 1_000_003
"""The difference between the seeds of two requested samples."""

Ids = NDArray[np.int64]


def sample_seed(seed: int, request: int) -> int:
    """The seed of a sample. seed: that of the run. request: how many other samples the user asked for."""
    return seed + _ANOTHER_SAMPLE * request


def compared_temperatures(temperature: float) -> tuple[float, float, float]:
    """A lower temperature, this one, and a higher one, such as 0.5, 0.8, 1.2; of 0 the two above it."""
    if temperature <= 0:
        return 0.0, 0.3, 0.7
    return max(0.0, round(temperature - 0.3, 2)), temperature, round(temperature + 0.4, 2)


def sample_symbols(
    model: CharRNN,
    prime: Ids,
    *,
    temperature: float,
    seed: int,
    is_late: Callable[[], bool] = lambda: False,
) -> list[tuple[int, float]]:
    """The ids of `SAMPLE_SYMBOLS` sampled symbols, each with its probability before temperature.

    prime: (n,) the ids that the model reads first. is_late: asked after each symbol; if True, the sample ends
    after a few lines. Raises RnnscopeError where the weights have diverged.
    """
    sampler = Sampler(model)
    sampler.feed(prime)
    written: list[tuple[int, float]] = []
    for symbol in sampler.stream(SAMPLE_SYMBOLS, temperature=temperature, seed=seed):
        written.append(symbol)
        if len(written) >= _SHORTEST_SAMPLE and is_late():
            break
    return written


def sampled(
    model: CharRNN,
    written: Sequence[tuple[int, float]],
    temperature: float,
    prime: str,
    step: int,
    elapsed_seconds: float,
) -> Sampled:
    """The event of a sample."""
    characters = tuple(model.vocabulary.symbols[id_] for id_, _ in written)
    probabilities = np.array([probability for _, probability in written], np.float32)
    return Sampled(step, elapsed_seconds, "".join(characters), probabilities, temperature, prime, characters)


class Observer:
    """Samples and traces when they are due, and at the next step where the control state has changed."""

    def __init__(
        self,
        model: CharRNN,
        corpus: Corpus,
        clock: Clock,
        seed: int,
        *,
        passage_characters: int = PASSAGE_CHARACTERS,
        longest_passage: int = LONGEST_PASSAGE,
    ) -> None:
        """passage_characters: of the held-out text. longest_passage: of a text that the user types."""
        self._model = model
        self._passage_characters = passage_characters
        self._longest_passage = longest_passage
        self._vocabulary = corpus.vocabulary
        self._clock = clock
        self._seed = seed
        self._text = corpus.held_out if len(corpus.held_out) else corpus.train
        self._searched = self._part(0.0)
        self._passage = self._searched[: self._passage_characters]
        self._opening = np.array([corpus.vocabulary.opening], np.int64)
        self._prime = self._opening
        self._served = ControlState()
        self._samples = Throttle(clock, share=0.015, first_seconds=1.0, least_seconds=_SAMPLE_READ_SECONDS)
        self._traced_step: int | None = None
        self._traces = Throttle(clock, share=0.015, first_seconds=0.7, least_seconds=0.2)
        self._searches = Throttle(clock, share=0.025, least_seconds=0.2)
        self._named_text = self._searched
        self._namings = Throttle(clock, share=0.005)
        self._served_namings = 0
        rarely = UNWATCHED_SAMPLE_SECONDS
        self._unwatched_samples = Throttle(clock, first_seconds=rarely, least_seconds=rarely)

    def begin(self, state: ControlState) -> Iterator[Event]:
        """The untrained network: a sample and, if a screen shows them, a trace."""
        yield from self._serve_choices(state, 0)
        if state.observing:
            yield self._trace(state, 0)
        yield from self._sample(state, 0)

    def refresh(self, state: ControlState, step: int) -> Iterator[Traced]:
        """A trace of this step, if one is shown and the last is older; called when the loop pauses."""
        if state.observing and self._traced_step != step:
            yield self._trace(state, step)

    def look(self, state: ControlState, step: int, *, only_asked: bool = False) -> Iterator[Event]:
        """What is due or requested at this step. only_asked: nothing but requests, for a paused loop."""
        old = self._served
        yield from self._serve_choices(state, step)

        asked = (state.passage, state.passage_at, state.traces) != (old.passage, old.passage_at, old.traces)
        asked |= state.searching and not old.searching
        due = self._searches if state.searching else self._traces
        is_due = due.is_due or (step in FIRST_TRACES and self._traced_step != step)
        names = state.namings != self._served_namings and self._namings.is_due
        if asked or names or (is_due and state.observing and not only_asked):
            yield self._trace(state, step, names=names)

        asked = (state.prime, state.temperature, state.samples) != (
            old.prime,
            old.temperature,
            old.samples,
        )
        asked |= state.compares_temperatures and not old.compares_temperatures
        spacing = self._samples if state.observing else self._unwatched_samples
        if asked or (spacing.is_due and not only_asked):
            yield from self._sample(state, step)

    def _serve_choices(self, state: ControlState, step: int) -> Iterator[Event]:
        """Apply a new choice of passage and prompt."""
        old, self._served = self._served, state
        chosen = (state.passage, state.passage_at)
        if chosen != (old.passage, old.passage_at):
            yield from self._choose_passage(*chosen, step)
        if state.prime != old.prime:
            yield from self._choose_prime(state.prime, step)

    def _trace(self, state: ControlState, step: int, *, names: bool = False) -> Traced:
        self._traced_step = step
        named = self._trace_to_name(state, step) if names else None
        if named is not None and self._searched is self._named_text:
            passage = named.until(len(self._passage))
            return Traced(step, self._clock.seconds, passage, named if state.searching else None, named)
        if not state.searching:
            with self._traces.measured():
                trace = record(self._model, self._passage, step=step)
            return Traced(step, self._clock.seconds, trace, None, named)
        with self._traces.measured(), self._searches.measured():
            searched = record(self._model, self._searched, step=step)
        return Traced(step, self._clock.seconds, searched.until(len(self._passage)), searched, named)

    def _trace_to_name(self, state: ControlState, step: int) -> Trace:
        self._served_namings = state.namings
        with self._namings.measured():
            return record(self._model, self._named_text, step=step)

    def _sample(self, state: ControlState, step: int) -> Iterator[Sampled | Resampled]:
        with self._samples.measured(), self._unwatched_samples.measured():
            temperatures = [state.temperature]
            if state.compares_temperatures:
                compared = compared_temperatures(state.temperature)
                temperatures += [each for each in compared if each != state.temperature]
            sample, *others = (self._sample_at(each, state, step) for each in temperatures)
        yield sample
        if others:
            yield Resampled(step, self._clock.seconds, tuple(others))

    def _sample_at(self, temperature: float, state: ControlState, step: int) -> Sampled:
        latest = self._clock.seconds + _SAMPLE_SECONDS
        written = sample_symbols(
            self._model,
            self._prime,
            temperature=temperature,
            seed=sample_seed(self._seed, state.samples),
            is_late=lambda: self._clock.seconds > latest,
        )
        return sampled(self._model, written, temperature, state.prime, step, self._clock.seconds)

    def _part(self, at: float) -> Ids:
        """The searched part of the held-out text, from `at` (0..1) or a line start near it.

        It begins with the passage. A text that is hardly longer than a passage is used from its start.
        """
        start = round(at * max(0, len(self._text) - self._passage_characters - _LINE_IS_NEAR))
        length = min(SEARCHED_CHARACTERS, _SEARCHED_BYTES // self._model.architecture.traced_bytes)
        length = max(self._passage_characters, length)
        part = self._text[start : start + _LINE_IS_NEAR + length].astype(np.int64)
        if "\n" in self._vocabulary.symbols and len(part) >= self._passage_characters + _LINE_IS_NEAR:
            breaks = part == self._vocabulary.symbols.index("\n")
            # the first character after a line break that is not one itself, which skips empty lines
            begins = np.flatnonzero(breaks[:_LINE_IS_NEAR] & ~breaks[1 : _LINE_IS_NEAR + 1])
            part = part[begins[0] + 1 if len(begins) else 0 :]
        return part[:length]

    def _choose_passage(self, text: str | None, at: float, step: int) -> Iterator[Warned]:
        """Set the passage to `text` or a part of the held-out text; keep the last one if that fails."""
        if not text:
            self._searched = self._part(at)
            self._passage = self._searched[: self._passage_characters]
            return
        try:
            self._passage = self._vocabulary.encode(text[: self._longest_passage]).astype(np.int64)
            self._searched = self._passage
        except TextError as error:
            yield self._warning(f"the passage stays as it was: {error}", step)
        if len(text) > self._longest_passage:
            yield self._warning(f"the passage is cut to its first {self._longest_passage:,} characters", step)

    def _choose_prime(self, text: str, step: int) -> Iterator[Warned]:
        """Set the prompt of samples; if it cannot be read, keep the last one."""
        try:
            self._prime = self._vocabulary.encode(text).astype(np.int64) if text else self._opening
        except TextError as error:
            yield self._warning(f"the prime stays as it was: {error}", step)

    def _warning(self, message: str, step: int) -> Warned:
        return Warned(step, self._clock.seconds, message, "controls")
