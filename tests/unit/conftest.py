"""What unit tests share: two small networks; the cells' equations as in their papers, a step at a time, slow
and beyond doubt.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from rnnscope.network.architecture import Architecture
from rnnscope.network.checkpoint import save_model
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary

Step = dict[str, Tensor]
Reference = Callable[..., tuple[dict[str, Tensor], tuple[Tensor, ...]]]


@pytest.fixture(scope="session")
def reference() -> Reference:
    """The loop that every cell is compared with."""
    return _reference


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of two small networks: `controls` writes escapes, `bytes` any byte."""
    directory = tmp_path_factory.mktemp("models")
    vocabulary = Vocabulary.of("ab \n\x1b\x00é語")
    random = torch.Generator().manual_seed(1)
    controls = CharRNN(Architecture("lstm", len(vocabulary), 8, 2), vocabulary, generator=random)
    save_model(controls, directory / "controls.safetensors", {"step": 7, "held_out_nats": 1.25})
    of_bytes = CharRNN(Architecture("gru", 256, 8), Vocabulary.of_bytes(), generator=random)
    save_model(of_bytes, directory / "bytes.safetensors", {})
    (directory / "text.txt").write_text("ab ab\né語 ba\n" * 4)
    return directory


def _reference(
    cell: str, tensors: dict[str, Tensor], inputs: Tensor, state: tuple[Tensor, ...], activation: str = "tanh"
) -> tuple[dict[str, Tensor], tuple[Tensor, ...]]:
    """Every quantity (T, B, H) and the last state of a cell over vectors (T, B, I)."""
    squash = torch.tanh if activation == "tanh" else functional.softsign
    steps: list[Step] = []
    for x in inputs:
        steps.append(_EQUATIONS[cell](tensors, x, state, squash))
        state = tuple(steps[-1][part] for part in ("hidden", "cell")[: len(state)])
    return {name: torch.stack([step[name] for step in steps]) for name in steps[0]}, state


def _rnn(
    w: dict[str, Tensor], x: Tensor, state: tuple[Tensor, ...], squash: Callable[[Tensor], Tensor]
) -> Step:
    (h,) = state
    return {"hidden": squash(x @ w["weight_ih"].T + w["bias_ih"] + h @ w["weight_hh"].T + w["bias_hh"])}


def _gru(
    w: dict[str, Tensor], x: Tensor, state: tuple[Tensor, ...], squash: Callable[[Tensor], Tensor]
) -> Step:
    (h,) = state
    x_r, x_z, x_n = (x @ w["weight_ih"].T + w["bias_ih"]).chunk(3, dim=1)
    h_r, h_z, h_n = (h @ w["weight_hh"].T + w["bias_hh"]).chunk(3, dim=1)
    r, z = torch.sigmoid(x_r + h_r), torch.sigmoid(x_z + h_z)
    n = squash(x_n + r * h_n)
    return {"reset": r, "update": z, "candidate": n, "hidden": (1 - z) * n + z * h}


def _lstm(
    w: dict[str, Tensor], x: Tensor, state: tuple[Tensor, ...], squash: Callable[[Tensor], Tensor]
) -> Step:
    h, c = state
    return _lstm_step(w, x, h, c, squash)


def _peephole(
    w: dict[str, Tensor], x: Tensor, state: tuple[Tensor, ...], squash: Callable[[Tensor], Tensor]
) -> Step:
    h, c = state
    return _lstm_step(w, x, h, c, squash, *w["peephole"])


def _multiplicative(
    w: dict[str, Tensor], x: Tensor, state: tuple[Tensor, ...], squash: Callable[[Tensor], Tensor]
) -> Step:
    h, c = state
    m = (x @ w["weight_mx"].T) * (h @ w["weight_mh"].T)
    return {"factor": m} | _lstm_step(w, x, m, c, squash)


def _lstm_step(
    w: dict[str, Tensor],
    x: Tensor,
    recalled: Tensor,
    c: Tensor,
    squash: Callable[[Tensor], Tensor],
    p_i: Tensor | float = 0.0,
    p_f: Tensor | float = 0.0,
    p_o: Tensor | float = 0.0,
) -> Step:
    a_i, a_f, a_g, a_o = _gates(w, x, recalled).chunk(4, dim=1)
    i, f, g = torch.sigmoid(a_i + p_i * c), torch.sigmoid(a_f + p_f * c), squash(a_g)
    c = f * c + i * g
    o = torch.sigmoid(a_o + p_o * c)
    return {"input": i, "forget": f, "candidate": g, "output": o, "cell": c, "hidden": o * squash(c)}


def _coupled(
    w: dict[str, Tensor], x: Tensor, state: tuple[Tensor, ...], squash: Callable[[Tensor], Tensor]
) -> Step:
    h, c = state
    a_i, a_g, a_o = _gates(w, x, h).chunk(3, dim=1)
    i, g, o = torch.sigmoid(a_i), squash(a_g), torch.sigmoid(a_o)
    c = (1 - i) * c + i * g
    return {"input": i, "forget": 1 - i, "candidate": g, "output": o, "cell": c, "hidden": o * squash(c)}


def _gates(w: dict[str, Tensor], x: Tensor, recalled: Tensor) -> Tensor:
    return x @ w["weight_ih"].T + w["bias_ih"] + recalled @ w["weight_hh"].T + w["bias_hh"]


_EQUATIONS = {
    "rnn": _rnn,
    "lstm": _lstm,
    "gru": _gru,
    "peephole": _peephole,
    "coupled": _coupled,
    "multiplicative": _multiplicative,
}
