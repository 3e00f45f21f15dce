"""Made-up answers to all that the inspect screen asks, by the analyses where these know no torch."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.ablation import AblateResult, Clamp, LossChange
from rnnscope.analysis.compare import Comparison, all_match_distances, breakdown, compare
from rnnscope.analysis.contexts import Contexts, top_contexts
from rnnscope.analysis.effects import GradientFlow
from rnnscope.analysis.factors import factorize
from rnnscope.analysis.features import FEATURES
from rnnscope.analysis.matching import match, match_result, select
from rnnscope.analysis.saliency import SaliencyResult
from rnnscope.analysis.saturation import saturation
from rnnscope.analysis.statistics import mean_interval
from rnnscope.analysis.units import unit_of
from rnnscope.analysis.words import word_counts
from rnnscope.app.asking.answers import (
    AblationFound,
    Answer,
    ContextsFound,
    DistancesFound,
    ErrorsFound,
    FactorsFound,
    Found,
    GradientsFound,
    MatchesFound,
    Named,
    NgramsFound,
    OriginFound,
    PageCompared,
    SaturationFound,
)
from rnnscope.app.asking.requests import (
    ComparePage,
    Find,
    FindAblation,
    FindContexts,
    FindDistances,
    FindErrors,
    FindFactors,
    FindGradients,
    FindMatches,
    FindNgrams,
    FindOrigin,
    FindSaturation,
    NameNeurons,
    Request,
)
from rnnscope.app.ranking import Known, Neuron
from tests.app.conftest import PASSAGE
from tests.app.looking import Answering, traced

TEXT = PASSAGE * 4
LEARNED = "the model's training text"
JUDGED_FROM = len(PASSAGE)
"""What is judged beside n-grams begins here, so that positions must be shifted."""


@lru_cache(maxsize=1)
def comparison() -> Comparison:
    """The made-up network beside n-grams that know now more and now less."""
    trace, random = traced(TEXT), np.random.default_rng(4)
    expected = trace.log_probabilities[np.arange(len(trace) - 1), trace.ids[1:]][JUDGED_FROM:]
    orders = []
    for order in range(1, 10):
        noise = random.normal(0.15 + 0.25 * abs(7 - order), 1.0, len(expected) + 1)
        ngram = np.concatenate(([-4.0], expected)) - noise
        orders.append((order, np.minimum(ngram, -0.01)))
    return compare(expected, orders)


def judged() -> str:
    return TEXT[JUDGED_FROM:]


def find_ngrams(request: Request) -> list[Answer]:
    return [NgramsFound(request, comparison(), JUDGED_FROM, judged(), LEARNED)]


def differences(start: int, stop: int) -> NDArray[np.float32]:
    """What the worker says of a page, also where nothing was judged yet."""
    whole = np.random.default_rng(9).normal(0.3, 1.2, len(TEXT)).astype(np.float32)
    whole[JUDGED_FROM + 1 :] = comparison().difference
    return whole[start:stop]


def compare_page(request: Request) -> list[Answer]:
    assert isinstance(request, ComparePage)
    nats = differences(request.start, request.stop)
    return [PageCompared(request, request.start, comparison().order, nats)]


def find_distances(request: Request) -> list[Answer]:
    found = all_match_distances(judged(), comparison())
    return [DistancesFound(request, found, comparison().order, JUDGED_FROM, judged(), LEARNED)]


def find_errors(request: Request) -> list[Answer]:
    expected = comparison().network - 0.5
    orders = [
        (order, np.concatenate(([-4.0], comparison().ngram - abs(7 - order)))) for order in range(1, 10)
    ]
    found = breakdown(judged(), expected, orders, word_counts(PASSAGE.replace("ferr", "")))
    return [ErrorsFound(request, found, JUDGED_FROM, judged(), LEARNED)]


def flow(title: str, half: float, floor: float, layers: int = 1) -> GradientFlow:
    """A gradient that halves every so many steps, towards a floor, with some ripple."""
    back = np.arange(101)
    norms = [0.9 / (layer + 1) * (0.5 ** (back / half) + floor) for layer in range(layers)]
    return GradientFlow(title, np.array(norms) * np.exp(0.2 * np.sin(back / 3)), 64)


def find_gradients(request: Request) -> list[Answer]:
    assert isinstance(request, FindGradients)
    name = request.beside or "archive-rnn"
    return [GradientsFound(request, flow("LSTM 1×48", 12, 0.001), flow("RNN 1×256", 4, 0), name, 0.0)]


def known_by(feature: str, best: float, metric: str = "AUC") -> tuple[tuple[Neuron, Known], ...]:
    units = np.random.default_rng(len(feature)).permutation(48)[:12].tolist()
    return tuple(
        ((1, unit), Known(feature, best - 0.03 * rank, metric, unit % 3 == 0, "cell"))
        for rank, unit in enumerate(units)
    )


def name_neurons(request: Request) -> list[Answer]:
    names = ["quotes", "column", "upper case", "after newline", "digit", "line end"]
    known = {
        (1, unit): Known(names[unit % 6], 0.98 - 0.009 * unit, "ρ" if unit % 6 == 1 else "AUC", unit % 4 == 3)
        for unit in range(48)
    }
    gains: list[Answer] = []
    for number, feature in enumerate(tuple(FEATURES)[:8]):
        results = known_by(feature, 0.95 - 0.04 * number)
        verdict = "single neuron" if number < 3 else "distributed"
        probe = 0.97 - 0.02 * number
        gains.append(Found(request, feature, "AUC", results, 0.55, probe, 30, verdict, 1000, 100))
    return [Named(request, known), *gains]


def find(request: Request) -> list[Answer]:
    assert isinstance(request, Find)
    results = known_by("column", 0.91, "ρ")
    return [Found(request, "column", "ρ", results, 0.06, 0.93, 48, "single neuron", len(TEXT), None)]


def find_contexts(request: Request) -> list[Answer]:
    assert isinstance(request, FindContexts)
    trace = traced(TEXT)
    values = trace.shown(request.layer, request.quantity, request.unit)
    query = Contexts(request.layer, request.unit, request.quantity)
    return [ContextsFound(request, top_contexts(query, values, lambda start, stop: TEXT[start:stop]))]


def find_saturation(request: Request) -> list[Answer]:
    return [SaturationFound(request, saturation([traced(TEXT)]))]


def find_matches(request: Request) -> list[Answer]:
    assert isinstance(request, FindMatches)
    values = traced(TEXT).shown(request.layer, "cell")
    selection = select(values, request.start, request.stop, threshold=request.threshold)
    found = match(values, selection, exclude=(request.start, request.stop))
    result = match_result(request.layer, "cell", 48, found, lambda start, stop: TEXT[start:stop])
    return [MatchesFound(request, result)]


def find_ablation(request: Request) -> list[Answer]:
    assert isinstance(request, FindAblation)
    query, random = request.query, np.random.default_rng(6)
    predictions = query.stop - query.start - 1
    delta = random.normal(0.03, 0.3, predictions) * (random.random(predictions) < 0.4)
    rises = []
    for at in (np.argsort(-delta)[:8] + 1).tolist():
        first = max(0, at - 24)
        deltas = tuple(np.append(0.0, delta)[first : at + 24].tolist())
        rises.append(LossChange(at, float(delta[at - 1]), first, TEXT[first : at + 24], deltas))
    samples = (
        "the bell rang at seven,\nand the ferry left the quay",
        "the bell bell belled,\nand the the quay",
    )
    mean = float(delta.mean())
    result = AblateResult(
        tuple(Clamp(*unit_of(name), query.value) for name in query.units),
        query.start,
        query.stop,
        1.0,
        1.0 + mean,
        mean,
        mean_interval(delta),
        delta.astype(np.float32),
        tuple(rises),
        query.position,
        samples,
    )
    return [AblationFound(request, result)]


def find_origin(request: Request) -> list[Answer]:
    assert isinstance(request, FindOrigin)
    start = max(0, request.position - 200)
    ago = np.arange(request.position - start, 0, -1)
    strength = np.exp(-ago / 20) * (1.2 + np.cos(ago))
    text = TEXT[start : request.position + 1]
    connectivity = strength / strength.max()
    return [OriginFound(request, SaliencyResult(request.position, start, text, -0.4, strength, connectivity))]


def find_factors(request: Request) -> list[Answer]:
    assert isinstance(request, FindFactors)
    return [FactorsFound(request, factorize(traced(TEXT)["1/hidden"], 6), request.start)]


EVERYTHING: dict[type, Answering] = {
    NameNeurons: name_neurons,
    Find: find,
    FindContexts: find_contexts,
    FindSaturation: find_saturation,
    FindMatches: find_matches,
    FindAblation: find_ablation,
    FindOrigin: find_origin,
    FindErrors: find_errors,
    FindNgrams: find_ngrams,
    ComparePage: compare_page,
    FindDistances: find_distances,
    FindGradients: find_gradients,
    FindFactors: find_factors,
}
