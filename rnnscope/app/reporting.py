"""Writes the report on the model to a file, in a job."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from rnnscope.app.actions import Action
from rnnscope.app.exporting import REPORT
from rnnscope.app.question import Question
from rnnscope.app.screen_scope import ScreenScope
from rnnscope.progress import Progress

_NO_MODEL = "a report needs a model file"


class WriteReport:
    """Writes one HTML page about the model and its run, as `rnnscope report` does."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(
            "report",
            ("H",),
            "Write a report on the model (HTML)",
            "text",
            place=311,
            synonyms="export save html page summary document",
            files=True,
        ),
    )

    def __init__(self, scope: ScreenScope, file: Path | None, *, name: Callable[[], str]) -> None:
        """file: the model's file. name: the suggested file name without extension."""
        self._scope = scope
        self._file = file
        self._name = name

    def action_report(self) -> None:
        if self._file is None or self._scope.session is None:
            self._scope.announce(_NO_MODEL)
            return
        self._scope.prompt(Question("report to", f"{self._name()}-{REPORT}", "Enter   Esc", self.begin))

    def begin(self, answer: str) -> str | None:
        """Write the report in a job. Returns what is wrong with the path, or None."""
        path = Path(answer.strip()).expanduser()
        if path.suffix.lower() not in (".html", ".htm"):
            return "a report is an HTML file: give a name that ends in .html"
        if not path.absolute().parent.is_dir():
            return f"the directory {path.parent} does not exist"
        session, model = self._scope.session, self._file
        if session is None or model is None:
            return _NO_MODEL

        def write(progress: Progress) -> Path:
            from rnnscope.export.report import report_of
            from rnnscope.files import write_atomically
            from rnnscope.network.formats import read_header

            page = report_of(session, read_header(model), model, progress).encode()
            write_atomically(path, lambda file: file.write(page))
            return path.resolve()

        self._scope.jobs.submit(
            "report",
            write,
            activity="writing the report",
            on_result=lambda written: self._scope.announce(f"written to {written}"),
            on_error=self._scope.announce_error,
        )
        return None
