"""What a screen shows of an analysis, it can import without torch."""

from __future__ import annotations

import subprocess
import sys

from rnnscope.analysis import QUERIES


def test_queries_and_results_need_no_torch() -> None:
    names = [*sorted({query.__module__ for query in QUERIES.values()}), "rnnscope.analysis.similarity"]
    imports = "".join(f"import {name};" for name in names)
    program = (
        f"import sys;{imports}print({{'torch', 'rich', 'textual', 'rnnscope.training'}} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"
