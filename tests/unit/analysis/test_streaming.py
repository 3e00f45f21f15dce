"""A pass along a long text, and each of the ways in which it saves work, against every value of that pass."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rnnscope.analysis.along import Passage
from rnnscope.analysis.binning import Binning
from rnnscope.analysis.control import Control, Sums
from rnnscope.analysis.evidence import Evidence
from rnnscope.analysis.features import FEATURES
from rnnscope.analysis.lanes import LaneReader, Lanes
from rnnscope.analysis.questions import BuiltIn
from rnnscope.analysis.statistics import BINS, auc, spearman
from rnnscope.analysis.streaming import count_along
from rnnscope.analysis.tally import Tally
from rnnscope.analysis.thinning import Thinning
from rnnscope.analysis.threads import Threads
from rnnscope.network.architecture import Architecture
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary
from tests.unit.analysis.planted import random_network, text_of

TEXT = text_of(40_000, seed=5)
VOCABULARY = Vocabulary.of(TEXT)
IDS = VOCABULARY.encode(TEXT)
LANES = 8


def values_read(network: CharRNN, evidence: Evidence) -> np.ndarray:
    """(C, n) of the half that chooses, lane after lane."""
    reader = LaneReader(network, IDS, Lanes.over(len(IDS), LANES))
    pieces = [
        torch.cat([recorded[f"{layer}/{each}"][:, ::2] for layer, each in evidence.columns.keys], dim=2)
        for _, recorded in reader.read()
    ]
    return torch.cat(pieces).permute(2, 1, 0).flatten(1).numpy()


def answers_read() -> tuple[np.ndarray, np.ndarray]:
    """(F, n) and (G, n) of the half that chooses, lane after lane."""
    lanes = Lanes.over(len(IDS), LANES)
    read = BuiltIn(FEATURES).along(Passage(IDS, VOCABULARY.symbols), lanes).read(lanes.length)
    on, numbers = (part[:, ::2].reshape(len(part), -1) for part in (read.booleans, read.numbers))
    return on, numbers


def settling_network() -> CharRNN:
    """Unit 0's cell gathers for a thousand characters what it holds from then on, but for a little that
    depends on the character; unit 1's gates hardly move.
    """
    architecture = Architecture(cell="lstm", vocabulary_size=len(VOCABULARY), hidden_size=4, embedding_size=0)
    network = CharRNN(architecture, VOCABULARY).eval()
    random = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for weight in network.parameters():
            weight.copy_(0.5 * torch.randn(weight.shape, generator=random))
        weights = network.layers[0].tensors()
        by_gate = {name: tensor.unflatten(0, (4, 4)) for name, tensor in weights.items()}  # i, f, g, o
        for name, gates in by_gate.items():
            gates[:, 0] = 0
            gates[:, 1] *= 1e-6 if name.startswith("weight") else 1
        by_gate["bias_ih"][:, 0] = torch.tensor([9.0, 6.9, 0.02, 0.0])  # c → g / (1 − f) = 20
        by_gate["weight_ih"][2, 0] = 0.004 * torch.randn(len(VOCABULARY), generator=random)
    return network


@pytest.mark.parametrize("kind", ["random", "settling"])
def test_a_pass_scores_as_every_value_of_it_does(kind: str) -> None:
    """Also of a unit that moves far away from where its bins were laid out, and of one that hardly moves."""
    network = settling_network() if kind == "settling" else random_network("lstm", VOCABULARY, 6, 1)
    evidence = count_along(network, IDS, BuiltIn(FEATURES), lanes=LANES)
    values, (on, numbers) = values_read(network, evidence), answers_read()
    assert values.shape[1] == on.shape[1] == evidence.chosen_by.positions
    areas, correlations = evidence.chosen_by.areas(), evidence.chosen_by.correlations()
    for column, row in enumerate(values):
        for feature, is_on in enumerate(on):
            if 20 <= is_on.sum() <= len(is_on) - 20:
                where = evidence.columns[column], evidence.asked[feature].name
                assert areas[column, feature] == pytest.approx(auc(row, is_on), abs=0.005), where
        moves = kind == "settling" and evidence.columns[column] in {(1, 0, "cell"), (1, 0, "hidden")}
        for number, each in enumerate(numbers):
            expected = pytest.approx(spearman(row, each), abs=0.03 if moves else 0.01)
            assert correlations[column, number] == expected


def test_the_settling_unit_leaves_its_first_bins() -> None:
    """Or the test before would tell nothing."""
    network = settling_network()
    reader = LaneReader(network, IDS, Lanes.over(len(IDS), LANES))
    cells = [recorded["1/cell"][..., 0].clone() for _, recorded in reader.read()]
    assert reader.met
    assert cells[0].max() < cells[-1].min()
    gate = next(reader.read())[1]["1/forget"][..., 1]
    assert 0 < gate.max() - gate.min() < 1e-5


def test_what_is_looked_at_is_enough_of_every_class_and_stands_for_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rnnscope.analysis.thinning._LOOK", 1_000)
    monkeypatch.setattr("rnnscope.analysis.thinning._COUNT", 300)
    monkeypatch.setattr("rnnscope.analysis.thinning._LONG", 1_000)
    lanes = Lanes.over(len(IDS), LANES)
    along = BuiltIn(FEATURES).along(Passage(IDS, VOCABULARY.symbols), lanes)
    thinning = Thinning(along, slice(0, LANES, 2))
    looked = counted = 0.0
    weights, sizes = np.zeros(len(along.on)), np.zeros(len(along.on))
    taken = np.zeros(len(along.on), np.int64)
    for first in range(0, lanes.length, 1000):
        n = min(1000, lanes.length - first)
        answers = along.read(n)
        at = lanes.starts[:, None] + np.arange(first - 1, first + n)
        chosen = thinning.choose(answers, IDS[at.clip(0)])
        on = answers.booleans[:, ::2][:, *chosen.at]
        weights += on @ (1 / chosen.share)
        taken += on.sum(axis=1)
        sizes += answers.booleans[:, ::2].sum(axis=(1, 2))
        looked += (1 / chosen.share).sum()
        counted += chosen.stands_for.sum()
        assert len(set(zip(*(each.tolist() for each in chosen.at), strict=True))) == len(chosen.lane)
    everyone = lanes.length * LANES // 2
    assert looked == pytest.approx(everyone, rel=0.02)
    assert counted == pytest.approx(everyone, rel=0.04)
    assert taken.sum() < 0.7 * sizes.sum()
    names = [each.name for each in BuiltIn(FEATURES).asked if each.kind == "boolean"]
    for name, size, weight, n in zip(names, sizes, weights, taken, strict=True):
        assert n >= 0.9 * min(size, 1_000), name
        assert weight == pytest.approx(size, rel=0.05), name


def test_sums_of_ranks_give_the_scores_of_the_ranks() -> None:
    random = np.random.default_rng(0)
    n = 512
    ranks = np.stack([random.permutation(n) for _ in range(3)]) + 0.5
    on, numbers = random.random((2, n)) < 0.2, random.standard_normal((2, n)).astype(np.float32)
    numbers = np.argsort(np.argsort(numbers, axis=1), axis=1).astype(np.float32)
    sums = Sums(3, 2, 2)
    for part in (slice(0, 100), slice(100, n)):
        rows = sums.rows(on[:, part], numbers[:, part], np.ones(part.stop - part.start))
        sums.add(slice(0, 3), torch.from_numpy(ranks[:, part].T * BINS / n).float(), rows)
        sums.settle()
    spread = np.full(3, np.std(np.arange(n) / n))
    for column in range(3):
        for k in range(2):
            assert sums.areas()[column, k] == pytest.approx(auc(ranks[column], on[k]), abs=1e-5)
            expected = spearman(ranks[column], numbers[k])
            assert sums.correlations(spread)[column, k] == pytest.approx(expected, abs=1e-4)


def test_a_control_puts_right_what_a_thin_count_is_off_by() -> None:
    random = np.random.default_rng(1)
    n, every = 60_000, 50
    values = random.standard_normal((n, 4)).astype(np.float32) ** 3
    on = (values.T + random.standard_normal((4, n))) > 1
    binning = Binning.of(torch.from_numpy(values[:4096]))
    bins, few = torch.empty(4, n, dtype=torch.uint8), slice(0, n, every)
    binning.fill(bins, torch.from_numpy(values))
    none = np.zeros((0, n), np.float32)
    plain, controlled = Tally(4, 4, 0), Tally(4, 4, 0)
    with Threads() as threads:
        for tally in (plain, controlled):
            tally.add(bins[:, few].contiguous(), on[:, few], none[:, few], threads=threads)
    controlled.control = Control(Sums(4, 4, 0), Sums(4, 4, 0))
    for sums, part in ((controlled.control.many, slice(None)), (controlled.control.few, few)):
        rows = sums.rows(on[:, part], none[:, part], np.ones(len(range(n)[part])))
        sums.add(slice(0, 4), binning.pieces.of(binning.centred(torch.from_numpy(values[part]))), rows)
    controlled.control.settle()
    exact = np.array([[auc(column, is_on) for is_on in on] for column in values.T])
    # Where a unit knows nothing, most is put right.
    off, is_own = [np.abs(tally.areas() - exact) for tally in (plain, controlled)], np.eye(4, dtype=bool)
    assert off[0].max() > 0.01
    assert off[1][~is_own].max() < 0.5 * off[0][~is_own].max()
    assert off[1].max() < 0.5 * off[0].max()


def test_counts_that_are_moved_into_other_bins_score_as_before() -> None:
    random = np.random.default_rng(2)
    early = random.standard_normal((20_000, 3)).astype(np.float32)
    late = early + np.array([0, 3, 100], np.float32)
    on = random.random((1, 20_000)) < 1 / (1 + np.exp(-early[:, 1]))
    binning, tally, none = Binning.of(torch.from_numpy(early[:4096])), Tally(3, 1, 0), np.zeros((0, 20_000))
    assert binning.outgrown(torch.from_numpy(early)).tolist() == []
    columns = binning.outgrown(torch.from_numpy(late))
    assert columns.tolist() == [1, 2]
    bins = torch.empty(3, 20_000, dtype=torch.uint8)
    with Threads() as threads:
        binning.fill(bins, torch.from_numpy(early))
        tally.add(bins, on, none.astype(np.float32), threads=threads)
        before = tally.areas()
        binning, borders = binning.widened(columns, torch.from_numpy(late), 0.5)
        tally.move(columns, borders)
        assert (tally.total.sum(axis=1) == 20_000).all()
        np.testing.assert_allclose(tally.areas()[:2], before[:2], atol=0.004)
        binning.fill(bins, torch.from_numpy(late))
        tally.add(bins, on, none.astype(np.float32), threads=threads)
    for column in range(3):
        exact = auc(np.concatenate([early[:, column], late[:, column]]), np.tile(on[0], 2))
        assert tally.areas()[column, 0] == pytest.approx(exact, abs=0.005)


def test_values_that_differ_in_their_last_digits_have_bins_of_their_own() -> None:
    random = np.random.default_rng(4)
    values = (0.974 + 1e-6 * random.standard_normal((20_000, 1))).astype(np.float32)
    bins = torch.empty(1, 20_000, dtype=torch.uint8)
    Binning.of(torch.from_numpy(values[:4096])).fill(bins, torch.from_numpy(values))
    assert auc(bins[0].numpy(), values[:, 0] > np.median(values)) > 0.995
