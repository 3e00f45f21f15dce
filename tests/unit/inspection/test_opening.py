"""What is opened with a model where no text is given: what it was tested on, if that is still the same."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch

from rnnscope.network.architecture import Architecture
from rnnscope.network.checkpoint import save_model
from rnnscope.network.header import read_header
from rnnscope.network.model import CharRNN
from rnnscope.opening import Opening, open_text
from rnnscope.text.vocabulary import Vocabulary

TEXT = "the bell rang at seven, and not before\n" * 30


@pytest.fixture
def model() -> CharRNN:
    vocabulary = Vocabulary.of(TEXT)
    shape = Architecture("gru", len(vocabulary), 6)
    return CharRNN(shape, vocabulary, generator=torch.Generator().manual_seed(1)).eval()


def opened(model: CharRNN, root: Path, named: str = "input.txt") -> Opening:
    path = root / "models" / "small.safetensors"
    path.parent.mkdir(exist_ok=True)
    told = {
        "options": {"text": named, "held_out": 0.1, "test": 0.0},
        "corpus": {"name": named, "sha256": hashlib.sha256(TEXT.encode()).hexdigest()},
    }
    save_model(model, path, told)
    return open_text(model, read_header(path), path, None)


@pytest.mark.parametrize("place", ["input.txt", "data/input.txt", "models/input.txt"])
def test_the_text_is_found_near_the_model(model: CharRNN, tmp_path: Path, place: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "models").mkdir()
    (tmp_path / place).write_text(TEXT, encoding="utf-8")
    opening = opened(model, tmp_path)
    assert opening.source == "input.txt, held out"
    count = opening.text.count(10**6)
    assert count == len(TEXT) - int(0.9 * len(TEXT))
    learned = opening.training_text()
    assert learned is not None
    assert learned == TEXT[: len(TEXT) - count]


def test_another_text_of_the_same_name_is_not_taken_for_it(model: CharRNN, tmp_path: Path) -> None:
    (tmp_path / "input.txt").write_text(TEXT[:-1], encoding="utf-8")
    (tmp_path / "data").mkdir()
    opening = opened(model, tmp_path)
    assert opening.source == "written by the model"
    assert opening.training_text() is None
    (tmp_path / "data" / "input.txt").write_text(TEXT, encoding="utf-8")
    assert opened(model, tmp_path).source == "input.txt, held out"
