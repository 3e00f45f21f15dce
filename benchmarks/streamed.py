"""Scores of a pass along a text, against scores worked out exactly from every value of that pass.

    python benchmarks/streamed.py [MODEL [TEXT]]

The claim: an AUC from histograms, of which only some positions were counted, is within 0.005 of the exact
one, for every quantity of a unit and every built-in feature. Columns are drawn by chance.
"""

from __future__ import annotations

import sys
from pathlib import Path

import rnnscope

import torch  # isort: skip
import numpy as np

from rnnscope.analysis.features import FEATURES
from rnnscope.analysis.lanes import LANES, LaneReader, Lanes
from rnnscope.analysis.questions import BuiltIn, Passage
from rnnscope.analysis.statistics import auc_of_ranks, centred_ranks
from rnnscope.analysis.streaming import count_along

_CHARACTERS = 1_000_000
_COLUMNS = 96


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else "archive-lstm"
    default = Path(__file__).parent.parent / "data" / "input.txt"
    text = Path(sys.argv[2] if len(sys.argv) > 2 else default).read_text("utf-8")[:_CHARACTERS]
    network = rnnscope.load(name).network
    ids = network.vocabulary.encode(text)
    lanes = Lanes.over(len(ids), LANES)
    evidence = count_along(network, ids, BuiltIn(FEATURES))
    chosen = np.random.default_rng(1).choice(len(evidence.columns), _COLUMNS, replace=False)
    taken = []
    for _, recorded in LaneReader(network, ids, lanes).read():
        where = [evidence.columns[column] for column in chosen.tolist()]
        taken.append(
            torch.stack([recorded[f"{layer}/{quantity}"][:, ::2, unit] for layer, unit, quantity in where])
        )
    values = torch.cat(taken, dim=1).flatten(1).double().numpy()
    answers = BuiltIn(FEATURES).along(Passage(ids, network.vocabulary.symbols), lanes).read(lanes.length)
    on = answers.booleans[:, ::2].transpose(2, 1, 0).reshape(-1, len(answers.booleans))
    exact = np.concatenate([auc_of_ranks(centred_ranks(row[None]), on) for row in values])
    off = np.abs(evidence.chosen_by.areas()[chosen] - exact)
    print(
        f"{name}, {len(ids):,} characters, {_COLUMNS} columns × {off.shape[1]} features: "
        f"at most {off.max():.4f} off, 99 of 100 at most {np.quantile(off, 0.99):.4f}, mean {off.mean():.4f}"
    )


if __name__ == "__main__":
    main()
