"""The size of `events.jsonl` and the time to read it, relative to one line per report.

    python benchmarks/log_size.py [HOURS [STEPS_PER_SECOND]]
                                  claims: at most 5 MB after an hour and 12 MB after a day, at 50 and at 1,000
                                  steps per second

The events are those of a run with 10 reports per second, an evaluation each second, of which every twentieth
is the best, a sample of 325 characters every two seconds and a save every 30; the log gets them as fast as it
accepts them. The reference writes each event of the first hour as one line.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from rnnscope.training.events import Evaluated, Event, Progress, Sampled, Saved
from rnnscope.training.log import EventLog, LogReader, as_one_run
from rnnscope.training.records import to_json, to_line

REPORTS_PER_SECOND = 10


def events(hours: float, steps_per_second: int) -> Iterator[Event]:
    """The events of the run."""
    random = np.random.default_rng(1)
    each = steps_per_second // REPORTS_PER_SECOND
    for report in range(int(hours * 3600 * REPORTS_PER_SECOND)):
        step, seconds = (report + 1) * each, (report + 1) / REPORTS_PER_SECOND
        steps = np.arange(step - each + 1, step + 1)
        losses, norms = random.normal(1.4, 0.05, each), random.normal(0.3, 0.05, each)
        yield Progress(
            step, seconds, steps, losses, norms, 0.0041234, 90112.1, step / 490, -3.1234, 0.5, 99.5
        )
        if report % REPORTS_PER_SECOND == 0:
            yield Evaluated(step, seconds, 1.4123456, 50_000, report % (20 * REPORTS_PER_SECOND) == 0, False)
        if report % (30 * REPORTS_PER_SECOND) == 0:
            yield Saved(step, seconds, "runs/input-20260102-153045/last.safetensors", "last")
        if report % (2 * REPORTS_PER_SECOND) == 0:
            yield Sampled(
                step, seconds, "the ferry leaves at seven" * 13, random.random(325, np.float32), 0.8
            )


def main() -> None:
    hours = float(sys.argv[1]) if len(sys.argv) > 1 else 24.0
    steps_per_second = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000
    reference_bytes = 0
    for event in events(1, steps_per_second):
        record = to_json(event)
        assert record is not None
        reference_bytes += len(to_line(record))

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "events.jsonl"
        log = EventLog(path)
        spent = 0.0
        count = 0
        for event in events(hours, steps_per_second):
            if event.elapsed_seconds == 3600:
                first_hour_bytes = path.stat().st_size
                print(f"first hour   {first_hour_bytes / 1e6:6.1f} MB", end="   ")
                print(f"one line per report {reference_bytes / 1e6:.1f} MB", end="   ")
                print(f"ratio {reference_bytes / first_hour_bytes:.1f}")
            start = time.perf_counter()
            log.write(event)
            spent += time.perf_counter() - start
            count += 1
        log.close()
        size = path.stat().st_size
        start = time.perf_counter()
        read = as_one_run(LogReader(path).read())
        seconds = time.perf_counter() - start
    day, reference_day = size / 1e6, reference_bytes * hours / 1e6
    print(f"{hours:g} hours     {day:6.1f} MB   one line per report {reference_day:.1f} MB", end="   ")
    print(f"ratio {reference_day / day:.1f}")
    print(f"writing      {spent / count * 1e6:6.1f} µs per event, {spent / (hours * 36):.3f} % of the time")
    print(f"reading      {seconds:6.2f} s for {len(read):,} events")


if __name__ == "__main__":
    main()
