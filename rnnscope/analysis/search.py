"""Which unit, and which of its quantities, knows a feature of the text.

    find(model, ids, question)            one of the two that follow
    find_in_trace(trace, question)        exact, of a text that is in memory
    find_along(model, ids, question)      of a text of any length, by histograms: within 0.005 of exact
    name_neurons(…)                       for every unit the built-in feature that it knows best

A feature's best units are chosen on one half of the text and reported on the other. Beside them stand a null,
the best score any unit reaches once the feature is shuffled in blocks, and a linear probe of all units.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.evidence import Evidence, count_trace, halved
from rnnscope.analysis.features import FEATURES, Kind
from rnnscope.analysis.findings import METRICS, Finding, Findings, Name, knowledge
from rnnscope.analysis.lanes import LANES
from rnnscope.analysis.probe import Probe, probe
from rnnscope.analysis.questions import BuiltIn, Question
from rnnscope.analysis.statistics import (
    Bools,
    Doubles,
    auc_of_ranks,
    average_precision,
    centred_ranks,
    correlation,
)
from rnnscope.analysis.stopping import Stop, heed
from rnnscope.analysis.streaming import Told, count_along
from rnnscope.analysis.tally import Tally
from rnnscope.network.architecture import QUANTITIES, Architecture
from rnnscope.network.model import CharRNN
from rnnscope.tracing.record import record
from rnnscope.tracing.trace import Trace

_HELD_BYTES = 1 << 28
_LEAST_IN_LANES = 8192
_TOLD_APART = 3
"""Digits of a score along a long text: smaller differences are of the sample that is counted."""
_RARE = 0.1
_TOGETHER = 64
_NEAR = 100
"""Units beyond the best whose correlation is worked out exactly too."""
_SAYS_MORE = 0.02
"""A number that is known almost as well as a boolean goes before it: a column tells the line breaks too."""
_LEAST_POSITIVES = 20
"""A feature that is on less often in a half names nobody."""


def find(
    model: CharRNN,
    ids: NDArray[np.integer],
    question: Question,
    *,
    quantity: str | None = None,
    top: int = 20,
    told: Told | None = None,
    should_stop: Stop | None = None,
) -> Findings:
    """The `top` best of all units and quantities along `ids` (T,): exactly, where a trace of it is small
    enough to be held, which it is for some 20,000 characters of a 1×512 LSTM.

    `told` hears the share of a longer text that is done. Raises OptionError, TextError, Stopped.
    """
    if _is_small(model.architecture, len(ids)):
        return find_in_trace(
            record(model, ids), question, quantity=quantity, top=top, should_stop=should_stop
        )
    return find_along(model, ids, question, quantity=quantity, top=top, told=told, should_stop=should_stop)


def names_along(
    model: CharRNN,
    ids: NDArray[np.integer],
    *,
    quantity: str | None = None,
    told: Told | None = None,
    should_stop: Stop | None = None,
) -> list[Name]:
    """`name_neurons` for a text, from all built-in features. Raises OptionError, TextError, Stopped."""
    everything = BuiltIn(FEATURES)
    if _is_small(model.architecture, len(ids)):
        evidence = count_trace(record(model, ids), everything, quantity, should_stop=should_stop)
    else:
        evidence = count_along(model, ids, everything, quantity, told=told, should_stop=should_stop)
    return name_neurons(evidence, should_stop=should_stop)


def _is_small(architecture: Architecture, characters: int) -> bool:
    quantities = architecture.layers * len(QUANTITIES[architecture.cell])
    a_character = architecture.vocabulary_size + quantities * architecture.hidden_size
    return 4 * characters * a_character <= _HELD_BYTES or characters < _LEAST_IN_LANES


def find_in_trace(
    trace: Trace,
    question: Question,
    *,
    quantity: str | None = None,
    top: int = 20,
    should_stop: Stop | None = None,
) -> Findings:
    """The `top` best of all units and quantities, or of one. Raises OptionError, TextError, Stopped."""
    evidence = count_trace(trace, question, quantity, should_stop=should_stop)
    best = _Exact(trace, question, evidence, should_stop).best(top)
    return _findings(evidence, best, is_exact=True, should_stop=should_stop)


def find_along(
    model: CharRNN,
    ids: NDArray[np.integer],
    question: Question,
    *,
    quantity: str | None = None,
    top: int = 20,
    lanes: int = LANES,
    told: Told | None = None,
    should_stop: Stop | None = None,
) -> Findings:
    """The same in one pass over a text of any length; `told` hears the share that is done."""
    evidence = count_along(model, ids, question, quantity, lanes=lanes, told=told, should_stop=should_stop)
    chosen, reported = measures(evidence.chosen_by)[:, 0], measures(evidence.reported_by)[:, 0]
    scores = _scores(chosen, evidence.asked[0].kind)
    order = _best_first(evidence, np.arange(len(chosen)), scores, _TOLD_APART)[:top]
    results = [
        _finding(
            evidence, 0, column, chosen[column], reported[column], _binned_precision(evidence, 0, column)
        )
        for column in order
    ]
    return _findings(evidence, results, is_exact=False, should_stop=should_stop)


def name_neurons(evidence: Evidence, *, should_stop: Stop | None = None) -> list[Name]:
    """For every unit that knows one better than chance does, the feature it knows best.

    `evidence` is of many features: `count_trace(trace, BuiltIn(FEATURES), None)`, or `count_along` of a long
    text. Feature and quantity are chosen on one half; their score is the other's. Raises Stopped.
    """
    columns, asked = evidence.columns, evidence.asked
    chosen, reported = (measures(tally, should_stop) for tally in (evidence.chosen_by, evidence.reported_by))
    known = np.empty_like(chosen)
    for number, (each, null) in enumerate(zip(asked, nulls(evidence), strict=True)):
        metric = METRICS[each.kind]
        scores = _scores(chosen[:, number], each.kind)
        known[:, number] = np.where(scores > null, 2 * scores - 1 if metric == "auc" else scores, 0)
    known[:, : len(evidence.positives)][:, ~_is_frequent(evidence)] = 0
    by_unit = known.reshape(len(columns.keys), columns.hidden_size, len(asked))
    are_numbers = np.array([each.kind == "number" for each in asked])
    names = []
    for layer in sorted({layer for layer, _ in columns.keys}):
        of_layer = [number for number, key in enumerate(columns.keys) if key[0] == layer]
        of_layer.sort(key=lambda number: _preference(columns.keys[number][1]))
        for unit in range(columns.hidden_size):
            heed(should_stop)
            of_unit = by_unit[of_layer, unit]  # (quantities, features)
            if not of_unit.any():
                continue
            says_more = np.where(of_unit > 0, of_unit + _SAYS_MORE * are_numbers, 0)
            which, feature = np.unravel_index(int(says_more.argmax()), of_unit.shape)
            column = of_layer[which] * columns.hidden_size + unit
            finding = _finding(
                evidence,
                int(feature),
                column,
                chosen[column, feature],
                reported[column, feature],
                _binned_precision(evidence, int(feature), column),
            )
            if knowledge(finding.held_out, finding.metric) > 0:
                names.append(Name(layer, unit, asked[feature].name, finding))
    return names


def best_by_feature(evidence: Evidence) -> dict[str, Finding]:
    """For every feature that `evidence` is of, the column that one half chooses, scored on the other."""
    chosen, reported = measures(evidence.chosen_by), measures(evidence.reported_by)
    everyone = np.arange(len(chosen))
    found = {}
    for number, each in enumerate(evidence.asked):
        best = _best_first(evidence, everyone, _scores(chosen[:, number], each.kind))[0]
        precision = _binned_precision(evidence, number, best) if each.kind == "boolean" else None
        found[each.name] = _finding(
            evidence, number, best, chosen[best, number], reported[best, number], precision
        )
    return found


def measures(tally: Tally, should_stop: Stop | None = None) -> Doubles:
    """(C, A): the AUC of every column for each boolean, then its correlation with each number."""
    return np.concatenate([tally.areas(should_stop), tally.correlations()], axis=1)


def nulls(evidence: Evidence) -> list[float]:
    """For each feature the best score that any unit reaches on any of its shuffles."""
    found = []
    areas = evidence.shuffled.areas()
    correlations = evidence.shuffled.correlations(evidence.chosen_by.spread())
    for number, each in enumerate(evidence.asked):
        is_boolean, booleans = each.kind == "boolean", len(evidence.positives)
        found_by = areas if is_boolean else correlations
        step = booleans if is_boolean else len(evidence.asked) - booleans
        of_feature = found_by[:, (number if is_boolean else number - booleans) :: step]
        found.append(float(_scores(of_feature, each.kind).max()))
    return found


class _Exact:
    """Scores without bins, for the columns whose bins say that they may be among the best."""

    def __init__(
        self, trace: Trace, question: Question, evidence: Evidence, should_stop: Stop | None
    ) -> None:
        self._should_stop = should_stop
        self._trace, self._evidence = trace, evidence
        _, on, numbers, self._halves = halved(question.over(trace.text), question)
        self._kind = evidence.asked[0].kind
        self._answers = on[0] if self._kind == "boolean" else numbers[0]

    def best(self, top: int) -> list[Finding]:
        """The `top` first, in order: none that is left out can be better, so far as bins can tell."""
        scores = _scores(measures(self._evidence.chosen_by)[:, 0], self._kind)
        slack = self._evidence.chosen_by.slack()[:, 0] if self._kind == "boolean" else 0.0
        limits = scores + slack
        order = np.argsort(-limits, kind="stable")
        chosen: dict[int, float] = {}
        for first in range(0, len(order), _TOGETHER):
            batch = order[first : first + _TOGETHER]
            if len(chosen) >= top and self._is_enough(list(chosen.values()), top, float(limits[batch[0]])):
                break
            chosen |= zip(batch.tolist(), self._measured(batch, self._halves.chooses).tolist(), strict=True)
        columns = np.array(list(chosen))
        exact = np.array([chosen[column] for column in chosen])
        ranked = _best_first(self._evidence, columns, _scores(exact, self._kind))[:top]
        reported = self._measured(np.array(ranked), self._halves.reports)
        return [
            _finding(self._evidence, 0, column, chosen[column], held, self._precision(column, chosen[column]))
            for column, held in zip(ranked, reported.tolist(), strict=True)
        ]

    def _is_enough(self, chosen: list[float], top: int, limit: float) -> bool:
        """Whether what is next cannot be among the best; of correlations, which have no bound, is far off."""
        if self._kind == "number" and len(chosen) < top + _NEAR:
            return False
        worst = np.sort(_scores(np.array(chosen), self._kind))[-top]
        return bool(limit < worst)

    def _measured(self, columns: NDArray[np.int64], half: NDArray[np.int64]) -> Doubles:
        """(n,) AUC or correlation over a half."""
        heed(self._should_stop)
        values = np.stack([self._values(column)[half] for column in columns.tolist()])
        ranks, answers = centred_ranks(values), self._answers[half]
        if self._kind == "boolean":
            return auc_of_ranks(ranks.astype(np.float64), answers[:, None])[:, 0]
        return correlation(ranks.astype(np.float64), centred_ranks(answers[None].astype(np.float64)).T)[:, 0]

    def _values(self, column: int) -> NDArray[np.float32]:
        layer, unit, quantity = self._evidence.columns[column]
        return self._trace[f"{layer}/{quantity}"][:, unit]

    def _precision(self, column: int, area: float) -> float | None:
        if not _is_rare(self._evidence, 0):
            return None
        values, half = self._values(column), self._halves.reports
        return average_precision(values[half] if area >= 0.5 else -values[half], self._answers[half])


def _findings(
    evidence: Evidence, results: list[Finding], *, is_exact: bool, should_stop: Stop | None
) -> Findings:
    asked, samples = evidence.asked[0], evidence.samples
    assert samples is not None, "a search for one feature takes samples"
    return Findings(
        asked.name,
        evidence.positions,
        int(evidence.positives[0]) if asked.kind == "boolean" else None,
        tuple(results),
        nulls(evidence)[0],
        _probed(evidence, should_stop),
        is_exact,
    )


def _probed(evidence: Evidence, should_stop: Stop | None) -> Probe:
    samples, kind = evidence.samples, evidence.asked[0].kind
    assert samples is not None, "a search for one feature takes samples"
    units = samples.states.shape[1] // evidence.state_parts
    return probe(
        samples.states,
        samples.answers,
        samples.held_states,
        samples.held_answers,
        kind,
        units,
        should_stop=should_stop,
    )


def _finding(
    evidence: Evidence, feature: int, column: int, chosen: float, reported: float, precision: float | None
) -> Finding:
    layer, unit, quantity = evidence.columns[column]
    kind = evidence.asked[feature].kind
    if kind == "boolean":
        direction = 1 if chosen >= 0.5 else -1
        score, held = max(chosen, 1 - chosen), reported if direction == 1 else 1 - reported
    else:
        direction = 1 if chosen >= 0 else -1
        score, held = abs(chosen), direction * reported
    return Finding(layer, unit, quantity, METRICS[kind], float(score), float(held), direction, precision)


def _scores(signed: Doubles, kind: Kind) -> Doubles:
    """max(AUC, 1 − AUC), or |Spearman|."""
    return np.maximum(signed, 1 - signed) if kind == "boolean" else np.abs(signed)


def _best_first(
    evidence: Evidence, columns: NDArray[np.int64], scores: Doubles, digits: int = 9
) -> list[int]:
    """Columns by falling score; of equal ones what a network shows and keeps goes before its gates."""
    preferences = np.array([_preference(evidence.columns[column][2]) for column in columns.tolist()])
    found: list[int] = columns[np.lexsort((columns, preferences, -np.round(scores, digits)))].tolist()
    return found


def _preference(quantity: str) -> int:
    return {"hidden": 0, "cell": 1}.get(quantity, 2)


def _is_rare(evidence: Evidence, feature: int) -> bool:
    is_boolean = feature < len(evidence.positives)
    return is_boolean and evidence.positives[feature] < _RARE * evidence.positions


def _binned_precision(evidence: Evidence, feature: int, column: int) -> float | None:
    if not _is_rare(evidence, feature):
        return None
    rising = bool(evidence.chosen_by.areas_of(column)[feature] >= 0.5)
    return evidence.reported_by.average_precision(column, feature, rising=rising)


def _is_frequent(evidence: Evidence) -> Bools:
    """(F,) whether each boolean is on, and off, often enough in both halves."""
    frequent = np.ones(len(evidence.positives), np.bool_)
    for tally in (evidence.chosen_by, evidence.reported_by):
        on = tally.on[0].sum(axis=-1)
        frequent &= (on >= _LEAST_POSITIVES) & (tally.positions - on >= _LEAST_POSITIVES)
    return frequent
