"""One step of truncated backpropagation through time, and all state that the weights depend on.

Nothing here depends on a clock or on the display: the same `tensors`, `numbers` and rates give the same
weights, bit-identical on a CPU. That makes a run resumable.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from rnnscope.errors import OptionError
from rnnscope.network.model import CharRNN, State
from rnnscope.text.documents import NO_DOCUMENTS, Starts
from rnnscope.training import divergence
from rnnscope.training.device import Precision, autocast
from rnnscope.training.divergence import Guard, copied
from rnnscope.training.optimizers import Optimizer, add_l1, clip, matrices
from rnnscope.training.options import TrainOptions
from rnnscope.training.penalty import Penalty
from rnnscope.training.resuming import LearnerNumbers
from rnnscope.training.streams import Streams

_RECENT_SHARE, _FEWEST_RECENT, _MOST_RECENT = 0.05, 10, 100
"""The training loss of a model file is the mean over the last twentieth of the run, 10 to 100 steps."""


class Learner:
    """A model, its optimizer, its position in the text, and its divergence guard.

    Losses and gradient norms stay on the device until `fetch` copies a batch of them.
    """

    def __init__(
        self,
        model: CharRNN,
        ids: NDArray[np.generic],
        options: TrainOptions,
        device: torch.device,
        precision: Precision,
        document_starts: Starts = NO_DOCUMENTS,
    ) -> None:
        self.model = model.to(device).train()
        self.options = options
        self.device = device
        self.precision = precision
        self.streams = Streams(ids, options.batch_size, options.sequence_length, document_starts)
        self.optimizer = Optimizer(model, options)
        self.step = 0
        self.update_ratio: float | None = None
        """‖update‖ / ‖parameters‖ of the last step that measured it."""
        self.is_whole = True
        """False after an exception in the middle of an update of the weights."""
        self._parameters = list(model.parameters())
        self._matrices = matrices(model)
        self._state: State | None = None
        self._pending: list[tuple[Tensor, Tensor]] = []  # losses and gradient norms, not fetched yet
        self._pending_ratio: Tensor | None = None
        self._unreported: list[tuple[int, float, float]] = []  # fetched, but not reported yet
        self._recent_nats: deque[float] = deque(maxlen=_MOST_RECENT)
        beginning = copied(self._weights_and_moments())
        self.guard = Guard(float(np.log(len(model.vocabulary))), beginning, beginning)

    def learn(self, rate: float, *, measure_update: bool = False) -> None:
        """Read the next chunk of every stream and take one step at `rate`; does not wait for a GPU.

        An exception before the weights are updated leaves the learner as it was before the step.
        """
        position, state, random = (self.streams.epoch, self.streams.position), self._state, self._random()
        try:
            loss, norm = self._backpropagate(rate)
        except BaseException:
            (self.streams.epoch, self.streams.position), self._state = position, state
            self._restore_random(random)
            raise
        before = copied(dict(self.model.named_parameters())) if measure_update else None
        self.is_whole = False
        self.optimizer.step(rate * self.guard.rate_factor)
        self.step += 1
        self._pending.append((loss, norm))
        self.is_whole = True
        if before is not None:
            self._pending_ratio = _ratio(before, self.model)

    def _backpropagate(self, rate: float) -> tuple[Tensor, Tensor]:
        """Compute the gradients of the next chunk; returns its loss and the norm of the gradient."""
        state = None if self.streams.at_an_end else self._partly_forgotten(self._state)
        inputs, targets = self.streams.next(self.device)  # (T, B) each
        begins = self.streams.begins()
        penalty = Penalty.of(self.options)
        with autocast(self.device, self.precision):
            logits, state = self.model(inputs, state, begins, penalty)  # (T, B, V)
        loss = cross_entropy(logits.float().flatten(0, 1), targets.flatten())
        self._state = tuple(tuple(values.detach() for values in layer) for layer in state)

        self.model.zero_grad()
        if penalty is None:
            torch.autograd.backward(loss)
        else:  # the penalty decays with the rate, so that the last steps reduce the loss alone
            share = min(1.0, rate / self.options.learning_rate)
            torch.autograd.backward(loss + share * penalty.value())
        if self.options.l1 > 0:
            add_l1(self._matrices, self.options.l1)
        return loss.detach(), clip(self._parameters, self.options.clip_norm, self.options.clip_value)

    def fetch(self) -> None:
        """Copy losses and norms from the device; on a GPU this waits until they are computed."""
        if not self._pending:
            return
        scalars = torch.stack([scalar for pair in self._pending for scalar in pair])
        values = scalars.double().cpu().view(-1, 2).add_(0.0).tolist()  # turns -0 into 0
        first = self.step - len(values) + 1
        self._unreported += [(first + i, loss, norm) for i, (loss, norm) in enumerate(values)]
        losses_nats = [loss for loss, _ in values]
        self.guard.add(losses_nats)
        self._recent_nats.extend(losses_nats)
        self._pending.clear()
        if self._pending_ratio is not None:
            self.update_ratio = float(self._pending_ratio)
            self._pending_ratio = None

    @property
    def recent_nats(self) -> float | None:
        """The training loss, mean over the last steps (see _RECENT_SHARE); None before the first step."""
        self.fetch()
        count = min(max(_FEWEST_RECENT, round(_RECENT_SHARE * self.step)), _MOST_RECENT)
        losses_nats = list(self._recent_nats)[-count:]
        mean = math.fsum(losses_nats) / len(losses_nats) if losses_nats else math.nan
        return mean if math.isfinite(mean) else None

    def take_report(self) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Steps, losses and gradient norms (K,) since the last call."""
        self.fetch()
        table = np.array(self._unreported, np.float64).reshape(-1, 3)
        self._unreported.clear()
        return table[:, 0].astype(np.int64), table[:, 1], table[:, 2]

    def restore_after_divergence(self) -> bool:
        """At every CHECK_EVERY-th step: if training has diverged, restore a good state and return True.

        The position in the text is kept; the carried state is reset. On a GPU the check waits for all queued
        steps. Raises OptionError if restoring no longer helps.
        """
        if self.step % divergence.CHECK_EVERY:
            return False
        self.fetch()
        good = self.guard.check(self._weights_and_moments())
        if good is None:
            return False
        if self.guard.returns_in_a_row > divergence.GIVE_UP_AFTER:
            raise OptionError(
                f"the loss keeps diverging, even at a learning rate of "
                f"{self.options.learning_rate * self.guard.rate_factor:.1e}; choose a smaller --learning-rate"
            )
        self.is_whole = False
        self._restore_weights_and_moments(good)
        self.is_whole = True
        self._recent_nats.clear()  # these losses are not those of the restored weights
        self._state = None
        return True

    def tensors(self) -> dict[str, Tensor]:
        """All tensors that the next steps depend on, by name."""
        self.fetch()
        tensors = _under("now", self._weights_and_moments())
        tensors |= _under("trusted", self.guard.trusted) | _under("recent", self.guard.recent)
        for layer, values in enumerate(self._state or (), 1):
            tensors |= {f"state/{layer}/{part}": value for part, value in enumerate(values)}
        tensors["losses"] = torch.tensor(self.guard.losses_nats, dtype=torch.float64)
        tensors["recent_losses"] = torch.tensor(list(self._recent_nats), dtype=torch.float64)
        return tensors | _under("random", self._random())

    def numbers(self) -> LearnerNumbers:
        """All scalars that the next steps depend on."""
        return LearnerNumbers(
            self.step,
            self.streams.epoch,
            self.streams.position,
            self.guard.level_nats,
            self.guard.rate_factor,
            self.guard.returns_in_a_row,
        )

    def restore(self, tensors: Mapping[str, Tensor], numbers: LearnerNumbers) -> None:
        """Restore a learner of the same options. Raises KeyError or RuntimeError if options differ."""
        self._pending.clear()
        self._unreported.clear()
        self._restore_weights_and_moments(_below("now", tensors))
        self._state = self._restored_state(_below("state", tensors))
        self._restore_random(_below("random", tensors))
        self.step = numbers.step
        self.streams.epoch, self.streams.position = numbers.epoch, numbers.position
        self.guard = Guard(
            numbers.level_nats,
            copied(_below("trusted", tensors)),
            copied(_below("recent", tensors)),
            numbers.rate_factor,
            numbers.returns_in_a_row,
            tensors["losses"].tolist(),
        )
        self._recent_nats.clear()
        if "recent_losses" in tensors:  # runs of version 0.1 lack it
            self._recent_nats.extend(tensors["recent_losses"].tolist())

    def _random(self) -> dict[str, Tensor]:
        """The states of the random number generators, by device."""
        states = {"cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            states["cuda"] = torch.cuda.get_rng_state(self.device)
        elif self.device.type == "mps":
            states["mps"] = torch.mps.get_rng_state()
        return states

    def _restore_random(self, states: Mapping[str, Tensor]) -> None:
        torch.set_rng_state(states["cpu"])
        if self.device.type == "cuda" and "cuda" in states:  # otherwise the run began on another device
            torch.cuda.set_rng_state(states["cuda"], self.device)
        elif self.device.type == "mps" and "mps" in states:
            torch.mps.set_rng_state(states["mps"])

    def _partly_forgotten(self, state: State | None) -> State | None:
        """The state, with each stream reset to zero with the probability given by the options."""
        if state is None or self.options.reset_probability == 0:
            return state
        kept = torch.rand(self.streams.batch_size, 1, device=self.device) >= self.options.reset_probability
        return tuple(tuple(values * kept for values in layer) for layer in state)

    def _weights_and_moments(self) -> dict[str, Tensor]:
        weights = {name: parameter.detach() for name, parameter in self.model.named_parameters()}
        return _under("weights", weights) | _under("moments", self.optimizer.tensors())

    def _restore_weights_and_moments(self, tensors: Mapping[str, Tensor]) -> None:
        weights = _below("weights", tensors)
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                parameter.copy_(weights[name])
        self.optimizer.restore(_below("moments", tensors))

    def _restored_state(self, tensors: Mapping[str, Tensor]) -> State | None:
        layers: dict[int, dict[int, Tensor]] = {}
        for key, value in tensors.items():
            layer, part = map(int, key.split("/"))
            layers.setdefault(layer, {})[part] = value.to(self.device)
        state = tuple(tuple(parts[i] for i in sorted(parts)) for _, parts in sorted(layers.items()))
        return state or None


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}/{name}": tensor for name, tensor in tensors.items()}


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    start = prefix + "/"
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}


def _ratio(before: Mapping[str, Tensor], model: CharRNN) -> Tensor:
    """‖after − before‖ / ‖before‖ over all parameters, a scalar on the device."""
    old = torch.cat([values.flatten() for values in before.values()])
    new = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
    ratio: Tensor = (new - old).norm() / old.norm()
    return ratio
