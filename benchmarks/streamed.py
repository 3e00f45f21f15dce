"""Scores of a pass along a text, against scores worked out exactly from every value of that pass.

    python benchmarks/streamed.py [MODEL [TEXT]]

The claim: an AUC from histograms and sums, of which only some positions are part, is within 0.005 of the
exact one, for every quantity of every unit and every built-in feature. It takes some minutes.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import rnnscope

import torch  # isort: skip
import numpy as np

from rnnscope.analysis.along import Passage
from rnnscope.analysis.features import FEATURES
from rnnscope.analysis.lanes import LANES, LaneReader, Lanes
from rnnscope.analysis.questions import BuiltIn
from rnnscope.analysis.statistics import auc_of_ranks, centered_ranks
from rnnscope.analysis.streaming import count_along

_CHARACTERS = 1_000_000
_LEAST = 20
"""Positions that a feature must be on at to be compared."""


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else "archive-lstm"
    default = Path(__file__).parent.parent / "data" / "input.txt"
    text = Path(sys.argv[2] if len(sys.argv) > 2 else default).read_text("utf-8")[:_CHARACTERS]
    network = rnnscope.load(name).network
    ids = network.vocabulary.encode(text)
    lanes = Lanes.over(len(ids), LANES)
    evidence = count_along(network, ids, BuiltIn(FEATURES))
    answers = BuiltIn(FEATURES).along(Passage(ids, network.vocabulary.symbols), lanes).read(lanes.length)
    on = answers.booleans[:, ::2].transpose(2, 1, 0).reshape(-1, len(answers.booleans))
    is_compared = on.sum(axis=0) >= _LEAST
    areas, off, size = evidence.chosen_by.areas()[:, is_compared], [], evidence.columns.hidden_size
    for number, (layer, quantity) in enumerate(evidence.columns.keys):
        reader = LaneReader(network, ids, lanes)
        taken = [recorded[f"{layer}/{quantity}"][:, ::2].clone() for _, recorded in reader.read()]
        values = torch.cat(taken).flatten(0, 1).t().numpy()
        with ThreadPoolExecutor() as pool:
            exact = np.concatenate(list(pool.map(partial(_areas, on=on[:, is_compared]), values)))
        off.append(np.abs(areas[number * size : (number + 1) * size] - exact))
        print(f"  {layer}/{quantity}: at most {off[-1].max():.4f} off", flush=True)
    every = np.concatenate(off)
    print(
        f"{name}, {len(ids):,} characters, {every.shape[0]} columns × {every.shape[1]} features: at most "
        f"{every.max():.4f} off, 999 of 1000 at most {np.quantile(every, 0.999):.4f}, "
        f"root mean square {np.sqrt((every**2).mean()):.4f}"
    )


def _areas(values: np.ndarray, on: np.ndarray) -> np.ndarray:
    return auc_of_ranks(centered_ranks(values[None].astype(np.float64)), on)


if __name__ == "__main__":
    main()
