"""The validation losses of n-gram models, computed in a thread of the lowest priority during training."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping

from rnnscope.progress import Cancelled, Progress
from rnnscope.text.corpus import Corpus
from rnnscope.text.ngram import held_out_losses

_LAST = "5-gram"


class Baselines:
    """Computes the losses in a thread; the training loop collects them with `news`."""

    def __init__(self, corpus: Corpus, known: Mapping[str, float]) -> None:
        """known: losses computed by an earlier process of the run; reported first."""
        self._corpus = corpus
        self._losses_nats = dict(known)
        self._reported = 0
        self._failure: str | None = None
        self._stop = threading.Event()
        # a daemon, so that a count that cannot be interrupted never delays the end of the process
        self._thread = threading.Thread(target=self._compute, name="n-gram baselines", daemon=True)

    def start(self) -> None:
        """Begin, unless all losses are known or there is no validation text."""
        if len(self._corpus.held_out) >= 2 and _LAST not in self._losses_nats:
            self._thread.start()

    def news(self) -> dict[str, float] | None:
        """All losses so far, nats per character; None if there are no new ones since the last call."""
        losses = dict(self._losses_nats)
        if len(losses) == self._reported:
            return None
        self._reported = len(losses)
        return losses

    def take_failure(self) -> str | None:
        """Why the computation failed; None at every later call."""
        failure, self._failure = self._failure, None
        return failure

    def stop(self) -> None:
        """Ask the thread to end; does not wait."""
        self._stop.set()

    def _compute(self) -> None:
        if sys.platform == "linux":  # where niceness is per thread
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
        corpus = self._corpus
        try:
            for name, nats in held_out_losses(
                corpus.train,
                corpus.held_out,
                len(corpus.vocabulary),
                progress=Progress(is_cancelled=self._stop.is_set),
            ):
                self._losses_nats[name] = nats
        except Cancelled:
            pass  # the run ends; the losses computed so far stay
        except MemoryError:
            self._failure = "too little memory to count n-grams; the chart has no n-gram lines"
