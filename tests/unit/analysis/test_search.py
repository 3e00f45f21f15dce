"""The search against scores worked out one unit at a time, and the fast ways against the exact one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import rnnscope
from rnnscope.analysis.along import Passage
from rnnscope.analysis.evidence import count_trace
from rnnscope.analysis.features import FEATURES, values
from rnnscope.analysis.lanes import LaneReader, Lanes, in_order, readers
from rnnscope.analysis.questions import BuiltIn, Labels, Pattern, Question
from rnnscope.analysis.search import find_along, find_in_trace, measures
from rnnscope.analysis.statistics import auc, spearman
from rnnscope.analysis.streaming import count_along
from rnnscope.api import Model
from rnnscope.cli import main
from rnnscope.errors import OptionError, TextError
from rnnscope.network.architecture import QUANTITIES
from rnnscope.network.checkpoint import save_model
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.tracing.record import record
from tests.unit.analysis.planted import random_network, text_of

TEXT = text_of(6_000)
VOCABULARY = Vocabulary.of(TEXT)
MODEL = Model(random_network("lstm", VOCABULARY, 12, 0))


def halves(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Sixteen blocks in turn."""
    chooses = np.arange(n) // -(-n // 16) % 2 == 0
    return chooses, ~chooses


@pytest.mark.parametrize("feature", ["word", "round-brackets", "column"])
def test_scores_are_those_of_every_unit_worked_out_alone(feature: str) -> None:
    trace, answers = MODEL.trace(TEXT), values(TEXT, [feature])[feature]
    chooses, reports = halves(len(TEXT))
    is_boolean = answers.dtype == np.bool_
    expected = {}
    for quantity in trace.quantities:
        for unit in range(12):
            column = trace[f"1/{quantity}"][:, unit]
            signed = [
                auc(column[half], answers[half]) if is_boolean else spearman(column[half], answers[half])
                for half in (chooses, reports)
            ]
            middle = 0.5 if is_boolean else 0.0
            direction = 1 if signed[0] >= middle else -1
            expected[quantity, unit] = [middle + direction * (each - middle) for each in signed] + [direction]
    found = rnnscope.find(trace, feature=feature, top=72)
    assert len(found.results) == 72
    for each in found.results:
        score, held_out, direction = expected[each.quantity, each.unit]
        assert each.score == pytest.approx(score, abs=1e-6)
        assert each.held_out == pytest.approx(held_out, abs=1e-6)
        assert each.direction == direction
    best = sorted((score for score, _, _ in expected.values()), reverse=True)
    assert [each.score for each in found.results] == pytest.approx(best, abs=1e-6)
    few = rnnscope.find(trace, feature=feature, top=3)
    assert [(e.unit, e.quantity) for e in few.results] == [(e.unit, e.quantity) for e in found.results[:3]]


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("cell", QUANTITIES)
@pytest.mark.parametrize(("layers", "embedding", "most"), [(1, 0, 4), (2, 5, 40)])
def test_lanes_read_what_a_trace_of_the_whole_text_reads(
    cell: str, layers: int, embedding: int, most: int, two_threads: None
) -> None:
    """A network that has learnt nothing forgets: each lane soon is where the whole text would be."""
    network = random_network(cell, VOCABULARY, 12, 1, layers, embedding)
    text = text_of(36_000, seed=4) if most > 4 else TEXT
    ids = VOCABULARY.encode(text)[: len(text) // 12 * 12 + 7]
    trace, lanes = record(network, ids), Lanes.over(len(ids), most)
    reader = LaneReader(network, ids, lanes)
    for first, recorded in reader.read():
        assert set(recorded) == set(trace.activations)
        steps = next(iter(recorded.values())).shape[0]
        for name, found in recorded.items():
            for lane, start in enumerate(lanes.starts.tolist()):
                whole = trace[name][start + first : start + first + steps]
                np.testing.assert_allclose(found[:, lane].numpy(), whole, atol=2e-5)
    assert reader.met


def test_lanes_of_what_never_forgets_do_not_meet() -> None:
    network = random_network("lstm", VOCABULARY, 12, 1)
    with torch.no_grad():
        network.layers[0].tensors()["bias_ih"][12:24] = 30.0  # the forget gate stands open
        network.layers[0].tensors()["weight_ih"][24:36] += 0.1
    ids = VOCABULARY.encode(TEXT)
    reader = LaneReader(network, ids, Lanes.over(len(ids), 4))
    for _ in reader.read():
        pass
    assert not reader.met
    exact = LaneReader(network, ids, reader.lanes, starts=in_order)
    _, recorded = next(exact.read())
    start = int(reader.lanes.starts[2])
    whole = record(network, ids)["1/cell"][start : start + len(recorded["1/cell"])]
    np.testing.assert_allclose(recorded["1/cell"][:, 2].numpy(), whole, atol=1e-4, rtol=1e-4)


def latch() -> tuple[CharRNN, np.ndarray]:
    """Unit 0 holds 1 from each + on, and −1 from each −: a thousand characters, four times as long as lanes
    are warmed up for, and shorter than a lane.
    """
    text = "".join(("+" if turn % 2 else "-") + text_of(997, seed=turn) for turn in range(24))
    vocabulary = Vocabulary.of(text)
    network = random_network("lstm", vocabulary, 12, 1)
    weight = network.layers[0].tensors()
    plus, minus = (vocabulary.symbols.index(symbol) for symbol in "+-")
    with torch.no_grad():
        for name, tensor in weight.items():
            gates = tensor.view(4, 12, *tensor.shape[1:])[:, 0]  # i, f, g, o
            gates.zero_()
            if name == "bias_ih":
                gates.copy_(torch.tensor([-30.0, 30.0, 0.0, 30.0]))
            elif name == "weight_ih":
                gates[:2, [plus, minus]] = torch.tensor([[60.0], [-60.0]])
                gates[2, [plus, minus]] = torch.tensor([30.0, -30.0])
    return network, vocabulary.encode(text)


def test_what_a_network_holds_for_long_is_known_without_reading_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every lane is read again from where the one before it ended."""
    network, ids = latch()
    lanes = Lanes.over(len(ids), 12)
    monkeypatch.setattr("rnnscope.analysis.lanes.in_order", None)
    whole, met = record(network, ids), []
    for reader in readers(network, ids, lanes):
        read = {name: [] for name in whole.activations}
        for _, recorded in reader.read():
            for name, part in recorded.items():
                read[name].append(part.clone())
        met.append(reader.met)
    assert met == [False, True]
    for name, parts in read.items():
        for lane, start in enumerate(lanes.starts.tolist()):
            expected = whole[name][start : start + lanes.length]
            np.testing.assert_allclose(torch.cat(parts)[:, lane].numpy(), expected, atol=2e-5)


@pytest.mark.parametrize(
    "question",
    [
        BuiltIn(FEATURES),
        Pattern('"[^"]*"'),
        Pattern("^.", "after"),
        Pattern(r"\b", "before"),
        Labels(np.where(np.arange(len(TEXT)) % 7 == 0, np.nan, np.arange(len(TEXT)) % 3 == 0)),
    ],
)
@pytest.mark.parametrize("kept", [1 << 21, 0])
def test_along_lanes_the_answers_are_those_of_the_whole_text(
    question: Question, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether they are kept from the survey, or read again; also where a lane begins within a block."""
    monkeypatch.setattr("rnnscope.analysis.surveyed._KEPT", kept)
    monkeypatch.setattr("rnnscope.analysis.surveyed._BLOCK", 1000)
    lanes = Lanes.over(len(TEXT), 4)
    along = question.along(Passage(VOCABULARY.encode(TEXT), VOCABULARY.symbols), lanes)
    whole, first = question.over(TEXT), 0
    for n in (16, 700, lanes.length - 716):
        found = along.read(n)
        for lane, start in enumerate((lanes.starts + first).tolist()):
            part = slice(start, start + n)
            np.testing.assert_array_equal(found.booleans[:, lane], whole.booleans[:, 0, part])
            if whole.is_asked is not None and found.is_asked is not None:
                np.testing.assert_array_equal(found.is_asked[lane], whole.is_asked[0, part])
            for ranks, numbers in zip(found.numbers[:, lane], whole.numbers[:, 0, part], strict=True):
                assert spearman(ranks, numbers) == pytest.approx(1.0) or not np.ptp(numbers)
        first += n
    np.testing.assert_array_equal(
        along.on, whole.booleans[:, 0, : 4 * lanes.length].reshape(-1, 4, lanes.length).sum(axis=2)
    )


def test_a_pass_in_lanes_scores_as_a_trace_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where positions are passed over, since there are plenty."""
    text = text_of(40_000, seed=3)
    ids = VOCABULARY.encode(text)
    trace = MODEL.trace(text)
    exact = measures(count_trace(trace, BuiltIn(FEATURES), None).chosen_by)
    for looked_at, tolerance in ((1 << 20, 0.0), (2_000, 4 * 0.29 / 2_000**0.5)):
        monkeypatch.setattr("rnnscope.analysis.thinning._LOOK", looked_at)
        monkeypatch.setattr("rnnscope.analysis.thinning._COUNT", looked_at // 4)
        monkeypatch.setattr("rnnscope.analysis.thinning._LONG", 1 if tolerance else 1 << 20)
        evidence = count_along(MODEL.network, ids, BuiltIn(FEATURES), lanes=22)
        lanes = Lanes.over(len(ids), 22)
        chosen = np.concatenate(
            [np.arange(start, start + lanes.length) for start in lanes.starts[::2].tolist()]
        )
        on = BuiltIn(["word", "quotes"]).over(text).booleans[:, 0, chosen]
        columns = BuiltIn(["column"]).over(text).numbers[0, 0, chosen]
        names = [each.name for each in evidence.asked]
        for column in (0, 13, 29, 41, 55, 71):
            _, unit, quantity = evidence.columns[column]
            ours = measures(evidence.chosen_by)[column]
            for number, name in enumerate(("word", "quotes")):
                expected = auc(trace[f"1/{quantity}"][chosen, unit], on[number])
                assert ours[names.index(name)] == pytest.approx(expected, abs=0.005 + tolerance)
            along = spearman(trace[f"1/{quantity}"][chosen, unit], columns)
            assert ours[names.index("column")] == pytest.approx(along, abs=0.005 + 3 * tolerance)
        assert evidence.chosen_by.positions == pytest.approx(len(chosen), rel=0.04 if tolerance else 0)
    assert exact.shape == measures(evidence.chosen_by).shape


def test_progress_is_told_to_its_end() -> None:
    told: list[float] = []
    found = find_along(MODEL.network, VOCABULARY.encode(TEXT), BuiltIn(["word"]), told=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(found.results) == 20


def test_findings_show_themselves_in_a_notebook() -> None:
    found = rnnscope.find(MODEL, TEXT, pattern="[<a>]", top=2)
    best = found.results[0]
    shown = found._repr_html_()
    assert "[&lt;a&gt;]: 6,000 positions" in shown
    assert f"{best.layer}/{best.unit}" in shown
    assert f"{best.held_out:.3f}" in shown
    assert "<script" not in shown
    assert f"best {best.layer}/{best.unit} {best.quantity} {best.held_out:.3f}" in repr(found)
    assert found.verdict in repr(found)


def test_one_quantity_alone_can_be_searched() -> None:
    found = find_in_trace(MODEL.trace(TEXT), BuiltIn(["word"]), quantity="cell", top=100)
    assert {each.quantity for each in found.results} == {"cell"}
    assert len(found.results) == 12


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"feature": "quote"}, OptionError, "there is no feature 'quote'"),
        ({}, OptionError, "one thing at a time"),
        ({"feature": "word", "pattern": "a"}, OptionError, "one thing at a time"),
        (
            {"feature": "word", "quantity": "update"},
            OptionError,
            "no quantity 'update'.*it has input, forget",
        ),
        ({"pattern": "zebra"}, TextError, "zebra is nowhere in the"),
        ({"labels": [1, 0]}, OptionError, "2 labels and 6,000 characters"),
        ({"labels": np.full(6_000, np.nan)}, TextError, "0 positions"),
        ({"labels": np.full(6_000, "a")}, OptionError, "one number or boolean a character"),
    ],
)
def test_slips_are_told(arguments: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        rnnscope.find(MODEL, TEXT, **arguments)


def test_the_command_prints_what_the_library_finds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_model(MODEL.network, tmp_path / "model.safetensors", {})
    (tmp_path / "text.txt").write_text(TEXT)
    np.save(tmp_path / "labels.npy", values(TEXT, ["word"])["word"])
    where = [str(tmp_path / "model.safetensors"), str(tmp_path / "text.txt")]
    printed = []
    for asked in (["--feature", "word"], ["--labels", str(tmp_path / "labels.npy")]):
        assert main(["find", *where, *asked, "--top", "4", "--json"]) == 0
        printed.append(json.loads(capsys.readouterr().out))
    expected = rnnscope.find(MODEL, TEXT, feature="word", top=4)
    assert printed[0] == json.loads(json.dumps(expected.to_json()))
    assert set(printed[0]) == {"feature", "positions", "positives", "results", "null", "probe"}
    assert printed[1]["results"] == printed[0]["results"]
    assert main(["find", *where, "--pattern", r"\(", "--where", "after"]) == 0
    out = capsys.readouterr().out
    assert "just after" in out
    assert out.strip().endswith(("knows", "together"))
    assert main(["find", *where]) == 2
    assert "--feature, --pattern and --labels" in capsys.readouterr().err
