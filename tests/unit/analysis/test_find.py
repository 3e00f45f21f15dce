"""Neuron search against scikit-learn and SciPy, one unit at a time; exact, and over long texts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score, roc_auc_score

import rnnscope
from rnnscope.analysis.features import values
from rnnscope.analysis.find import Find, FindResult, find, verdict_of
from rnnscope.analysis.statistics import Probe
from rnnscope.analysis.targets import Labels
from rnnscope.api import Model
from rnnscope.cli import main
from rnnscope.errors import OptionError, TextError
from rnnscope.network.checkpoint import save_model
from rnnscope.progress import Cancelled, Progress
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.tracing.reader import TextReader
from rnnscope.tracing.trace import Trace
from tests.unit.analysis.planted import planted_lstm, random_network, text_of
from tests.unit.pages import notebook_html

TEXT = text_of(6_000)
LONG = text_of(60_000, seed=3)
VOCABULARY = Vocabulary.of(LONG + TEXT + "Hamlet: yes, no")
MODEL = Model(random_network("lstm", VOCABULARY, 12, 0))
COLUMNS = 6 * 12


def halves(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Sixteen blocks in turn."""
    first = np.arange(n) // -(-n // 16) % 2 == 0
    return np.flatnonzero(first), np.flatnonzero(~first)


def expected_scores(
    trace: Trace, answers: np.ndarray
) -> dict[tuple[str, int], tuple[float, float, int, float]]:
    """Of each column: score, held-out score, direction, and average precision on the held-out half."""
    selection, held = halves(len(trace))
    is_boolean = answers.dtype == np.bool_
    found = {}
    for quantity in trace.quantities:
        for unit in range(trace.architecture.hidden_size):
            column = trace[f"1/{quantity}"][:, unit]
            if is_boolean:
                signed = [roc_auc_score(answers[half], column[half]) for half in (selection, held)]
            else:
                signed = [spearmanr(column[half], answers[half]).statistic for half in (selection, held)]
            middle = 0.5 if is_boolean else 0.0
            sign = 1 if signed[0] >= middle else -1
            precision = average_precision_score(answers[held], sign * column[held]) if is_boolean else np.nan
            score, held_out = (middle + sign * (each - middle) for each in signed)
            found[quantity, unit] = (score, held_out, sign, precision)
    return found


def long_search(query: Find, text: str = LONG, **others: int) -> FindResult:
    """The search of a long text, whatever its size: a reader whose text fits in no trace."""
    reader = TextReader(MODEL.network, text, **others)
    return find(query, reader, exact_bytes=0)


@pytest.mark.parametrize("feature", ["word", "round-brackets", "speaker", "column"])
@pytest.mark.parametrize("is_long", [False, True])
def test_scores_are_those_of_scikit_learn(feature: str, is_long: bool) -> None:
    plain = LONG if is_long else TEXT
    text = "".join(plain[at : at + 200] + "\nHamlet: yes\n" for at in range(0, len(plain), 200))
    trace, answers = MODEL.trace(text), values(text, [feature])[feature]
    query = Find(feature=feature, limit=COLUMNS)
    found = long_search(query, text) if is_long else rnnscope.find(trace, feature=feature, top=COLUMNS)
    near = 5e-4 if is_long else 1e-6
    expected = expected_scores(trace, answers)
    assert len(found.results) == COLUMNS
    assert (found.positions, found.is_exact) == (len(text), not is_long)
    for each in found.results:
        score, held_out, direction, precision = expected[each.quantity, each.unit]
        assert each.score == pytest.approx(score, abs=near)
        assert each.held_out == pytest.approx(held_out, abs=near)
        assert each.direction == direction or score == pytest.approx(0.5, abs=near)
        if answers.dtype == np.bool_ and answers.mean() < 0.1:
            assert each.average_precision == pytest.approx(precision, abs=6 * near)
        else:
            assert each.average_precision is None
    best = sorted((score for score, *_ in expected.values()), reverse=True)
    assert [each.score for each in found.results] == pytest.approx(best, abs=near)


