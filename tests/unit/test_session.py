"""A session answers each query once, checks it first, and keeps on disk what a query says is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from rnnscope.analysis.find import Find
from rnnscope.analysis.query import Context, Query, Result
from rnnscope.analysis.saturation import Saturation
from rnnscope.cache import Cache
from rnnscope.errors import OptionError
from rnnscope.network.architecture import Architecture
from rnnscope.network.model import CharRNN
from rnnscope.progress import Cancelled, Progress
from rnnscope.session import Session
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.tracing.record import record

TEXT = "ab ba aab\n" * 12


@dataclass(frozen=True)
class Count(Result):
    count: int


@dataclass(frozen=True)
class Counting(Query[Count]):
    """How often a character occurs."""

    name = "counting"
    activity = "counting"
    kept_as = Count

    character: str = "a"
    characters: int = 0
    runs: list[str] = field(default_factory=list, compare=False)

    def check(self, architecture: Architecture) -> None:
        if len(self.character) != 1:
            raise OptionError("one character, please")

    def run(self, context: Context) -> Count:
        self.runs.append(self.character)
        stop = self.characters or context.reader.length(context.progress)
        return Count(context.reader.read(0, stop).count(self.character))


@pytest.fixture
def model() -> CharRNN:
    vocabulary = Vocabulary.of(TEXT)
    return CharRNN(Architecture("gru", len(vocabulary), 5), vocabulary)


def test_a_query_is_computed_once_however_often_it_is_asked(model: CharRNN) -> None:
    session, query = Session(model, TEXT), Counting()
    assert session.ask(query) is session.ask(query)
    assert session.ask(query).count == 48
    assert query.runs == ["a"]


def test_a_query_is_checked_before_anything_is_read(model: CharRNN) -> None:
    query = Counting("ab")
    with pytest.raises(OptionError, match="one character"):
        Session(model, TEXT).ask(query)
    assert query.runs == []


def test_a_cancelled_query_leaves_nothing_behind(model: CharRNN) -> None:
    session = Session(model, TEXT)
    with pytest.raises(Cancelled):
        session.ask(Saturation(), Progress(is_cancelled=lambda: True))
    assert session.ask(Saturation()).positions == len(TEXT)


def test_a_trace_at_hand_answers_what_needs_no_network(model: CharRNN) -> None:
    trace = record(model, model.vocabulary.encode(TEXT))
    expected = Session(model, TEXT).ask(Saturation()).to_dict()
    assert Session.of_trace(trace).ask(Saturation()).to_dict() == expected


def test_results_are_kept_for_a_model_and_a_text(model: CharRNN, tmp_path: Path) -> None:
    path = tmp_path / "model.findings.json"
    Session(model, TEXT, cache=Cache(path, "digest")).ask(Counting())

    again = Counting()
    assert Session(model, TEXT, cache=Cache(path, "digest")).ask(again).count == 48
    assert again.runs == []
    for text, digest, query in (
        (TEXT + "a", "digest", Counting()),
        (TEXT, "another model", Counting()),
        (TEXT, "digest", Counting("b")),
        (TEXT, "digest", Counting(characters=10)),
    ):
        Session(model, text, cache=Cache(path, digest)).ask(query)
        assert query.runs == [query.character]


def test_the_characters_that_a_query_reads_identify_its_text(model: CharRNN, tmp_path: Path) -> None:
    path = tmp_path / "model.findings.json"
    Session(model, TEXT, cache=Cache(path, "digest")).ask(Counting(characters=20))
    again = Counting(characters=20)
    Session(model, TEXT[:20] + "bbb", cache=Cache(path, "digest")).ask(again)
    assert again.runs == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"format": 1, "model": "digest", "texts": {}}',
        b'{"format": 2, "model": "digest", "results": {"a": {"query": {}, "result": 3}}}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
    ids=["empty", "torn", "a list", "format 1", "another shape", "deep", "not text"],
)
def test_a_file_that_is_no_cache_is_replaced(content: bytes, model: CharRNN, tmp_path: Path) -> None:
    path = tmp_path / "model.findings.json"
    path.write_bytes(content)
    assert Session(model, TEXT, cache=Cache(path, "digest")).ask(Counting()).count == 48
    again = Counting()
    Session(model, TEXT, cache=Cache(path, "digest")).ask(again)
    assert again.runs == []


def test_a_result_of_another_shape_is_computed_again(model: CharRNN, tmp_path: Path) -> None:
    path = tmp_path / "model.findings.json"
    Session(model, TEXT, cache=Cache(path, "digest")).ask(Counting())
    path.write_text(path.read_text().replace('"count":48', '"count":"forty-eight"'))
    query = Counting()
    assert Session(model, TEXT, cache=Cache(path, "digest")).ask(query).count == 48
    assert query.runs == ["a"]


def test_a_cache_that_cannot_be_written_is_reported_once(model: CharRNN, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "missing" / "model.findings.json", "digest")
    session = Session(model, TEXT, cache=cache)
    assert session.ask(Counting()).count == 48
    assert session.ask(Counting("b")).count == 36
    assert len(cache.notes) == 1
    assert "results are not kept" in cache.notes[0]


def test_a_cache_of_a_replaced_model_file_is_not_written(model: CharRNN, tmp_path: Path) -> None:
    path = tmp_path / "model.findings.json"
    cache = Cache(path, "digest")
    cache.detach()
    Session(model, TEXT, cache=cache).ask(Counting())
    assert not path.exists()


def test_a_search_that_is_kept_on_disk_is_read_back(model: CharRNN, tmp_path: Path) -> None:
    path, query = tmp_path / "model.findings.json", Find(pattern="a", characters=1_000)
    first = Session(model, TEXT * 20, cache=Cache(path, "digest")).ask(query)
    kept = Cache(path, "digest")
    assert Session(model, TEXT * 20, cache=kept).ask(query) == first
    assert kept.notes == []


@pytest.mark.parametrize(
    ("written", "changed"),
    [
        ('"layer":1', '"layer":2'),
        ('"unit":', '"unit":9'),
        ('"quantity":"hidden"', '"quantity":"cell"'),
        ('"direction":1', '"direction":0'),
        ('"score":0', '"score":7'),
        ('"feature":"a"', '"feature":"b"'),
    ],
)
def test_a_kept_search_that_does_not_fit_the_network_is_computed_again(
    written: str, changed: str, model: CharRNN, tmp_path: Path
) -> None:
    path, query = tmp_path / "model.findings.json", Find(pattern="a", quantity="hidden")
    first = Session(model, TEXT * 20, cache=Cache(path, "digest")).ask(query)
    assert written in path.read_text()
    head, results = path.read_text().split('"result":')
    path.write_text(head + '"result":' + results.replace(written, changed))
    assert Session(model, TEXT * 20, cache=Cache(path, "digest")).ask(query) == first
