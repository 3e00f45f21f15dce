"""Run one layer on one long text in parallel segments, with exact results.

A processor multiplies a matrix with 16 vectors in the time of 3. So the text is split into segments of blocks
that run in parallel, each segment except the first from a guessed state. Then each is run again from the
final state of the previous one:

    segment 1  ████████████████          exact from the start
    segment 2  ░░░░░░██████████          again from the end of 1, until it converges to the first run
    segment 3  ░░░█████████████          again from the end of 2 …

A network forgets, so the second run soon converges to the first: once their states are equal, the rest is
equal, too. Segments that do not converge are run in order.

A saturated cell that keeps accumulating, such as c = 300 or 400 with tanh(c) = 1, is not forgotten, but
hardly affects outputs: runs converge in everything except c. With the gates known, c(t) is linear in the
initial c; so c is corrected at the end, and blocks with outputs that would change are run again.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rnnscope.network.cells.cell import Cell, LayerState

_SWEEPS = 3
"""The number of parallel passes before the remaining segments are run in order."""

Quantities = dict[str, Tensor]


@dataclass(frozen=True)
class Cut:
    """How a long text is divided."""

    chunk: int = 16_384
    """Characters recorded at once; bounds the memory in addition to that of the trace."""
    segments: int = 16
    block: int = 64
    """Steps between two checks for convergence."""

    @property
    def shortest(self) -> int:
        """Shorter texts are run in order."""
        return 2 * self.segments * self.block


DEFAULT_CUT = Cut()


@torch.no_grad()
def record_layer(
    cell: Cell, inputs: Tensor, state: LayerState, kept: Quantities, cut: Cut = DEFAULT_CUT
) -> tuple[Tensor, LayerState]:
    """Write every quantity of one text into `kept`, (T, H) each. Returns hidden (T, 1, H) and the last state.

    inputs: ids (T, 1) or vectors (T, 1, I).
    """
    blocks = _Blocks(cell, inputs, state, cut) if len(inputs) >= cut.shortest else None
    found = None if blocks is None else blocks.quantities()
    if blocks is None or found is None:
        found, last = cell.activations(inputs, state)
        for name, values in found.items():
            kept[name].copy_(values.squeeze(1))
        return found["hidden"], last
    done = blocks.characters
    for name, values in found.items():
        kept[name][:done].view(-1, cut.block, cell.hidden_size).copy_(values.transpose(0, 1))
    if done == len(inputs):
        return blocks.hidden, blocks.last
    rest, last = record_layer(
        cell, inputs[done:], blocks.last, {name: values[done:] for name, values in kept.items()}, cut
    )
    return torch.cat((blocks.hidden, rest)), last


class _Blocks:
    """The N whole blocks of a text, each with its initial and final state."""

    def __init__(self, cell: Cell, inputs: Tensor, state: LayerState, cut: Cut) -> None:
        self._cell = cell
        self._cut = cut
        self._count = len(inputs) // cut.block
        self._inputs = inputs[: self._count * cut.block].view(self._count, cut.block, *inputs.shape[2:])
        self._hidden = state[0].new_empty(self._count, cut.block, cell.hidden_size)
        self._begins = cell.initial_state(self._count)
        self._ends = cell.initial_state(self._count)
        for begin, known in zip(self._begins, state, strict=True):
            begin[0] = known[0]

    def quantities(self) -> Quantities | None:
        """Run everything. Returns (block, N, H) of each quantity; None if they do not converge."""
        self._run_segments()
        found = self._activations(slice(None))
        if self._cell.state_parts == 2 and not self._settle_cells(found):
            return None
        return found

    @property
    def characters(self) -> int:
        """The number of characters in whole blocks."""
        return self._count * self._cut.block

    @property
    def hidden(self) -> Tensor:
        """(characters, 1, H)."""
        return self._hidden.view(self.characters, 1, -1)

    @property
    def last(self) -> LayerState:
        """The state (1, H) after the last block."""
        return tuple(end[-1:] for end in self._ends)

    def _run_segments(self) -> None:
        """Run all blocks, then rerun those that do not start from the final state of the block before."""
        segments = self._cut.segments
        firsts = [segment * self._count // segments for segment in range(segments)]
        stops = {*firsts, self._count}
        running = torch.tensor(firsts)
        self._run(running)
        while len(running := _following(running, stops)):
            self._continue(running)
        for _ in range(_SWEEPS):
            self._meet(self._misplaced(), stops)
        self._run_misplaced_in_order()

    def _run(self, blocks: Tensor) -> None:
        """Run blocks in parallel, each from its initial state."""
        begins = tuple(part[blocks] for part in self._begins)
        outputs, ends = self._cell(self._inputs[blocks].transpose(0, 1), begins)
        self._hidden[blocks] = outputs.transpose(0, 1)
        for end, part in zip(self._ends, ends, strict=True):
            end[blocks] = part

    def _continue(self, blocks: Tensor) -> None:
        """Run blocks from the final states of the blocks before them."""
        for begin, end in zip(self._begins, self._ends, strict=True):
            begin[blocks] = end[blocks - 1]
        self._run(blocks)

    def _meet(self, running: Tensor, stops: set[int]) -> set[int]:
        """Rerun `running` and the blocks after them until they converge or reach a stop. Returns them."""
        ran: set[int] = set()
        while len(running):
            before = tuple(end[running] for end in self._ends)
            self._continue(running)
            ran.update(running.tolist())
            apart = ~self._look_equal(before, tuple(end[running] for end in self._ends))
            running = _following(running[apart], stops)
        return ran

    def _run_misplaced_in_order(self) -> set[int]:
        ran: set[int] = set()
        while len(misplaced := self._misplaced()):
            ran |= self._meet(misplaced[:1], {self._count})
        return ran

    def _misplaced(self) -> Tensor:
        """Blocks with an initial state that differs from the final state of the block before."""
        begun = tuple(begin[1:] for begin in self._begins)
        ended = tuple(end[:-1] for end in self._ends)
        return torch.nonzero(~self._look_equal(begun, ended)).flatten().cpu() + 1

    def _look_equal(self, left: LayerState, right: LayerState) -> Tensor:
        """True for rows of states that are equal in everything that affects outputs."""
        pairs = zip(self._cell.visible(left), self._cell.visible(right), strict=True)
        return torch.stack([_near(a, b).all(dim=1) for a, b in pairs]).all(dim=0).cpu()

    def _activations(self, blocks: Tensor | slice) -> Quantities:
        """(block, number of blocks, H) of each."""
        found, _ = self._cell.activations(
            self._inputs[blocks].transpose(0, 1),
            tuple(part[blocks] for part in self._begins),
            self._hidden[blocks].transpose(0, 1),
        )
        return found

    def _settle_cells(self, found: Quantities) -> bool:
        """Correct the c of every block to continue the one before, until no output changes."""
        for _ in range(_SWEEPS):
            changed = self._carry_cells(found)
            if not changed:
                return True
            ran: set[int] = set()
            while changed:
                onsets = {block for block in changed if block - 1 not in changed}
                ran |= self._meet(torch.tensor(sorted(onsets)), {*onsets, self._count})
                changed -= ran
            ran |= self._run_misplaced_in_order()
            again = torch.tensor(sorted(ran))
            for name, values in self._activations(again).items():
                found[name][:, again] = values
        return False

    def _carry_cells(self, found: Quantities) -> set[int]:
        """Add the correction of its initial value to every c. Returns the blocks with outputs that change.

        c(t) changes by f(1) ∘ … ∘ f(t) times the change of the initial c.
        """
        cells, begins, ends = found["cell"], self._begins[1], self._ends[1]
        if _near(begins[1:], ends[:-1]).all():
            return set()
        kept = found["forget"].prod(dim=0)
        change = torch.zeros_like(begins)
        for block in range(1, self._count):
            change[block] = ends[block - 1] + kept[block - 1] * change[block - 1] - begins[block]
        begins += change
        ends += kept * change
        shown = found["output"] * self._cell.visible((found["hidden"], cells))[1]
        for c, f in zip(cells.unbind(0), found["forget"].unbind(0), strict=True):
            change.mul_(f)
            c.add_(change)
        shown_now = found["output"] * self._cell.visible((found["hidden"], cells))[1]
        same = _near(shown, shown_now, roundings=32).all(dim=2).all(dim=0)
        return set(torch.nonzero(~same).flatten().tolist())


def _following(blocks: Tensor, stops: set[int]) -> Tensor:
    """The blocks after these, except those at a stop."""
    return torch.tensor([block + 1 for block in blocks.tolist() if block + 1 not in stops], dtype=torch.int64)


def _near(a: Tensor, b: Tensor, roundings: int = 4) -> Tensor:
    """True for numbers equal within some rounding errors; torch's kernels differ by 30 in long texts."""
    near = (a - b).abs() <= roundings * torch.finfo(a.dtype).eps * b.abs().clamp(min=1)
    return near | (a == b) | (a.isnan() & b.isnan())  # for weights that are not finite
