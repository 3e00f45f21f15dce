"""Exports the current page to a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from rnnscope.app.actions import Action
from rnnscope.app.question import Question
from rnnscope.app.scope import Scope
from rnnscope.errors import OptionError
from rnnscope.export.colored import ColoredText
from rnnscope.export.write import check_destination

REPORT = "report.html"
"""The end of the name of a file that gets a report on the model."""


class Export:
    """Writes the page with its colors, or as numbers."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(
            "export",
            ("w",),
            "Export the view: HTML, SVG, JSON, CSV, NPZ",
            "text",
            "export",
            place=310,
            synonyms="save write file picture figure",
            files=True,
        ),
    )

    def __init__(
        self,
        scope: Scope,
        *,
        facts: Callable[[], tuple[str, ...]],
        name: Callable[[], str],
        report: Callable[[str], str | None],
    ) -> None:
        """facts: lines about the model above the text. name: the suggested file name without extension.

        report: writes a report on the model to a path; returns what is wrong with it, or None.
        """
        self._scope = scope
        self._report = report
        self._facts = facts
        self._name = name

    def action_export(self) -> None:
        selection = self._scope.selection
        if selection is None:
            return

        def accept(answer: str) -> str | None:
            if answer.strip().endswith(REPORT):
                return self._report(answer)
            path = Path(answer.strip()).expanduser()
            try:
                check_destination(path)
                ColoredText.of(selection, start=selection.start, facts=self._facts()).save(path)
            except OptionError as error:
                return str(error)
            except OSError as error:
                return f"{path}: {(error.strerror or str(error)).lower()}"
            self._scope.announce(f"written to {path.resolve()}")
            return None

        hint = f".html .svg .json .csv .npz {REPORT}   Enter   Esc"
        self._scope.prompt(Question("export to", f"{self._name()}.html", hint, accept))
