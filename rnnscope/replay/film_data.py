"""A film as numbers: what a page shows of every snapshot, for a few units and one passage.

    data = film_data(film, units=((1, 37, "cell"),), query=Find(feature="quotes"))
    data.units[0].values          (S, T) uint8, the unit along the passage at every snapshot

Values are quantized to 8 bits; the passage and the number of units are limited, so that a page of about 100
snapshots takes less than 5 MB.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.find import Find, Metric, Scorer, every_score
from rnnscope.analysis.names import Names
from rnnscope.analysis.units import check_unit, quantity_of
from rnnscope.errors import CheckpointError, RnnscopeError
from rnnscope.progress import NO_PROGRESS, Progress
from rnnscope.replay.curves import Curves
from rnnscope.replay.film import SEARCHED_CHARACTERS, Film, Frame, Settings
from rnnscope.text.display import are_bytes
from rnnscope.tracing.trace import Trace, is_gate
from rnnscope.training.events import Compared, Evaluated, by_character
from rnnscope.training.events import Progress as TrainingProgress
from rnnscope.training.snapshots import MOST

Bytes: TypeAlias = NDArray[np.uint8]
UnitName: TypeAlias = tuple[int, int, str]
"""Layer, unit and quantity."""

CHARACTERS = 1_500
"""The part of the passage that a page shows."""
PREDICTIONS = 3
"""The most probable characters at each position."""
MOST_BYTES = 3_300_000
"""The size of all arrays; in base64 they take a third more."""
_MOST_UNITS = 12
_OF_QUERY = 4
"""The best units for the query, where there is one."""
_CURVE_POINTS = 600


@dataclass(frozen=True, eq=False)
class UnitTrack:
    """A unit at every snapshot.

    values: (S, T) uint8, its displayed values along the passage: 0..255 stands for 0..1 of a gate, and for
        −1..1 of other quantities.
    scores: (S,) its held-out score for `feature` at every snapshot; empty without one.
    """

    layer: int
    unit: int
    quantity: str
    values: Bytes
    feature: str = ""
    metric: Metric = "auc"
    scores: tuple[float, ...] = ()

    @property
    def name(self) -> str:
        """Such as `1/37, cell`."""
        return f"{self.layer}/{self.unit}, {self.quantity}"


@dataclass(frozen=True, eq=False)
class SampleText:
    """A sample: its characters, and (N,) uint8, the probability of each, 0..255."""

    characters: tuple[str, ...]
    probabilities: Bytes


@dataclass(frozen=True)
class Losses:
    """Losses in nats per character, as steps and values."""

    train: tuple[tuple[int, float], ...]
    held_out: tuple[tuple[int, float], ...]
    levels: tuple[tuple[str, float], ...]
    """Those of n-gram models, by name."""


@dataclass(frozen=True, eq=False)
class FilmData:
    """S snapshots of a run on a passage of T characters.

    symbols: V strings. ids: (T,) the characters. probabilities: (S, T) uint8, the probability that was given
        to each character, 0..255; 0 for the first. predicted, predicted_probabilities: (S, T, 3), the ids of
        the most probable next characters, and their probabilities as uint8.
    """

    run: str
    title: str
    """Such as `LSTM 1×256`."""
    source: str
    """Where the passage is from."""
    steps: tuple[int, ...]
    elapsed_seconds: tuple[float | None, ...]
    symbols: tuple[str, ...]
    ids: NDArray[np.int32]
    units: tuple[UnitTrack, ...]
    probabilities: Bytes
    predicted: NDArray[np.uint16]
    predicted_probabilities: Bytes
    samples: tuple[SampleText, ...]
    losses: Losses
    skipped: tuple[str, ...] = ()
    """Why snapshots were left out."""


def film_data(
    film: Film,
    *,
    units: Sequence[UnitName] = (),
    query: Find | None = None,
    settings: Settings | None = None,
    most_bytes: int = MOST_BYTES,
    progress: Progress = NO_PROGRESS,
) -> FilmData:
    """What a page shows of a film.

    units: those that come first; `auto` is the quantity that holds the memory of the network. Then come the
    best for `query` and the best for each built-in feature, at the last snapshot, as many as `most_bytes` has
    room for. Of more than 120 snapshots, 120 are taken evenly. Raises OptionError for a unit that the network
    does not have, RunError if no snapshot can be read, TextError if the text is too short for the query, and
    Cancelled.
    """
    settings = settings or Settings()
    newest = film.newest(settings, progress)
    steps = _evenly(film.steps, MOST)
    shown = min(CHARACTERS, len(newest.trace))
    chosen = _chosen(newest, units, query, progress.part(0, 0.1))
    room = most_bytes // (len(steps) * shown) - 1 - 3 * PREDICTIONS
    tracks = [_Track(*each, newest) for each in chosen[: max(len(units), 1, room)]]
    frames: list[_Snapshot] = []
    for number, step in enumerate(steps):
        progress(0.1 + 0.9 * number / len(steps))
        try:
            frame = film.frame(step, settings)
        except CheckpointError:  # it is now one of film.damaged
            continue
        read = frame.session.reader.trace(0, SEARCHED_CHARACTERS)
        for track in tracks:
            track.add(frame.trace.until(shown), read)
        frames.append(_Snapshot.of(frame, shown))
    drawn, ids = newest.trace.until(shown).drawn
    return FilmData(
        run=film.directory.resolve().name,
        title=newest.trace.architecture.title,
        source=film.source,
        steps=tuple(each.step for each in frames),
        elapsed_seconds=tuple(each.elapsed_seconds for each in frames),
        symbols=drawn,
        ids=ids,
        units=tuple(track.done() for track in tracks),
        probabilities=np.stack([each.probabilities for each in frames]),
        predicted=np.stack([each.predicted for each in frames]),
        predicted_probabilities=np.stack([each.predicted_probabilities for each in frames]),
        samples=tuple(each.sample for each in frames),
        losses=_losses(film),
        skipped=tuple(film.damaged.values()),
    )


def quantized(values: NDArray[np.floating], *, signed: bool = False) -> Bytes:
    """Values within 0..1, or within −1..1 where `signed`, as 0..255."""
    share = (values + 1) / 2 if signed else values
    return np.rint(255 * np.clip(np.nan_to_num(share), 0, 1)).astype(np.uint8)


class _Track:
    """A unit, as its values are collected."""

    def __init__(self, name: UnitName, query: Find | None, newest: Frame) -> None:
        self._layer, self._unit, self._quantity = name
        self._scorer: Scorer | None = None
        self._feature = ""
        if query is not None:
            self._scorer = Scorer(replace(query, characters=SEARCHED_CHARACTERS), newest.session.reader)
            self._feature = (query.feature or query.pattern or "").replace("-", " ")
        self._values: list[Bytes] = []
        self._scores: list[float] = []

    def add(self, passage: Trace, read: Trace) -> None:
        """passage: what is shown. read: the text that scores are of."""
        values = passage.shown(self._layer, self._quantity, self._unit)
        self._values.append(quantized(values, signed=not is_gate(self._quantity)))
        if self._scorer is not None:
            recorded = read[f"{self._layer}/{self._quantity}"][:, self._unit]
            self._scores.append(self._scorer.held_out(recorded))

    def done(self) -> UnitTrack:
        metric: Metric = "auc" if self._scorer is None else self._scorer.metric
        values, scores = np.stack(self._values), tuple(self._scores)
        return UnitTrack(self._layer, self._unit, self._quantity, values, self._feature, metric, scores)


@dataclass(frozen=True, eq=False)
class _Snapshot:
    """What is kept of a frame besides the units."""

    step: int
    elapsed_seconds: float | None
    probabilities: Bytes
    predicted: NDArray[np.uint16]
    predicted_probabilities: Bytes
    sample: SampleText

    @classmethod
    def of(cls, frame: Frame, shown: int) -> _Snapshot:
        trace = frame.trace.until(shown)
        given = np.zeros(shown)
        given[1:] = np.exp2(-trace.surprise_bits)
        sample = by_character(frame.sample, of_bytes=are_bytes(trace.symbols))
        count = min(PREDICTIONS, len(trace.symbols))
        best = np.argsort(-trace.log_probabilities, axis=1, kind="stable")[:, :count]
        probabilities = np.exp(np.take_along_axis(trace.log_probabilities, best, axis=1))
        return cls(
            frame.step,
            frame.elapsed_seconds,
            quantized(given),
            best.astype(np.uint16),
            quantized(probabilities),
            SampleText(sample.characters, quantized(sample.probabilities)),
        )


def _chosen(
    newest: Frame, units: Sequence[UnitName], query: Find | None, progress: Progress
) -> list[tuple[UnitName, Find | None]]:
    """The units, by the last snapshot, each with the feature that it is scored for."""
    session = newest.session
    architecture = session.architecture
    for layer, unit, _ in units:
        check_unit(architecture, layer, unit)
    asked = [(layer, unit, quantity_of(architecture, quantity)) for layer, unit, quantity in units]
    labels: dict[tuple[int, int], tuple[UnitName, Find]] = {}
    try:
        for each in session.ask(Names(characters=SEARCHED_CHARACTERS), progress).labels:
            name = (each.layer, each.unit, each.quantity)
            labels[each.layer, each.unit] = name, Find(feature=each.feature)
    except RnnscopeError:  # the text is too short to name units
        pass
    found: dict[tuple[int, int], tuple[UnitName, Find | None]] = {}
    for name in asked:
        label = labels.get(name[:2])
        found[name[:2]] = name, query if query is not None else None if label is None else label[1]
    if query is not None:
        read = replace(query, characters=SEARCHED_CHARACTERS)
        score = every_score(read, session.reader, progress)
        of_query = len(found) + _OF_QUERY
        for column in score.best_first():
            name = score.columns[column]
            if len(found) < of_query:
                found.setdefault(name[:2], (name, query))
    for at, (name, feature) in labels.items():
        found.setdefault(at, (name, feature))
    if not found:
        trace = newest.trace
        quantity = quantity_of(architecture, "auto")
        liveliest = int(trace.shown(1, quantity).std(axis=0).argmax())
        found[1, liveliest] = (1, liveliest, quantity), None
    return list(found.values())[:_MOST_UNITS]


def _losses(film: Film) -> Losses:
    train: list[tuple[int, float]] = []
    held_out: list[tuple[int, float]] = []
    levels: dict[str, float] = {}
    for event in Curves(film.directory).read():
        match event:
            case TrainingProgress():
                train += zip(event.steps.tolist(), event.losses_nats.tolist(), strict=True)
            case Evaluated():
                held_out.append((event.step, event.held_out_nats))
            case Compared():
                levels = event.baselines_nats
    finite = [point for point in train if np.isfinite(point[1])]
    return Losses(tuple(_thinned(finite)), tuple(_thinned(held_out)), tuple(levels.items()))


def _evenly(steps: Sequence[int], most: int) -> list[int]:
    """The first, the last, and as many between them, at most `most` in all."""
    if len(steps) <= most:
        return list(steps)
    return [steps[i] for i in np.linspace(0, len(steps) - 1, most).round().astype(int).tolist()]


def _thinned(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """At most 600 points, evenly spaced on a logarithmic axis: the means of what lies between."""
    if len(points) <= _CURVE_POINTS:
        return points
    steps, values = np.array([point[0] for point in points]), np.array([point[1] for point in points])
    edges = np.geomspace(1, steps[-1] + 1, _CURVE_POINTS + 1)
    groups = np.searchsorted(edges, np.maximum(steps, 1), side="right")
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    ends = np.append(starts[1:], len(steps))
    means = np.add.reduceat(values, starts) / (ends - starts)
    return list(zip(steps[ends - 1].tolist(), means.tolist(), strict=True))
