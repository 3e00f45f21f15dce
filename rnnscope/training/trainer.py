"""The training loop: a generator that yields the events of a run.

    for event in Trainer(…).run():    Started, then Progress, Evaluated, Sampled, Traced, Saved, …, Finished
        …

Everything that the weights depend on is in `learner.py`. Decisions by the clock (when to report, sample and
save) do not affect them; only a budget of minutes and the controls do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from rnnscope.errors import CheckpointError, RnnscopeError, RunError
from rnnscope.network.checkpoint import load_model, model_bytes
from rnnscope.network.formats import read_header
from rnnscope.progress import NO_PROGRESS, Cancelled
from rnnscope.text.corpus import Corpus
from rnnscope.training.baselines import Baselines
from rnnscope.training.clock import Clock, RunningTime, Throttle
from rnnscope.training.controls import Controls, ControlState
from rnnscope.training.device import autocast, memory_note
from rnnscope.training.divergence import STALL_STEPS, frequencies_nats, is_stalled
from rnnscope.training.evaluate import estimate_loss, evaluate
from rnnscope.training.events import (
    Compared,
    Evaluated,
    Event,
    Finished,
    FinishReason,
    Paused,
    Saved,
    Started,
    Warned,
)
from rnnscope.training.learner import Learner
from rnnscope.training.observing import Observer
from rnnscope.training.options import TrainOptions
from rnnscope.training.reporting import Reporter
from rnnscope.training.resuming import ResumeInfo
from rnnscope.training.run import BEST, LAST, Run, read_baselines
from rnnscope.training.saving import Saver
from rnnscope.training.schedule import LOWEST_SHARE, Budget, Finish, Patience, Schedule
from rnnscope.training.snapshots import is_due, most_within

LIVE_CHARACTERS = 50_000
"""Characters of the validation text, spread evenly over it, that an evaluation during training reads."""
FINAL_CHARACTERS = 500_000
"""The last evaluation reads a validation text of up to this length completely, with the state carried, and
this many characters, spread evenly, of a longer one."""

_LAST_ATTEMPTS = 3
"""The number of attempts of the last save if it fails."""

_SMALL_UPDATE_RATIO = 1e-5
"""‖update‖ / ‖parameters‖; about 1e-3 is healthy."""
_FOR_THE_END = 0.02
"""The share of a budget of minutes that is reserved for the last evaluation."""


@dataclass(frozen=True)
class Pace:
    """How often the loop reports, evaluates and saves; shares are of the training time."""

    report_seconds: float = 0.1
    update_ratio_seconds: float = 1.0
    evaluation_share: float = 0.02
    first_evaluation_seconds: float = 3.0
    saving_share: float = 0.02
    first_save_seconds: float = 5.0
    save_seconds: float = 30.0
    retry_seconds: float = 1.0
    """Seconds between attempts of the last save if it fails."""
    baselines_seconds: float = 2.0
    """Seconds before n-gram models are computed, so that they do not delay the first display."""


class Trainer:
    """Trains one run to its end; `run` is called once."""

    def __init__(
        self,
        learner: Learner,
        corpus: Corpus,
        options: TrainOptions,
        controls: Controls,
        run: Run,
        *,
        resume: tuple[Mapping[str, Tensor], Mapping[str, Any]] | None = None,
        restarted: bool = False,
        notes: tuple[str, ...] = (),
        pace: Pace | None = None,
    ) -> None:
        """Begin a run, or resume it from `resume`, the result of `Run.load_resume`.

        restarted: whether an earlier process began the run and ended before its first save. Raises RunError
        if `resume` does not fit the learner.
        """
        self.learner = learner
        self.corpus = corpus
        self.options = options
        self.controls = controls
        self.schedule = Schedule.of(options)
        seconds = None if options.minutes is None else 60 * options.minutes * (1 - _FOR_THE_END)
        self.budget = Budget(options.steps, seconds, options.epochs)
        self.finish: Finish | None = None
        self.patience = Patience()
        self.best_nats: float | None = None  # the loss of best.safetensors
        self._running_time = RunningTime()
        self.clock = Clock(0.0, self._running_time)
        self.is_resumed = restarted or resume is not None
        if resume is not None:
            self._restore(*resume)

        clock, pace = self.clock, pace or Pace()
        self.saver = Saver(run, clock, learner.step if resume is not None else None)
        self.reporter = Reporter(learner, clock, self.schedule, self.budget)
        self.observer = Observer(learner.model, corpus, clock, options.seed)
        try:
            baselines, self.notes = read_baselines(run.directory), notes
        except RunError as error:
            baselines, self.notes = {}, (*notes, f"{error}; computing them again")
        self.baselines = Baselines(corpus, baselines)
        self.reports = Throttle(clock, least_seconds=pace.report_seconds)
        self.update_ratios = Throttle(clock, least_seconds=pace.update_ratio_seconds)
        self.comparing = Throttle(clock, first_seconds=pace.baselines_seconds, least_seconds=math.inf)
        self.evaluations = Throttle(
            clock, share=pace.evaluation_share, first_seconds=pace.first_evaluation_seconds
        )
        self.savings = Throttle(
            clock,
            share=pace.saving_share,
            first_seconds=pace.first_save_seconds,
            least_seconds=pace.save_seconds,
        )
        snapshot = model_bytes(learner.model, self._training(None), half=True)
        self._most_snapshots = most_within(options.snapshot_megabytes * 1e6, len(snapshot))
        if options.snapshot_megabytes and not self._most_snapshots:
            self.notes = (
                *self.notes,
                f"no snapshots: one takes {len(snapshot) / 1e6:.0f} MB, more than --snapshot-megabytes",
            )
        self._one_gram_nats: float | None = None
        self._has_stalled = False
        self._saves_served = controls.state.saves
        self._retry_seconds = pace.retry_seconds
        self._has_ended = False

    def run(self) -> Generator[Event, None, None]:
        """Train until the budget, patience or a request ends it. The last event is Finished.

        If an exception ends it earlier, the run is saved first, unless the weights were being updated.

        Raises OptionError if training diverges at every learning rate.
        """
        with self._running_time:
            yield from self._run()

    def _run(self) -> Generator[Event, None, None]:
        learner, schedule = self.learner, self.schedule
        yield self._started()
        if learner.step == 0:
            yield from self.observer.begin(self.controls.state)
            yield from self._save_snapshot()
        rate = 0.0
        try:
            while (reason := self._reason_to_end()) is None:
                state = self.controls.state
                if state.paused:
                    yield from self._wait_while_paused()
                    continue
                if state.finish and self.finish is None:
                    self.finish = Finish.asked_at(learner.step)

                rate = schedule.rate(learner.step, self._done(), finish=self.finish, cuts=self.patience.cuts)
                rate *= state.learning_rate_factor
                learner.learn(rate, measure_update=self.update_ratios.take())
                if learner.restore_after_divergence():
                    yield self._diverged()
                if self.reports.take():  # synchronizes a GPU
                    yield self.reporter.progress(rate, self.finish)
                    yield from self._compare()
                    yield from self._warn_of_a_stall()
                if self._evaluation_is_due():
                    yield from self._evaluate()
                yield from self.observer.look(state, learner.step)
                yield from self._save_what_is_due(state)
            yield from self._end(reason, rate)
        except (RnnscopeError, KeyboardInterrupt):  # the latter is a second Ctrl-C, which ends without saving
            raise
        except BaseException as error:
            if learner.is_whole and not self._has_ended:
                saved = self._save_last(self.controls.state)
                if not isinstance(error, GeneratorExit):
                    yield from saved
            raise
        finally:
            self.baselines.stop()

    def _reason_to_end(self) -> FinishReason | None:
        if self.controls.state.stop:
            return "stopped"
        if self.finish is not None and self.finish.fraction(self.learner.step) >= 1:
            return "finish"
        if self.options.patience and self.patience.since_best >= self.options.patience:
            return "patience"
        if self._is_at_the_floor():
            return "patience"
        return self.budget.spent(self.learner.step, self.clock.seconds, self.learner.streams.epochs)

    def _is_at_the_floor(self) -> bool:
        """Return True if plateau would cut a rate that is already at its floor."""
        return self.patience.cuts > self.schedule.most_cuts

    def _done(self) -> float | None:
        """The used share of the budget, 0..1; None without a budget."""
        return self.budget.done(self.learner.step, self.clock.seconds, self.learner.streams.epochs)

    def _wait_while_paused(self) -> Iterator[Event]:
        """Serves requests while paused, which takes no step and no training time."""
        step = self.learner.step
        with self.clock.stopped():
            yield Paused(step, self.clock.seconds, True)
            yield from self.observer.refresh(self.controls.state, step)
            while (state := self.controls.state).paused:
                yield from self.observer.look(state, step, only_asked=True)
                if state.saves != self._saves_served:
                    yield from self._save_last(state)
                self.controls.wait(0.2)
        yield Paused(step, self.clock.seconds, False)

    def _started(self) -> Started:
        learner, corpus, model = self.learner, self.corpus, self.learner.model
        return Started(
            learner.step,
            self.clock.seconds,
            run=str(self.saver.run.directory),
            corpus=corpus.name,
            architecture=model.architecture,
            symbols=model.vocabulary.symbols,
            parameters=model.parameter_count,
            device=learner.device.type,
            precision=learner.precision,
            train_characters=len(corpus.train),
            held_out_characters=len(corpus.held_out),
            characters_per_step=learner.streams.characters_per_step,
            unknown_characters=corpus.unknown_characters,
            resumed=self.is_resumed,
            clip_norm=learner.options.clip_norm or None,
            notes=self.notes,
        )

    def _diverged(self) -> Warned:
        learner = self.learner
        message = (
            f"loss diverged at step {learner.step:,}: restored the last good weights, "
            f"learning rate × {learner.guard.rate_factor:g}"
        )
        return Warned(learner.step, self.clock.seconds, message, "divergence")

    def _compare(self) -> Iterator[Event]:
        """Report the validation losses of the n-gram models as they are computed."""
        if self.comparing.take():
            self.baselines.start()
        if (failure := self.baselines.take_failure()) is not None:
            yield Warned(self.learner.step, self.clock.seconds, failure)
        if (losses := self.baselines.news()) is not None:
            yield Compared(self.learner.step, self.clock.seconds, losses)
            try:
                self.saver.run.write_baselines(losses)
            except OSError as error:
                yield from self.saver.trouble(error, self.learner.step)

    def _warn_of_a_stall(self) -> Iterator[Warned]:
        """Warn once if the loss is not below that of the character frequencies."""
        learner = self.learner
        if self._has_stalled or learner.step < STALL_STEPS or (loss_nats := learner.recent_nats) is None:
            return
        if self._one_gram_nats is None:
            self._one_gram_nats = frequencies_nats(self.corpus.train)
        if is_stalled(loss_nats, self._one_gram_nats):
            self._has_stalled = True
            ratio = learner.update_ratio
            change = "larger" if ratio is not None and ratio < _SMALL_UPDATE_RATIO else "smaller"
            message = (
                f"at step {learner.step:,} the loss is {loss_nats:.2f} nats, no better than a 1-gram model "
                f"({self._one_gram_nats:.2f}): try a {change} --learning-rate"
            )
            yield Warned(learner.step, self.clock.seconds, message)

    def _evaluation_is_due(self) -> bool:
        if len(self.corpus.held_out) < 2:
            return False
        if self.options.evaluates_at_fixed_steps:
            return self.learner.step % self.options.evaluate_every == 0
        return self.evaluations.is_due

    def _evaluate(self) -> Iterator[Event]:
        """Estimate the validation loss; save the weights if it is the lowest.

        An evaluation that is cancelled by a request to stop has no effect. One that affects training is not
        cancelled, so that a resumed run is identical.
        """
        learner, step = self.learner, self.learner.step
        progress = NO_PROGRESS if self.options.evaluates_at_fixed_steps else self.controls.until_stopped
        learner.fetch()  # so that queued GPU steps are not counted as evaluation time
        with self.evaluations.measured():
            try:
                with autocast(learner.device, learner.precision):
                    result = estimate_loss(
                        learner.model,
                        self.corpus.held_out,
                        characters=LIVE_CHARACTERS,
                        document_starts=self.corpus.starts_in("validation"),
                        progress=progress,
                    )
            except Cancelled:
                return
            seconds = self.clock.seconds
            whole = result.characters == len(self.corpus.held_out) - 1
            best = self.saver.run.directory / BEST
            is_lost = self.best_nats is not None and not best.is_file()
            if is_lost:
                self.best_nats = None
            saved = self._save_if_best(result.loss_nats)
        if self.options.evaluates_at_fixed_steps:
            self.patience = self.patience.after(result.loss_nats, self.options.plateau_patience)
        if is_lost:
            yield Warned(step, seconds, f"{best} had been removed; the newest weights take its place")
        is_best = any(isinstance(event, Saved) for event in saved)
        yield Evaluated(step, seconds, result.loss_nats, result.characters, is_best, whole)
        yield from saved

    def _save_what_is_due(self, state: ControlState) -> Iterator[Event]:
        step = self.learner.step
        if state.saves != self._saves_served or self.savings.is_due:
            yield from self._save_last(state)
        if is_due(step, self._done(), self._most_snapshots):
            yield from self._save_snapshot()

    def _save_snapshot(self) -> Iterator[Event]:
        """Keep the weights of this step, for a replay of the run."""
        model, step, most = self.learner.model, self.learner.step, self._most_snapshots
        if most:
            training = self._training(None)
            yield from self.saver.save(
                "snapshot", step, lambda run: run.save_snapshot(model, step, training, most=most)
            )

    def _save_last(
        self, state: ControlState, ended: FinishReason | None = None
    ) -> tuple[Saved | Warned, ...]:
        """Write the newest weights and everything needed to resume exactly here."""
        self._saves_served = state.saves
        self.learner.fetch()
        with self.savings.measured():
            return self.saver.save("last", self.learner.step, self._last(state, ended))

    def _last(self, state: ControlState, ended: FinishReason | None) -> Callable[[Run], None]:
        """Return a function that writes last.safetensors and resume.safetensors into a run."""
        learner = self.learner
        info = ResumeInfo(
            learner.numbers(),
            self.clock.seconds,
            self.finish,
            self.patience,
            self.best_nats,
            state.learning_rate_factor,
            ended,
        )
        training, tensors = self._training(None), learner.tensors()
        return lambda run: run.save_last(learner.model, training, tensors, asdict(info))

    def _save_if_best(self, held_out_nats: float) -> tuple[Saved | Warned, ...]:
        """Save the weights if their loss is the lowest; it counts as the best once they are written."""
        if not held_out_nats < (math.inf if self.best_nats is None else self.best_nats):
            return ()
        model, training = self.learner.model, self._training(held_out_nats)
        events = self.saver.save("best", self.learner.step, lambda run: run.save_best(model, training))
        if any(isinstance(event, Saved) for event in events):
            self.best_nats = held_out_nats
        return events

    def _training(self, held_out_nats: float | None) -> dict[str, object]:
        """The training metadata of a model file."""
        return {
            "options": self.options.to_json(),
            "corpus": {"name": self.corpus.name, "sha256": self.corpus.sha256},
            "step": self.learner.step,
            "epoch": self.learner.streams.epochs,
            "elapsed_seconds": self.clock.seconds,
            "train_nats": self.learner.recent_nats,
            "held_out_nats": held_out_nats,
        }

    def _restore(self, tensors: Mapping[str, Tensor], information: Mapping[str, Any]) -> None:
        try:
            info = ResumeInfo.from_json(information)
            self.learner.restore(tensors, info.learner)
            self.clock = Clock(info.elapsed_seconds, self._running_time)
            self.finish = None if info.ended == "finish" else info.finish
            self.patience = info.patience
            if info.ended == "patience":  # patience starts again in a resumed run
                cuts = int(min(self.patience.cuts, self.schedule.most_cuts))
                self.patience = replace(self.patience, since_best=0, cuts=cuts)
            self.best_nats = info.best_nats
            self.controls.set(learning_rate_factor=info.learning_rate_factor)
        except (KeyError, TypeError, RuntimeError, ValueError) as error:
            raise RunError(
                f"the run's resume.safetensors is damaged or of another version: {error}"
            ) from error

    def _end(self, reason: FinishReason, rate: float) -> Iterator[Event]:
        """Save; unless the run was stopped, also evaluate the best weights on the whole validation text."""
        step = self.learner.step
        yield self.reporter.progress(rate, self.finish)
        if reason != "stopped" and len(self.corpus.held_out) >= 2:
            yield from self._evaluate()
        yield from self._save_snapshot()
        yield from self._save_finally(reason)
        self._has_ended = True
        path = self.saver.directory / LAST
        if reason == "stopped" or self.best_nats is None:
            notes = self._last_notes()
            last = str(path) if path.is_file() else ""
            yield Finished(step, self.clock.seconds, reason, self.best_nats, last, notes)
        else:
            yield from self._evaluate_best(reason)

    def _save_finally(self, reason: FinishReason) -> Iterator[Event]:
        """Save at the end of training; if that keeps failing, in the rescue directory."""
        for attempt in range(_LAST_ATTEMPTS):
            if attempt:
                self.controls.wait(self._retry_seconds)
            yield from self._save_last(self.controls.state, reason)
            if self.saver.failure is None:
                return
        if self.controls.state.offers_rescue:
            yield Warned(self.learner.step, self.clock.seconds, self.saver.loss(self.learner.step), "unsaved")
            while (state := self.controls.state).offers_rescue and state.rescue is None:
                self.controls.wait(0.2)
        if (directory := self.controls.state.rescue or self.options.rescue) is not None:
            write = self._last(self.controls.state, reason)
            yield from self.saver.rescue(self.learner.step, Path(directory), write)

    def _last_notes(self) -> tuple[str, ...]:
        notes = []
        if self.saver.failure is not None:
            notes.append(self.saver.loss(self.learner.step))
        if self._is_at_the_floor():
            notes.append(f"the learning rate reached its floor, {LOWEST_SHARE:g} of --learning-rate")
        return (*notes, *memory_note(self.learner.device))

    def _evaluate_best(self, reason: FinishReason) -> Iterator[Event]:
        """The loss of best.safetensors in float32, which is also written into it.

        If that is cancelled, the earlier estimate is reported.
        """
        learner, step, path = self.learner, self.learner.step, self.saver.run.directory / BEST
        try:
            best = load_model(path, learner.device.type, allow_nonfinite=True)
            training = read_header(path).training
        except CheckpointError as error:
            message = f"{error}; the newest weights are evaluated in place of the best"
            yield Warned(step, self.clock.seconds, message)
            best, training = learner.model, self._training(None)
        held_out, progress = self.corpus.held_out, self.controls.until_stopped
        starts = self.corpus.starts_in("validation")
        notes = self._last_notes()
        try:
            if len(held_out) <= FINAL_CHARACTERS + 1:
                result = evaluate(best, held_out, document_starts=starts, progress=progress)
            else:
                result = estimate_loss(
                    best,
                    held_out,
                    characters=FINAL_CHARACTERS,
                    document_starts=starts,
                    progress=progress,
                )
        except Cancelled:
            notes = ("the last evaluation was cancelled: the loss is an estimate on a part", *notes)
            yield Finished(step, self.clock.seconds, reason, self.best_nats, str(path), notes)
            return
        whole = result.characters == len(held_out) - 1
        training |= {"held_out_nats": result.loss_nats, "held_out_characters": result.characters}
        if training.get("step") == step:
            yield Evaluated(step, self.clock.seconds, result.loss_nats, result.characters, True, whole)
        yield from self.saver.save("best", step, lambda run: run.save_best(best, training))
        yield Finished(step, self.clock.seconds, reason, result.loss_nats, str(path), notes)
