"""Samples and traces along the way: what the network writes, and what it does on the watched passage.

Both read the weights and touch nothing that training depends on. Each is spaced by what it costs; what is
asked for by a key is done at once.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rnnscope.errors import TextError
from rnnscope.model import CharRNN
from rnnscope.sampling import Sampler
from rnnscope.text.corpus import Corpus
from rnnscope.tracing.record import record
from rnnscope.training.clock import Clock, Spaced
from rnnscope.training.controls import Wishes
from rnnscope.training.events import Event, Sampled, Traced, Warned

PASSAGE_CHARACTERS = 1500
LONGEST_PASSAGE = 20_000
SAMPLE_SYMBOLS = 320
UNWATCHED_SAMPLE_SECONDS = 30.0

_LINE_IS_NEAR = 200
"""Characters within which a passage of the held-out text looks for the beginning of a line."""
_SAMPLE_READ_SECONDS = 2.0
"""However cheap a sample is, somebody reads it."""
_SHORTEST_SAMPLE = 80
_SAMPLE_SECONDS = 0.15
"""A large network writes fewer symbols a sample rather than hold up training."""

Ids = NDArray[np.int64]


class Observer:
    """Knows which wishes it has served, so that a changed one is served at the next step."""

    def __init__(self, model: CharRNN, corpus: Corpus, clock: Clock, seed: int) -> None:
        self._model = model
        self._vocabulary = corpus.vocabulary
        self._clock = clock
        self._seed = seed
        self._text = corpus.held_out if len(corpus.held_out) else corpus.train
        self._passage = self._part(0.0)
        self._opening = _opening(corpus)
        self._prime = self._opening
        self._served = Wishes()
        self._samples = Spaced(clock, share=0.015, first_seconds=1.0, least_seconds=_SAMPLE_READ_SECONDS)
        self._traces = Spaced(clock, share=0.015, first_seconds=0.7, least_seconds=0.2)
        rarely = UNWATCHED_SAMPLE_SECONDS
        self._unwatched_samples = Spaced(clock, first_seconds=rarely, least_seconds=rarely)

    def look(self, wishes: Wishes, step: int, *, only_asked: bool = False) -> Iterator[Event]:
        """What is due or asked for at this step; `only_asked` is for a loop that stands still."""
        old, self._served = self._served, wishes
        chosen = (wishes.passage, wishes.passage_at)
        if chosen != (old.passage, old.passage_at):
            yield from self._choose_passage(*chosen, step)
        if wishes.prime != old.prime:
            yield from self._choose_prime(wishes.prime, step)

        asked = (*chosen, wishes.traces) != (old.passage, old.passage_at, old.traces)
        if asked or (self._traces.is_due and wishes.observing and not only_asked):
            yield self._trace(step)

        asked = (wishes.prime, wishes.temperature, wishes.samples) != (
            old.prime,
            old.temperature,
            old.samples,
        )
        spacing = self._samples if wishes.observing else self._unwatched_samples
        if asked or (spacing.is_due and not only_asked):
            yield self._sample(wishes, step)

    def _trace(self, step: int) -> Traced:
        with self._traces.measured():
            trace = record(self._model, self._passage, step=step)
        return Traced(step, self._clock.seconds, trace)

    def _sample(self, wishes: Wishes, step: int) -> Sampled:
        written: list[tuple[int, float]] = []
        with self._samples.measured(), self._unwatched_samples.measured():
            latest = self._clock.seconds + _SAMPLE_SECONDS
            sampler = Sampler(self._model)
            sampler.feed(self._prime)
            stream = sampler.stream(SAMPLE_SYMBOLS, temperature=wishes.temperature, seed=self._seed + step)
            for symbol in stream:
                written.append(symbol)
                if len(written) >= _SHORTEST_SAMPLE and self._clock.seconds > latest:
                    break
        characters = tuple(self._vocabulary.symbols[id_] for id_, _ in written)
        probabilities = np.array([probability for _, probability in written], np.float32)
        return Sampled(
            step,
            self._clock.seconds,
            "".join(characters),
            probabilities,
            wishes.temperature,
            wishes.prime,
            characters,
        )

    def _part(self, at: float) -> Ids:
        """A part of the held-out text, from a place 0..1 on, or from the first line that begins near it.

        A text that is hardly longer than a passage is shown from its start.
        """
        start = round(at * max(0, len(self._text) - PASSAGE_CHARACTERS - _LINE_IS_NEAR))
        part = self._text[start : start + _LINE_IS_NEAR + PASSAGE_CHARACTERS].astype(np.int64)
        if "\n" in self._vocabulary.symbols and len(part) == PASSAGE_CHARACTERS + _LINE_IS_NEAR:
            breaks = part == self._vocabulary.symbols.index("\n")
            # the first character after a line break that is none itself: empty lines say nothing
            begins = np.flatnonzero(breaks[:_LINE_IS_NEAR] & ~breaks[1 : _LINE_IS_NEAR + 1])
            part = part[begins[0] + 1 if len(begins) else 0 :]
        return part[:PASSAGE_CHARACTERS]

    def _choose_passage(self, text: str | None, at: float, step: int) -> Iterator[Warned]:
        """Watch `text`, or a part of the held-out text; a text that cannot be read leaves the one before."""
        if not text:
            self._passage = self._part(at)
            return
        try:
            self._passage = self._vocabulary.encode(text[:LONGEST_PASSAGE]).astype(np.int64)
        except TextError as error:
            yield self._warning(f"the passage stays as it was: {error}", step)
        if len(text) > LONGEST_PASSAGE:
            yield self._warning(f"the passage is cut to its first {LONGEST_PASSAGE:,} characters", step)

    def _choose_prime(self, text: str, step: int) -> Iterator[Warned]:
        """Let samples follow `text`; one that cannot be read leaves the one before."""
        try:
            self._prime = self._vocabulary.encode(text).astype(np.int64) if text else self._opening
        except TextError as error:
            yield self._warning(f"the prime stays as it was: {error}", step)

    def _warning(self, message: str, step: int) -> Warned:
        return Warned(step, self._clock.seconds, message, "controls")


def _opening(corpus: Corpus) -> Ids:
    """(1,) what a sample without a prime follows: a line break, or how the text begins where it has none."""
    symbols = corpus.vocabulary.symbols
    first = symbols.index("\n") if "\n" in symbols else int(corpus.train[0])
    return np.array([first], np.int64)
