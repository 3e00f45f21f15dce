"""What a screen shows of an analysis, it can import without torch."""

from __future__ import annotations

import subprocess
import sys


def test_results_of_analyses_need_no_torch() -> None:
    names = ("saturation", "contexts", "matching", "errors", "words", "compare", "factors", "effects")
    imports = "".join(f"import rnnscope.analysis.{name};" for name in names)
    program = (
        f"import sys;{imports}print({{'torch', 'rich', 'textual', 'rnnscope.training'}} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"
