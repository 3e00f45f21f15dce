"""The network and n-grams on the same characters, against both computed directly."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rnnscope.analysis.brackets import Brackets
from rnnscope.analysis.comparison import CONTEXT, ORDERS, Comparison, ComparisonResult
from rnnscope.analysis.errors import Errors, break_down
from rnnscope.analysis.ngrams import NgramPage, Ngrams
from rnnscope.analysis.words import CLOSERS, pairs, word_counts
from rnnscope.cli import main
from rnnscope.errors import OptionError, RnnscopeError, TextError
from rnnscope.network.architecture import Architecture
from rnnscope.network.checkpoint import save_model
from rnnscope.network.model import CharRNN
from rnnscope.progress import Cancelled, Progress
from rnnscope.session import Session
from rnnscope.text.ngram import log_probabilities_by_order
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.tracing.record import record

SIZE = 6000


def writing(characters: int, seed: int) -> str:
    """Words, brackets and quotes at random."""
    random = np.random.default_rng(seed)
    words = ["the", "bell", "(rang", "late)", '"seven', 'ells"', "of\n", "tide", "[noon]", "ferry", "and"]
    words += ["".join(random.choice(list("abcdefghij"), 4)) for _ in range(20)]
    text = ""
    while len(text) < characters:
        text += words[int(random.integers(len(words)))] + " "
    return text[:characters]


TRAINING = writing(SIZE * 2, seed=1)
NEW = writing(SIZE, seed=2)


@pytest.fixture(scope="module")
def model() -> CharRNN:
    vocabulary = Vocabulary.of(TRAINING + NEW)
    shape = Architecture("lstm", len(vocabulary), 12, 1)
    return CharRNN(shape, vocabulary, generator=torch.Generator().manual_seed(3)).eval()


def session(model: CharRNN, text: str, training: str | None = None) -> Session:
    return Session(model, text, training_text=lambda: training)


def directly(
    model: CharRNN, learned: str, text: str, start: int, stop: int, order: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """ln p of the characters start .. stop−1, of the network and of an n-gram model."""
    ids = model.vocabulary.encode(text)
    rows = record(model, ids[:stop]).log_probabilities
    network = rows[np.arange(start - 1, stop - 1), ids[start:stop]]
    first = max(0, start - order)
    by_order = log_probabilities_by_order(
        model.vocabulary.encode(learned), ids[first:stop], len(model.vocabulary), (order,)
    )
    return network, dict(by_order)[order][start - first :]


def check(model: CharRNN, found: ComparisonResult, learned: str, text: str, start: int, stop: int) -> None:
    assert found.training == learned
    assert (found.split.start, found.split.characters) == (start, stop - start)
    assert found.text == text[start:stop]
    assert found.before == text[max(0, start - CONTEXT) : start]
    of_order = {n: directly(model, learned, text, start, stop, n) for n in ORDERS}
    np.testing.assert_allclose(found.network_log_probabilities, of_order[1][0], atol=1e-4)
    assert found.by_order == {n: pytest.approx(-expected.mean()) for n, (_, expected) in of_order.items()}
    assert found.order == min(found.by_order, key=lambda n: found.by_order[n])
    np.testing.assert_allclose(found.ngram_log_probabilities, of_order[found.order][1])
    lowest = [
        min((n for n in ORDERS if of_order[n][1][at] > np.log(0.5)), default=0) for at in range(stop - start)
    ]
    assert found.sufficient_order.tolist() == lowest


def test_n_grams_learn_the_training_text_and_a_new_text_is_evaluated_from_its_start(model: CharRNN) -> None:
    found = session(model, NEW, TRAINING).ask(Comparison())
    check(model, found, TRAINING, NEW, 1, SIZE)
    assert found.split.training_text == "the model's training text"
    assert found.split.removed_characters == 0


def test_the_last_tenth_is_evaluated_where_no_training_text_is_at_hand(model: CharRNN) -> None:
    found = session(model, NEW).ask(Comparison())
    check(model, found, NEW[:5400], NEW, 5400, SIZE)
    assert found.split.training_text == "the first nine tenths of the text"


def test_a_text_inside_the_training_text_is_removed_from_it(model: CharRNN) -> None:
    text = TRAINING[3000:7000]
    found = session(model, text, TRAINING).ask(Comparison(characters=2500))
    check(model, found, TRAINING[:3001] + TRAINING[5501:], text, 1, 2501)
    assert found.split.removed_characters == 2500
    again = session(model, text, TRAINING + NEW + TRAINING).ask(Comparison(characters=2500))
    assert again.split.removed_characters == 5000


def test_a_text_that_begins_with_the_training_text_is_evaluated_after_it(model: CharRNN) -> None:
    """As where the model's whole corpus is opened: what follows is its validation text."""
    found = session(model, TRAINING + NEW, TRAINING).ask(Comparison(characters=1500))
    check(model, found, TRAINING, TRAINING + NEW, 2 * SIZE, 2 * SIZE + 1500)
    assert found.split.removed_characters == 0


