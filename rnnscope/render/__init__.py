"""Results as lines, for the panels, the command line and HTML.

The lines of a result of `rnnscope.analysis.NAME` are made by `report(result)` in `rnnscope.render.NAME`; a
result without such a module is shown as its fields.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnnscope.analysis.query import Result
    from rnnscope.render.report import Report


def render(result: Result) -> Report:
    """The lines of a result."""
    name = f"{__name__}.{type(result).__module__.rpartition('.')[2]}"
    if importlib.util.find_spec(name) is None:
        from rnnscope.render.fields import report as fields

        return fields(result)
    report: Report = importlib.import_module(name).report(result)
    return report


def to_html(result: Result) -> str:
    """A result as an HTML fragment without scripts or external resources, for a notebook."""
    from rnnscope.render.output import report_html

    return report_html(render(result))