@pytest.mark.parametrize("query", [Find(feature="word"), Find(feature="column"), Find(pattern="[aeiou]d")])
def test_the_top_five_of_a_long_text_are_the_exact_ones(query: Find) -> None:
    exact = find(query, TextReader(MODEL.network, LONG))
    found = long_search(query)
    assert exact.is_exact
    assert [(r.unit, r.quantity) for r in found.results[:5]] == [
        (r.unit, r.quantity) for r in exact.results[:5]
    ]
    assert len(found.results) == len(exact.results) == 20
    assert found.verdict == exact.verdict
    assert (found.positions, found.positives) == (exact.positions, exact.positives)
    assert found.probe.held_out == pytest.approx(exact.probe.held_out, abs=0.08)
    for ours, theirs in zip(found.results[:5], exact.results[:5], strict=True):
        assert ours.standard_error == pytest.approx(theirs.standard_error, rel=0.05)


def test_a_search_gives_the_same_result_for_the_same_seed() -> None:
    query = Find(feature="quotes", limit=5)
    assert long_search(query) == long_search(query)
    assert long_search(query).null != long_search(replace(query, seed=1)).null
    reader = TextReader(MODEL.network, TEXT)
    assert find(query, reader) == find(query, reader)


def test_the_standard_error_is_that_of_blocks_of_text() -> None:
    """Of texts drawn alike, held-out scores vary by about the standard error."""
    query = Find(feature="word", quantity="hidden", limit=12)
    texts = [text_of(8_000, seed=seed) for seed in range(20, 36)]
    network = random_network("lstm", Vocabulary.of("".join(texts)), 12, 0)
    found = [find(query, TextReader(network, text)) for text in texts]
    for unit in (0, 5, 11):
        ours = [next(r for r in each.results if r.unit == unit) for each in found]
        signed = [r.direction * (r.held_out - 0.5) for r in ours]
        errors = [r.standard_error for r in ours]
        assert 0.5 < np.std(signed, ddof=1) / np.mean(errors) < 2


def test_labels_ignore_what_is_nan_in_a_long_text_too() -> None:
    labels = np.where(np.arange(len(LONG)) % 7 == 0, np.nan, values(LONG, ["word"])["word"])
    found = long_search(Find(labels=Labels.of(labels), limit=3))
    exact = rnnscope.find(MODEL, LONG, labels=labels, top=3)
    assert found.positions == exact.positions == int((~np.isnan(labels)).sum())
    assert [r.unit for r in found.results] == [r.unit for r in exact.results]
    assert [r.held_out for r in found.results] == pytest.approx([r.held_out for r in exact.results], abs=1e-3)


def test_marked_spans_are_labels() -> None:
    spans = tuple((at, at + 5, at % 2 == 0) for at in range(0, 2000, 13))
    labels = np.full(len(TEXT), np.nan)
    for start, stop, is_on in spans:
        labels[start:stop] = is_on
    reader = TextReader(MODEL.network, TEXT)
    by_spans, by_labels = find(Find(spans=spans), reader), find(Find(labels=Labels.of(labels)), reader)
    assert by_spans.results == by_labels.results
    alone = find(Find(spans=tuple(span for span in spans if span[2])), reader)
    assert alone.positions == len(TEXT)


def test_a_long_text_can_be_searched_in_part() -> None:
    found = find(Find(feature="word", characters=5000), TextReader(MODEL.network, LONG))
    assert (found.characters, found.positions) == (5000, 5000)
    assert found == find(Find(feature="word"), TextReader(MODEL.network, LONG[:5000]))


def test_a_unit_that_never_forgets_is_found_in_a_long_text() -> None:
    network = planted_lstm(VOCABULARY)
    reader = TextReader(network, LONG)
    found = find(Find(feature="quotes"), reader, exact_bytes=0)
    exact = find(Find(feature="quotes"), reader)
    assert found.verdict == exact.verdict == "single neuron"
    assert found.results[0].unit == exact.results[0].unit
    assert found.results[0].held_out == pytest.approx(exact.results[0].held_out, abs=1e-3)


def test_progress_reaches_the_end_and_a_search_can_be_cancelled() -> None:
    shares: list[float] = []
    find(Find(feature="word"), TextReader(MODEL.network, LONG), Progress(shares.append), exact_bytes=0)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    asked: list[bool] = []

    def is_cancelled() -> bool:
        asked.append(True)
        return len(asked) > 30

    with pytest.raises(Cancelled):
        find(
            Find(feature="word"),
            TextReader(MODEL.network, LONG),
            Progress(is_cancelled=is_cancelled),
            exact_bytes=0,
        )


