"""The time of short commands, relative to the start of Python: medians of alternating runs.

    python benchmarks/startup.py [RUNS]

Claim: `rnnscope --help` answers within 0.25 s.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "rnnscope --help": ["-m", "rnnscope", "--help"],
    "rnnscope train --help": ["-m", "rnnscope", "train", "--help"],
    "rnnscope info, no model": ["-m", "rnnscope", "info", "none"],
}


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(runs):
        for name, arguments in COMMANDS.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, *arguments], capture_output=True)
            seconds[name].append(time.perf_counter() - started)
    reference = statistics.median(seconds["python -c pass"])
    for name, taken in seconds.items():
        median = statistics.median(taken)
        print(f"{name:26} {median:.3f} s   {median / reference:4.1f} times the start of Python")


if __name__ == "__main__":
    main()
