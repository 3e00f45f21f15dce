"""What models without a network make of the held-out text, computed beside the training."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping

from rnnscope.text.corpus import Corpus
from rnnscope.text.ngram import held_out_losses

_LAST = "5-gram"


class Baselines:
    """A thread that fills `losses_nats`; it has the lowest claim on the processor and ends when told."""

    def __init__(self, corpus: Corpus, known: Mapping[str, float]) -> None:
        """known: what an earlier process of the run computed, which is told first."""
        self._corpus = corpus
        self._losses_nats = dict(known)
        self._told = 0
        self.failure: str | None = None
        """Why the thread gave up, to be told."""
        self._stop = threading.Event()
        # a daemon, so that a count that cannot be interrupted never holds up quitting
        self._thread = threading.Thread(target=self._compute, name="n-gram baselines", daemon=True)

    def start(self) -> None:
        """Begin, unless all is known or there is nothing held out."""
        if len(self._corpus.held_out) >= 2 and _LAST not in self._losses_nats:
            self._thread.start()

    def news(self) -> dict[str, float] | None:
        """All losses so far, nats per character, when there are more than at the last call."""
        losses = dict(self._losses_nats)
        if len(losses) == self._told:
            return None
        self._told = len(losses)
        return losses

    def stop(self) -> None:
        """Ask the thread to end; does not wait."""
        self._stop.set()

    def _compute(self) -> None:
        if sys.platform == "linux":  # where threads have a niceness of their own
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
        corpus = self._corpus
        try:
            for name, nats in held_out_losses(
                corpus.train, corpus.held_out, len(corpus.vocabulary), should_stop=self._stop.is_set
            ):
                self._losses_nats[name] = nats
        except MemoryError:
            self.failure = "there is too little memory to count n-grams; the chart goes without their lines"