def test_a_training_text_named_by_the_query_loses_the_evaluated_text(model: CharRNN, tmp_path: Path) -> None:
    path = tmp_path / "learned.txt"
    path.write_text(NEW + TRAINING)
    named = session(model, NEW, TRAINING).ask(Comparison(train=str(path)))
    check(model, named, NEW[:1] + TRAINING, NEW, 1, SIZE)
    assert named.split.training_text == "learned.txt"
    assert named.split.removed_characters == SIZE - 1
    by_heart = directly(model, NEW + TRAINING, NEW, 1, SIZE, 9)[1]
    assert named.by_order[9] > 2 * -by_heart.mean()


def test_lines_that_many_texts_share_are_learned(model: CharRNN) -> None:
    header = writing(900, seed=3)
    training = "".join(header + TRAINING[at : at + 1000] for at in range(0, SIZE, 1000))
    text = header + NEW[:4000] + header + NEW[4000:]
    found = session(model, text, training).ask(Comparison())
    assert found.split.removed_characters == 0
    check(model, found, training, text, 1, len(text))
    refrain = "the bell rang late\n" * 300
    again = session(model, refrain, refrain + TRAINING).ask(Comparison(characters=1000))
    assert len(again.training) == len(refrain) + len(TRAINING) - 1000


def test_the_same_query_has_one_answer_however_it_is_asked(
    model: CharRNN, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command line and the screen each had a rule of their own; ahead in one was behind in the other."""
    (tmp_path / "training.txt").write_text(TRAINING)
    recorded = {"options": {"text": str(tmp_path / "training.txt"), "held_out": 0.0}}
    save_model(model, tmp_path / "model.safetensors", recorded)
    for number, text in enumerate((NEW, TRAINING[1000:4000], TRAINING, TRAINING + NEW)):
        path = tmp_path / f"{number}.txt"
        path.write_text(text)
        given = ["analyze", str(tmp_path / "model.safetensors"), str(path), "ngrams", "--characters", "2000"]
        assert main([*given, "--json"]) == 0
        printed = json.loads(capsys.readouterr().out)
        opened = Session.open(str(tmp_path / "model.safetensors"), str(path)).ask(Ngrams(characters=2000))
        assert printed == json.loads(json.dumps(opened.to_dict()))
        made = session(model, text, TRAINING).ask(Ngrams(characters=2000))
        assert made.ahead_nats == pytest.approx(opened.ahead_nats, abs=1e-5)
        compared = session(model, text, TRAINING).ask(Comparison(characters=2000))
        assert text[compared.split.start :].startswith(compared.text)
        assert compared.text not in compared.training


def test_errors_brackets_and_ngrams_share_one_comparison(model: CharRNN) -> None:
    asked = session(model, TRAINING + NEW, TRAINING)
    found = asked.ask(Comparison())
    text, start = TRAINING + NEW, 2 * SIZE
    before = start - CONTEXT

    errors = asked.ask(Errors())
    assert (errors.text_start, errors.text, errors.split) == (before, text[before:], found.split)
    expected = break_down(
        text[before:], found.network_log_probabilities, found.sufficient_order, word_counts(TRAINING)
    )
    for bucket, by in zip(errors.buckets, expected, strict=True):
        assert (bucket.positions - before).tolist() == by.positions.tolist()
    assert errors.errors == int((found.network_log_probabilities < np.log(0.5)).sum())
    assert errors.error_rate == pytest.approx(errors.errors / SIZE)

    brackets = asked.ask(Brackets())
    assert [each.closer for each in brackets.closers] == [")", "]", '"']
    for each in brackets.closers:
        whole = [pair for pair in pairs(text[before:], each.closer) if pair[1] >= CONTEXT]
        assert each.positions.tolist() == [closing + before for _, closing in whole]
        assert {text[at] for at in each.openers.tolist()} == {CLOSERS[each.closer]}
        for number, count in enumerate(each.counts.tolist()):
            at = each.of_bin(number) - start
            assert len(at) == count
            if count:
                assert each.network_nats[number] == pytest.approx(-found.network_log_probabilities[at].mean())
                assert each.ngram_nats[number] == pytest.approx(-found.ngram_log_probabilities[at].mean())

    ngrams = asked.ask(Ngrams(limit=4))
    assert ngrams.by_order == found.by_order
    ranked = np.argsort(-found.differences, kind="stable") + start
    assert [each.position for each in ngrams.ahead] == ranked[:4].tolist()
    assert [each.position for each in ngrams.behind] == ranked[::-1][:4].tolist()
    first = ngrams.ahead[0]
    shown = first.before + first.character + first.after
    at = first.position - len(first.before)
    assert text[at : at + len(shown)] == shown
    assert first.nats == pytest.approx(np.log(first.network / first.ngram))
    evaluated = [max(0, position - start) for position in range(at, at + len(shown))]
    expected_around = np.where(np.arange(at, at + len(shown)) < start, 0, found.differences[evaluated])
    np.testing.assert_allclose(first.around, expected_around, rtol=1e-6)


def test_a_page_that_was_evaluated_has_the_differences_of_the_comparison(model: CharRNN) -> None:
    asked = session(model, NEW)
    page = asked.ask(NgramPage(5500, 5700))
    found = asked.ask(Comparison())
    assert (page.start, page.order) == (5500, found.order)
    np.testing.assert_allclose(page.nats, found.differences[100:300], rtol=1e-6)


@pytest.mark.parametrize(("start", "stop"), [(0, 1200), (1000, 2200), (5300, 5600), (5900, 9000)])
def test_n_grams_have_not_learned_the_page_that_they_are_compared_on(
    model: CharRNN, start: int, stop: int
) -> None:
    page = session(model, NEW).ask(NgramPage(start, stop))
    stop = min(stop, SIZE)
    assert page.nats.shape == (stop - start,)
    learned = NEW[:5400] if start >= 5400 else NEW[:start] + NEW[min(stop, 5400) : 5400]
    network, ngram = directly(model, learned, NEW, max(1, start), stop, page.order)
    np.testing.assert_allclose(page.nats[-len(network) :], network - ngram, atol=1e-4)
    if start == 0:
        assert page.nats[0] == 0


def test_a_page_of_the_training_text_is_removed_from_it(model: CharRNN) -> None:
    page = session(model, TRAINING + NEW, TRAINING).ask(NgramPage(2000, 4000, characters=1000))
    learned = TRAINING[:2000] + TRAINING[4000:]
    network, ngram = directly(model, learned, TRAINING, 2000, 4000, page.order)
    np.testing.assert_allclose(page.nats, network - ngram, atol=1e-4)


def test_bytes_are_compared_as_characters_are() -> None:
    text = "ἄνδρα μοι ἔννεπε, μοῦσα, πολύτροπον, ὃς μάλα (πολλὰ) πλάγχθη\n" * 3 + TRAINING
    shape = Architecture("gru", 256, 8, 1)
    model = CharRNN(shape, Vocabulary.of_bytes(), generator=torch.Generator().manual_seed(5)).eval()
    found = session(model, text, NEW).ask(Comparison())
    raw = text.encode().decode("latin-1")
    assert found.text == raw[1:]
    assert found.training == NEW


def test_a_character_that_the_vocabulary_lacks_is_read_as_a_space(model: CharRNN) -> None:
    text = NEW[:500] + "七" + NEW[501:]
    found = session(model, text, TRAINING).ask(Comparison())
    expected = session(model, NEW[:500] + " " + NEW[501:], TRAINING).ask(Comparison())
    np.testing.assert_allclose(found.network_log_probabilities, expected.network_log_probabilities)
    assert found.by_order == expected.by_order
    assert found.text[499] == "七"


def test_what_is_wrong_is_said_in_one_line(model: CharRNN, tmp_path: Path) -> None:
    with pytest.raises(TextError, match="80 characters"):
        session(model, NEW[:80], TRAINING).ask(Ngrams())
    with pytest.raises(TextError, match=r"2,222 characters .* has 1,500.*--train"):
        session(model, NEW[:1500]).ask(Errors())
    with pytest.raises(TextError, match=r"has 101 characters that are not evaluated"):
        session(model, NEW[:3000], NEW[:3100]).ask(Brackets())
    with pytest.raises(TextError, match="nowhere"):
        session(model, NEW).ask(Ngrams(train=str(tmp_path / "nowhere.txt")))
    for query, why in (
        (Ngrams(characters=50), "--characters is 50"),
        (Errors(train="-"), "standard input"),
        (Ngrams(limit=-1), "--limit"),
        (NgramPage(10, 10), "--stop"),
    ):
        with pytest.raises(OptionError, match=why):
            session(model, NEW).ask(query)


def test_a_network_whose_training_diverged_is_refused(model: CharRNN) -> None:
    diverged = CharRNN(model.architecture, model.vocabulary).eval()
    with torch.no_grad():
        diverged.readout.bias[0] = torch.nan
    with pytest.raises(RnnscopeError, match="diverged"):
        session(diverged, NEW).ask(Ngrams())


@pytest.mark.parametrize("query", [Ngrams(), NgramPage(1000, 1200)])
def test_progress_rises_and_a_cancelled_query_has_no_result(
    model: CharRNN, query: Ngrams | NgramPage
) -> None:
    shares: list[float] = []
    session(model, NEW).ask(query, Progress(shares.append))
    assert shares == sorted(shares)
    assert shares[-1] <= 1
    with pytest.raises(Cancelled):
        session(model, NEW).ask(query, Progress(is_cancelled=lambda: True))
