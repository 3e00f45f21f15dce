"""One long text through one layer, as fast as many short ones, and exactly.

A processor multiplies a matrix with 16 vectors in the time of 3. So the text is cut into segments that run
side by side, each but the first from a guessed state. Then each is run again from where the one before ended:

    segment 1  ████████████████          exact from the start
    segment 2  ░░░░░░██████████          again from the end of 1, until it meets what it did before
    segment 3  ░░░█████████████          again from the end of 2 …

A network forgets, so the second run soon meets the first: where their states are equal, all that follows is
equal too. What a network does not forget in time is run in order, as it would have been.
"""

from __future__ import annotations

import torch
from torch import Tensor

from rnnscope.cells import Cell, LayerState

_SEGMENTS = 16
_BLOCK = 64
"""Steps between two looks at whether the runs have met."""
_SWEEPS = 3
_SHORTEST = 2048
"""Below this many characters a text is run in order."""

Quantities = dict[str, Tensor]


@torch.no_grad()
def long_activations(cell: Cell, inputs: Tensor, state: LayerState) -> tuple[Quantities, LayerState]:
    """As `cell.activations`, of one text: inputs (T, 1) or (T, 1, I), quantities (T, 1, H)."""
    if len(inputs) < _SHORTEST:
        return cell.activations(inputs, state)
    length = len(inputs) // _SEGMENTS
    whole = length * _SEGMENTS
    side_by_side = inputs[:whole].view(_SEGMENTS, length, *inputs.shape[2:]).transpose(0, 1).contiguous()
    segments = _Segments(cell, side_by_side, state)
    segments.make_exact()
    quantities, ends = cell.activations(side_by_side, segments.starts, segments.hidden)
    found = {name: values.transpose(0, 1).reshape(whole, 1, -1) for name, values in quantities.items()}
    last = tuple(part[-1:] for part in ends)
    if whole == len(inputs):
        return found, last
    rest, last = cell.activations(inputs[whole:], last)
    return {name: torch.cat((values, rest[name])) for name, values in found.items()}, last


class _Segments:
    """What has been computed so far of segments that lie side by side."""

    def __init__(self, cell: Cell, inputs: Tensor, state: LayerState) -> None:
        """Run all of them; inputs: (L, S) or (L, S, I), state: (1, H) each part."""
        self._cell = cell
        self._inputs = inputs
        self._blocks = [slice(at, at + _BLOCK) for at in range(0, len(inputs), _BLOCK)]
        self.starts = cell.initial_state(inputs.shape[1])
        """The states (S, H) from which each segment's outputs follow."""
        for guess, known in zip(self.starts, state, strict=True):
            guess[0] = known[0]
        outputs, self._ends, at_end = [], [], self.starts
        for steps in self._blocks:
            hidden, at_end = cell(self._inputs[steps], at_end)
            outputs.append(hidden)
            self._ends.append(tuple(part.clone() for part in at_end))
        self.hidden = torch.cat(outputs)
        """(L, S, H)."""

    def make_exact(self) -> None:
        """Run again whatever did not start where the segment before it ended."""
        for _ in range(_SWEEPS):
            self._run_again(self._misplaced())
        for segment in range(1, self._inputs.shape[1]):
            self._run_again([k for k in self._misplaced() if k == segment])

    def _misplaced(self) -> list[int]:
        started = tuple(part[1:] for part in self.starts)
        ended = tuple(part[:-1] for part in self._ends[-1])
        return (torch.nonzero(~_equal(started, ended)).flatten() + 1).tolist()

    def _run_again(self, segments: list[int]) -> None:
        """Run from where the segments before these end, all at once, each until it meets its earlier run."""
        running = torch.tensor(segments, dtype=torch.int64, device=self._inputs.device)
        state = tuple(part[running - 1] for part in self._ends[-1])
        for start, part in zip(self.starts, state, strict=True):
            start[running] = part
        for steps, ends in zip(self._blocks, self._ends, strict=True):
            if not len(running):
                break
            self.hidden[steps, running], state = self._cell(self._inputs[steps, running], state)
            apart = ~_equal(state, tuple(end[running] for end in ends))
            for end, part in zip(ends, state, strict=True):
                end[running] = part
            running, state = running[apart], tuple(part[apart] for part in state)


def _equal(left: LayerState, right: LayerState) -> Tensor:
    """(S,) whether states are equal but for rounding."""
    tolerance = 4 * torch.finfo(left[0].dtype).eps
    near = [(a - b).abs() <= tolerance * b.abs().clamp(min=1) for a, b in zip(left, right, strict=True)]
    return torch.stack([part.all(dim=1) for part in near]).all(dim=0)
