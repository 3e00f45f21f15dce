"""Actions that each screen implements differently, with the same id, key and help text on both."""

from __future__ import annotations

from rnnscope.app.actions import Action

FIND = Action(
    "find",
    ("slash",),
    "Find neurons for a feature, a regex or marked spans",
    "analysis",
    "find",
    40,
    "search detect probe selectivity",
)
CONTEXTS = Action(
    "contexts",
    ("C",),
    "Top activating contexts (highest and lowest)",
    "analysis",
    "contexts",
    50,
    "examples activations",
)
EDIT = Action("passage", ("e",), "Edit the text of the passage", "text", "edit", 130, "type paste change")
GENERATE = Action(
    "sample", ("r",), "Generate text with the model", "text", "generate", 140, "sample write continue"
)
