"""Write docs/keys.md, the tables of keys, from the actions that panels declare.

python docs/keys.py
"""

from __future__ import annotations

from pathlib import Path

from rnnscope.app.actions import actions_of, table
from rnnscope.app.panels.chart import Chart
from rnnscope.app.panels.flow import FlowChart
from rnnscope.app.panels.panel import Panel
from rnnscope.app.panels.result import ResultPanel
from rnnscope.app.panels.sample import SampleStream
from rnnscope.app.panels.timeline import Timeline
from rnnscope.app.screens.inspect import InspectScreen
from rnnscope.app.screens.learn import LearnScreen
from rnnscope.app.screens.replay import ReplayScreen
from rnnscope.app.screens.runs import RunsScreen
from rnnscope.app.screens.train import TrainScreen

PAGE = Path(__file__).resolve().parent / "keys.md"

WITH_FOCUS: dict[str, type[Panel]] = {
    "a chart": Chart,
    "a list of results": ResultPanel,
    "the samples": SampleStream,
    "the gradient flow": FlowChart,
    "the timeline": Timeline,
}

_BEGINNING = """\
# Keys

`?` shows the keys of a screen (`/` searches them), `Ctrl+P` searches its actions. The same key has the same
function on every screen; the footer begins with those of the focused panel. The mouse does what the keys do:
click a character, a neuron, a panel, a tab, a word of the footer, or a key in a prompt; double click a title
to zoom its panel; drag over text to mark it, over a chart to show these steps; the wheel scrolls, zooms a
chart, and with Ctrl the heat map.

This page is made by `python docs/keys.py`."""


def page() -> str:
    """The page, with a table for each screen; `watch` has the keys of the train screen that do not train."""
    tables = {
        "Train and watch": table(actions_of(TrainScreen.OWNERS)),
        "Inspect": table(actions_of(InspectScreen.OWNERS)),
        "Watch many runs": table(actions_of(RunsScreen.OWNERS)),
        "Replay": table(actions_of(ReplayScreen.OWNERS)),
        "Learn": table(actions_of(LearnScreen.OWNERS)),
        "With the focus on a panel": _with_focus(),
    }
    return "\n\n".join([_BEGINNING, *(f"## {title}\n\n{rows}" for title, rows in tables.items())]) + "\n"


def _with_focus() -> str:
    """A table of the keys that panels have only with the focus."""
    lines = ["| key | action |", "|---|---|"]
    for names, panel in WITH_FOCUS.items():
        lines.append(f"| **{names}** | |")
        lines += [f"| `{action.shown_keys[0]}` | {action.help} |" for action in panel.focus_actions()]
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
