"""A real terminal: open a model, find something, leave."""

from __future__ import annotations

from pathlib import Path

import torch

from rnnscope.network.architecture import Architecture
from rnnscope.network.checkpoint import save_model
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary
from tests.terminal.test_smoke import Terminal

TEXT = 'The bell "rang" at seven, and then\nthe ferry left; "never" again.\n\n' * 30


def test_a_model_is_looked_into_and_left(tmp_path: Path) -> None:
    vocabulary = Vocabulary.of(TEXT)
    shape = Architecture("lstm", len(vocabulary), 16)
    save_model(
        CharRNN(shape, vocabulary, generator=torch.Generator().manual_seed(0)), tmp_path / "m.safetensors", {}
    )
    (tmp_path / "text.txt").write_text(TEXT, encoding="utf-8")
    terminal = Terminal(["inspect", "m.safetensors", "text.txt"], tmp_path)
    terminal.wait_for("The bell")
    terminal.child.send("/")
    terminal.wait_for("find .*regular")
    terminal.child.send("quotes\r")
    terminal.wait_for("by quotes")
    terminal.wait_for("linear probe")
    terminal.child.send("q")
    assert terminal.wait_until_it_ends() == 0