def test_a_result_displays_itself_in_a_notebook() -> None:
    found = rnnscope.find(MODEL, TEXT, pattern="[<a>]", top=2)
    shown = notebook_html(found)
    best = found.results[0]
    assert "[&lt;a&gt;]" in shown
    assert f"{best.layer}/{best.unit}" in shown
    assert f"{best.held_out:.3f}" in shown
    assert "<script" not in shown


def test_one_quantity_alone_can_be_searched() -> None:
    found = rnnscope.find(MODEL.trace(TEXT), feature="word", quantity="cell", top=100)
    assert {each.quantity for each in found.results} == {"cell"}
    assert len(found.results) == 12


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"feature": "quote"}, OptionError, "there is no feature 'quote'"),
        ({}, OptionError, "give exactly one of"),
        ({"feature": "word", "pattern": "a"}, OptionError, "give exactly one of"),
        (
            {"feature": "word", "quantity": "update"},
            OptionError,
            "no quantity 'update'.*it has input, forget",
        ),
        ({"feature": "word", "top": 0}, OptionError, "limit is 0, but must be at least 1"),
        ({"pattern": "zebra"}, TextError, "zebra is nowhere in the"),
        ({"labels": [1, 0]}, OptionError, "2 labels and 6,000 characters"),
        ({"labels": np.full(6_000, np.nan)}, TextError, "0 positions"),
        ({"labels": np.full(6_000, "a")}, OptionError, "one number or boolean per character"),
    ],
)
def test_mistakes_are_reported(arguments: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        rnnscope.find(MODEL, TEXT, **arguments)


@pytest.mark.parametrize(
    ("score", "held_out", "probe", "verdict"),
    [
        (0.95, 0.94, 0.96, "single neuron"),
        (0.8, 0.8, 0.96, "distributed"),
        (0.95, 0.6, 0.62, "not encoded"),
        (0.55, 0.9, 0.58, "not encoded"),  # its selection score is within the shuffled baseline
    ],
)
def test_the_verdict_weighs_the_best_unit_and_the_probe(
    score: float, held_out: float, probe: float, verdict: str
) -> None:
    best = replace(
        find(Find(feature="word", limit=1), TextReader(MODEL.network, TEXT)).results[0],
        score=score,
        held_out=held_out,
    )
    assert verdict_of([best], 0.6, Probe(probe, 3)) == verdict
    assert verdict_of([], 0.6, Probe(probe, 3)) == "not encoded"


def test_the_command_prints_what_the_library_finds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_model(MODEL.network, tmp_path / "model.safetensors", {})
    (tmp_path / "text.txt").write_text(TEXT)
    np.save(tmp_path / "labels.npy", values(TEXT, ["word"])["word"])
    where = [str(tmp_path / "model.safetensors"), str(tmp_path / "text.txt")]
    printed = []
    for given in (["--feature", "word"], ["--labels", str(tmp_path / "labels.npy")]):
        assert main(["find", *where, *given, "--top", "4", "--json"]) == 0
        printed.append(json.loads(capsys.readouterr().out))
    expected = rnnscope.find(MODEL, TEXT, feature="word", top=4)
    assert printed[0] == json.loads(json.dumps(expected.to_dict()))
    assert set(printed[0]) == {
        *("feature", "positions", "positives", "results", "null", "probe"),
        *("verdict", "is_exact", "characters"),
    }
    assert set(printed[0]["results"][0]) == {
        *("layer", "unit", "quantity", "metric", "score", "held_out", "direction"),
        *("average_precision", "standard_error"),
    }
    assert set(printed[0]["probe"]) == {"held_out", "units_used"}
    assert printed[1]["results"] == printed[0]["results"]
    assert main(["find", *where, "--pattern", r"\(", "--where", "after"]) == 0
    out = capsys.readouterr().out
    assert "just after" in out
    assert "shuffled baseline" in out
    assert main(["find", *where]) == 2
    assert "--feature, --pattern and --labels" in capsys.readouterr().err
