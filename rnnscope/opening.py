"""What is opened with a model: the text asked for, what it was tested on, or what it writes itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

from rnnscope.errors import RnnscopeError
from rnnscope.network.header import Header
from rnnscope.network.model import CharRNN
from rnnscope.network.sampling import Sampler
from rnnscope.text.corpus import Corpus, load_corpus
from rnnscope.text.long import LongText
from rnnscope.text.reading import STANDARD_INPUT

SAMPLE_SYMBOLS = 2000
_HELD_OUT_SYMBOLS = 1 << 20
_LARGEST_BYTES = 64 << 20
"""A training text larger than this is not read for its held-out part; it would take too long."""


@dataclass(frozen=True, eq=False)
class Opening:
    """A text, and where it is from."""

    text: LongText
    source: str
    training_text: Callable[[], str | None] = lambda: None
    """What the model learned, where that is at hand; read when it is needed."""


def open_text(model: CharRNN, header: Header, path: Path, text: str | None) -> Opening:
    """The text to show first. Raises TextError for one that was asked for and cannot be read."""
    kind = model.vocabulary.kind

    @cache
    def learned() -> Corpus | None:
        return _learned(model, header, path)

    def training_text() -> str | None:
        corpus = learned()
        return None if corpus is None else model.vocabulary.decode(corpus.train)

    if text is not None:
        name = "standard input" if text == STANDARD_INPUT else Path(text).name
        return Opening(LongText.open(text, kind), name, training_text)
    corpus = learned()
    if corpus is None or not len(corpus.held_out):
        return _own_writing(model)
    content = model.vocabulary.decode_bytes(corpus.held_out[:_HELD_OUT_SYMBOLS])
    name = Path(corpus.name).name
    return Opening(LongText.of(content, name, kind), f"{name}, held out", training_text)


def _learned(model: CharRNN, header: Header, path: Path) -> Corpus | None:
    """What the model was trained on, with its splits, where the very same text is still at hand."""
    options, told = header.training.get("options"), header.training.get("corpus")
    if not isinstance(options, dict) or not isinstance(options.get("text"), str):
        return None
    sha256 = told.get("sha256") if isinstance(told, dict) else None
    held_out, test = (float(options.get(name, 0.0)) for name in ("held_out", "test"))
    for place in _places(path, Path(options["text"])):
        if not place.is_file() or place.stat().st_size > _LARGEST_BYTES:
            continue
        try:
            corpus = load_corpus(place, vocabulary=model.vocabulary, held_out=held_out, test=test)
        except RnnscopeError:
            continue  # it has become another text
        if sha256 in (None, corpus.sha256):
            return corpus
    return None


def _places(path: Path, named: Path) -> list[Path]:
    """Where the training text may lie: as it was named, or near the model, also in a folder `data`."""
    near = (Path(), *path.resolve().parents[:3])
    return [named, *(root / folder / name for root in near for folder, name in _names(named))]


def _names(named: Path) -> tuple[tuple[str, Path], ...]:
    return ("", named), ("data", Path(named.name))


def _own_writing(model: CharRNN) -> Opening:
    sampler = Sampler(model)
    symbols = model.vocabulary.symbols
    first = symbols.index("\n") if "\n" in symbols else 0
    sampler.feed([first])
    ids = [i for i, _ in islice(sampler.stream(SAMPLE_SYMBOLS, temperature=0.7, seed=1), SAMPLE_SYMBOLS)]
    content = model.vocabulary.decode_bytes(ids)
    return Opening(LongText.of(content, "sample", model.vocabulary.kind), "written by the model")
