"""A worker at a desk, as the inspect screen has it, for tests that ask it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from rnnscope.app.asking.answers import Answer, Ended, Opened
from rnnscope.app.asking.desk import Desk
from rnnscope.app.asking.requests import Request
from rnnscope.inspection.worker import serve
from rnnscope.network.checkpoint import save_model
from rnnscope.network.model import CharRNN


class Office:
    """A desk with a worker behind it."""

    def __init__(
        self, model: CharRNN, directory: Path, content: str, training: dict[str, object] | None = None
    ) -> None:
        path, text = directory / "small.safetensors", directory / "text.txt"
        save_model(model, path, {"held_out_nats": 1.25, **(training or {})})
        text.write_text(content, encoding="utf-8")
        self._waiting = threading.Event()
        self.desk = Desk(self._waiting.set)
        self.thread = threading.Thread(target=serve, args=(self.desk, path, "small", str(text)), daemon=True)
        self.thread.start()
        told = self.until(lambda answer: isinstance(answer, Opened))
        self.opened = next(answer for answer in told if isinstance(answer, Opened))

    def ask(self, request: Request) -> list[Answer]:
        """All that is said of a request until it ends."""
        self.desk.ask(request)
        told = self.until(lambda answer: isinstance(answer, Ended) and answer.request is request)
        self.told = told
        return [answer for answer in told if answer.request is request and not isinstance(answer, Ended)]

    def until(self, is_awaited: Callable[[Answer], bool]) -> list[Answer]:
        """All that is said, up to what is awaited, and what came with it."""
        told: list[Answer] = []
        while not any(is_awaited(answer) for answer in told):
            assert self._waiting.wait(60), "the worker says nothing"
            self._waiting.clear()
            told += self.desk.drain()
        return told
