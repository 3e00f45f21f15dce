"""The text that is opened with a model: a given file, its validation text, or a sample of the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

from rnnscope.corpora.named import corpus_of, resolve_text
from rnnscope.errors import RnnscopeError
from rnnscope.network.header import Header
from rnnscope.network.model import CharRNN
from rnnscope.network.sampling import Sampler
from rnnscope.progress import NO_PROGRESS, Progress
from rnnscope.text.corpus import Corpus
from rnnscope.text.long import LongText
from rnnscope.text.reading import STANDARD_INPUT
from rnnscope.training.corpus import split_text
from rnnscope.training.options import TrainOptions

SAMPLE_SYMBOLS = 2000
_HELD_OUT_SYMBOLS = 1 << 20
_LARGEST_BYTES = 64 << 20
"""A larger training text is not read for its validation split: that would take too long."""


@dataclass(frozen=True, eq=False)
class Opening:
    """A text and its source."""

    text: LongText
    source: str
    """The name of the file, or a description such as `written by the model`."""
    training_text: Callable[[], str | None] = lambda: None
    """Reads the training split; it returns None if the file is not available."""


def open_text(
    model: CharRNN, header: Header, path: Path, text: str | None, progress: Progress = NO_PROGRESS
) -> Opening:
    """Open `text`, or without one the validation text of the model, or else a sample of the model.

    header, path: the header and the path of the model file. text: a file, the name of a corpus, or `-` for
    standard input. progress: checked while a pipe has nothing to read. Raises TextError for a file that
    cannot be read, Cancelled.
    """
    kind = model.vocabulary.kind

    @cache
    def training_corpus() -> Corpus | None:
        return _training_corpus(model, header, path)

    def training_text() -> str | None:
        corpus = training_corpus()
        return None if corpus is None else model.vocabulary.decode(corpus.train)

    if text is not None:
        text = resolve_text(text)
        name = "standard input" if text == STANDARD_INPUT else Path(text).name
        return Opening(LongText.open(text, kind, progress=progress), name, training_text)
    corpus = training_corpus()
    if corpus is None or not len(corpus.held_out):
        return _sample(model)
    content = model.vocabulary.decode_bytes(corpus.held_out[:_HELD_OUT_SYMBOLS])
    name = Path(corpus.name).name
    return Opening(LongText.of(content, name, kind), f"{name}, held out", training_text)


def _training_corpus(model: CharRNN, header: Header, path: Path) -> Corpus | None:
    """The text that the model was trained on, with its splits; None if the same text is not found."""
    recorded, corpus_record = header.training.get("options"), header.training.get("corpus")
    if not isinstance(recorded, dict) or not isinstance(recorded.get("text"), str):
        return None
    options = TrainOptions.from_json(recorded)
    sha256 = corpus_record.get("sha256") if isinstance(corpus_record, dict) else None
    for place in _places(path, Path(options.text), sha256):
        if not place.is_file() or place.stat().st_size > _LARGEST_BYTES:
            continue
        try:
            corpus = split_text(str(place), options, model.vocabulary)
        except RnnscopeError:
            continue  # the file has changed
        if sha256 in (None, corpus.sha256):
            return corpus
    return None


def _places(path: Path, named: Path, sha256: object) -> Iterator[Path]:
    """Candidate paths of the training text: as recorded, near the model, in a folder `data`, and a corpus."""
    yield named
    for root in (Path(), *path.resolve().parents[:3]):
        yield from (root / folder / name for folder, name in _names(named))
    made = corpus_of(sha256)
    if made is not None:
        yield Path(made)


def _names(named: Path) -> tuple[tuple[str, Path], ...]:
    return ("", named), ("data", Path(named.name))


def _sample(model: CharRNN) -> Opening:
    """A text sampled from the model, from a line break on."""
    sampler = Sampler(model)
    sampler.feed([model.vocabulary.opening])
    ids = [i for i, _ in islice(sampler.stream(SAMPLE_SYMBOLS, temperature=0.7, seed=1), SAMPLE_SYMBOLS)]
    content = model.vocabulary.decode_bytes(ids)
    return Opening(LongText.of(content, "sample", model.vocabulary.kind), "written by the model")
