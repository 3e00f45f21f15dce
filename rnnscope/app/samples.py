"""The samples of a run: the recent ones complete, older ones thinned on a logarithmic scale.

Early in training a network changes within a few steps and later within thousands, so sixteen samples are kept
of every doubling of their number.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import log2

import numpy as np

from rnnscope.training.events import Sampled

RECENT = 200
"""The number of last samples that are kept without thinning."""
_KEPT_PER_DOUBLING = 16


@dataclass(frozen=True, eq=False)
class Sample:
    """One sample; its event has one probability for each of its characters."""

    number: int
    """Counts all samples of the run from 0, dropped ones included."""
    event: Sampled
    others: tuple[Sampled, ...] = ()
    """The same at other temperatures."""

    @property
    def by_temperature(self) -> tuple[Sampled, ...]:
        """The sample with the others, the lowest temperature first."""
        return tuple(sorted((self.event, *self.others), key=lambda event: event.temperature))


def nats_of(event: Sampled) -> float:
    """Mean negative log-probability of the characters, in nats."""
    probabilities = np.maximum(event.probabilities, np.finfo(np.float32).tiny)
    return abs(float(np.log(probabilities).mean())) if len(probabilities) else 0.0


class Samples:
    """The kept samples of a run, in the order in which they were written."""

    def __init__(self) -> None:
        self._kept: list[Sample] = []
        self._older = 0  # how many of them are no longer recent
        self._count = 0

    def __len__(self) -> int:
        return len(self._kept)

    def __getitem__(self, place: int) -> Sample:
        return self._kept[place]

    def place(self, number: int) -> int:
        """The index of the sample with this number, or of the next one that is kept."""
        return min(bisect_left(self._kept, number, key=lambda sample: sample.number), len(self) - 1)

    def add(self, event: Sampled) -> Sample:
        """Append a sample, and drop an older one if its period has too many."""
        sample = Sample(self._count, event)
        self._count += 1
        self._kept.append(sample)
        if len(self) - self._older > RECENT:
            older = self._older
            if older and _period(self._kept[older - 1]) == _period(self._kept[older]):
                del self._kept[older]
            else:
                self._older += 1
        return sample

    def add_others(self, others: Iterable[Sampled]) -> None:
        """Add what the last sample is at other temperatures."""
        self._kept[-1] = replace(self._kept[-1], others=tuple(others))

    def cut(self, count: int) -> None:
        """Shorten the last sample to its first `count` characters; 0 removes it."""
        sample = self._kept.pop()
        if count:
            others = tuple(_shortened(event, count) for event in sample.others)
            self._kept.append(replace(sample, event=_shortened(sample.event, count), others=others))


def _shortened(event: Sampled, count: int) -> Sampled:
    characters = event.characters[:count]
    return replace(
        event, text="".join(characters), characters=characters, probabilities=event.probabilities[:count]
    )


def _period(sample: Sample) -> int:
    """Which sixteenth of which doubling a sample belongs to."""
    return int(_KEPT_PER_DOUBLING * log2(sample.number + 1))
