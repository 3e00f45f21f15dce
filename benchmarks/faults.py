"""Damage every file that rnnscope reads, thousands of times, and see that each reader refuses it in one line.

python benchmarks/faults.py                        5,000 seeded mutations per reader
python benchmarks/faults.py --count 100000         the large version (about an hour on one core)
python benchmarks/faults.py --reader events --seed 7 --count 1000

A mutation flips bits, cuts, repeats or swaps bytes, or replaces a value somewhere in the JSON by a hostile
one. A reader may accept what is left, or raise RnnscopeError or OSError with one line. Any other exception, a
warning, 5 seconds of time or 4 GiB of memory are a fault: its file is kept and named.
"""

from __future__ import annotations

import argparse
import copy
import io
import json
import random
import resource
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from rnnscope.analysis.find import Find, FindResult
from rnnscope.app.bookmarks import FORMAT, Bookmark
from rnnscope.app.notes import edit_notes, load_notes
from rnnscope.app.sidecar_file import edit_file, load_file
from rnnscope.cache import Cache
from rnnscope.commands.find import load_labels
from rnnscope.errors import RnnscopeError
from rnnscope.network.architecture import Architecture
from rnnscope.network.checkpoint import load_model, save_model
from rnnscope.network.formats import read_header
from rnnscope.network.model import CharRNN
from rnnscope.network.sampling import Sampler
from rnnscope.plain import PlainLog
from rnnscope.render import find_bars, render
from rnnscope.session import Session
from rnnscope.strict_json import dump
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.theme.palette import palette
from rnnscope.tracing.trace import Trace
from rnnscope.training.controls import Controls, ControlState
from rnnscope.training.launch import train
from rnnscope.training.log import LogReader, as_one_run
from rnnscope.training.options import TrainOptions
from rnnscope.training.run import read_baselines, read_run

SECONDS = 5.0
"""A mutation that takes longer is a fault; loaded machines pause for seconds."""
MEMORY_BYTES = 4 << 30
"""Address space on top of what is in use at the start."""

HOSTILE: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**53, 2**63, 10**400, 0.5, -0.0, 1e308, 1e-320, float("nan"),
    float("inf"), -float("inf"), "", "x", "\x1b]0;title\x07", "\ud800", "é" * 50, "9" * 5000, "1/97", [],
    [[]], [None], {}, {"": {}}, {"a": [1, {"b": 2}]}, [1, 2, 3], ["a"] * 100, "lstm", "F64", "../../etc",
]  # fmt: skip


@dataclass(frozen=True)
class Reader:
    """A file to damage, and what reads it."""

    content: bytes
    read: Callable[[bytes], object]
    structured: Callable[[bytes, random.Random], bytes]
    """Damages the JSON of the content rather than its bytes."""


@dataclass(frozen=True)
class Fault:
    """A mutation that a reader did not take well."""

    reader: str
    number: int
    what: str
    content: bytes


def faults(name: str, reader: Reader, *, seed: int, count: int) -> Iterator[Fault]:
    """Read `count` mutations, which the seed decides."""
    for number in range(count):
        chance = random.Random(f"{name} {seed} {number}")
        mutate = reader.structured if chance.random() < 0.6 else damaged
        content = mutate(reader.content, chance)
        start = time.monotonic()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                reader.read(content)
            what = ""
        except (RnnscopeError, OSError) as error:
            lines = len(str(error).splitlines())
            what = "" if lines == 1 and len(str(error)) < 1000 else f"{lines} lines: {str(error)[:200]}"
        except (Exception, RecursionError, MemoryError) as error:
            what = f"{type(error).__name__}: {str(error)[:200]}"
        if not what and time.monotonic() - start > SECONDS:
            what = f"took {time.monotonic() - start:.1f} s"
        if what:
            yield Fault(name, number, what, content)


def damaged(content: bytes, chance: random.Random) -> bytes:
    """The bytes with one to four places changed."""
    data = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        if not data:
            break
        at = chance.randrange(len(data)) if chance.random() < 0.5 else chance.randrange(min(len(data), 600))
        size = chance.randint(1, 40)
        match chance.randrange(7):
            case 0:
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                data[at] = chance.randrange(256)
            case 2:
                del data[at : at + size]
            case 3:
                data[at:at] = data[at : at + size]
            case 4:
                data[at:at] = chance.randbytes(size)
            case 5:
                del data[at:]
            case 6:
                other = chance.randrange(len(data))
                part, rest = data[at : at + size], data[other : other + size]
                data[at : at + size], data[other : other + size] = rest, part
    return bytes(data)


def hostile(value: Any, chance: random.Random) -> Any:
    """The JSON value with one to three of its nodes replaced, removed, renamed or nested."""
    value = copy.deepcopy(value)
    for _ in range(chance.randint(1, 3)):
        places = list(_places(value))
        if not places:
            return chance.choice(HOSTILE)
        container, key = chance.choice(places)
        match chance.randrange(6):
            case 0 | 1 | 2:
                container[key] = copy.deepcopy(chance.choice(HOSTILE))
            case 3 if isinstance(container, dict):
                container[chance.choice(["", "x", "__metadata__", "\ud800", "9/9"])] = container.pop(key)
            case 4:
                del container[key]
            case _:
                nested: Any = container[key]
                for _ in range(chance.choice([1, 40, 2000])):
                    nested = [nested] if chance.random() < 0.5 else {"x": nested}
                container[key] = nested
    return value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container and key of a value, without recursion."""
    containers = [value]
    while containers:
        container = containers.pop()
        if isinstance(container, dict | list):
            for key in list(container) if isinstance(container, dict) else range(min(len(container), 50)):
                yield container, key
                containers.append(container[key])


def encoded(value: Any) -> bytes:
    """JSON of any depth, with NaN, infinities and lone surrogates as they are."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    try:
        return json.dumps(value).encode("utf-8", "surrogatepass")
    finally:
        sys.setrecursionlimit(limit)


def _json(content: bytes, chance: random.Random) -> bytes:
    return encoded(hostile(json.loads(content), chance))


def _lines(content: bytes, chance: random.Random) -> bytes:
    lines = content.splitlines()
    at = chance.randrange(len(lines))
    lines[at] = _json(lines[at], chance)
    return b"\n".join(lines) + b"\n"


def _safetensors(key: str) -> Callable[[bytes, random.Random], bytes]:
    """Damages the header, or the JSON in its metadata under `key`."""

    def mutate(content: bytes, chance: random.Random) -> bytes:
        end = 8 + int.from_bytes(content[:8], "little")
        header = json.loads(content[8:end])
        if chance.random() < 0.6:
            described = hostile(json.loads(header["__metadata__"][key]), chance)
            header["__metadata__"][key] = encoded(described).decode("utf-8", "replace")
        else:
            header = hostile(header, chance)
        text = encoded(header)
        return len(text).to_bytes(8, "little") + text + content[end:]

    return mutate


def _npy(content: bytes, chance: random.Random) -> bytes:
    shape = chance.choice(
        ["(2199023255552,)", "(-1,)", "(4,4)", "()", "(True,)", "(1e3,)", "((((1,),),),)", "x"]
    )
    descr = chance.choice(["'<f4'", "'|O'", "'<U9999999'", "[('a', '<i4')]", "'|b1'", "{}", "''"])
    header = (
        f"{{'descr': {descr}, 'fortran_order': {chance.choice(['True', '1', '[]'])}, 'shape': {shape}}}\n"
    )
    version = chance.choice([1, 2, 3, 9])
    size = len(header) if chance.random() < 0.8 else chance.randrange(1 << 16)
    length = size.to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + length + header.encode() + content[-64:]


def draw(result: FindResult, trace: Trace) -> None:
    """Draw a result as commands and panels do, and the activations of its neurons."""
    colors = palette("dark", "truecolor")
    for line in (*render(result).lines, *find_bars.lines(result), find_bars.gain(result)):
        line.draw(colors, colors.ink, 60)
    for found in result.results:
        trace.shown(found.layer, found.quantity)[:, found.unit]


def readers(directory: Path) -> dict[str, Reader]:
    """Every reader with a small file that it accepts; `directory` is written."""
    text = directory / "text.txt"
    text.write_text("the ferry leaves at seven, and not before\n" * 40)
    run = directory / "run"
    options = TrainOptions(
        text=str(text), run=str(run), hidden_size=4, embedding_size=4, batch_size=4, sequence_length=8,
        steps=20, precision="float32", device="cpu", threads=1,
    )  # fmt: skip
    train(options, Controls(ControlState(observing=False)), lambda event: None)
    (run / "baselines.json").write_text(dump({"uniform": 3.2, "1-gram": 2.9}))

    vocabulary = Vocabulary.of("abc\n")
    shape = Architecture("lstm", len(vocabulary), 3, embedding_size=2)
    model = CharRNN(shape, vocabulary, generator=torch.Generator().manual_seed(0))
    save_model(model, directory / "model.safetensors", {"step": 3, "options": {"steps": 3}})
    remarks = directory / "m.remarks.json"
    edit_notes(remarks, lambda old: old.with_note((1, 2), "counts columns"))
    bookmarks = directory / "m.bookmarks.json"
    mark = Bookmark(5_018, (1, 2), "cell", "ablation")
    edit_file(bookmarks, FORMAT, lambda old: old.with_bookmark("9f86d081", "a", mark))
    queries = [Find(feature="column", limit=3), Find(pattern="a", limit=2)]
    findings, digest = directory / "m.findings.json", "0" * 64
    session = Session(model, "abca\n" * 60)
    trace, kept = session.reader.trace(0, 100), Cache(findings, digest)
    for query in queries:
        kept.put(query, digest, session.ask(query))
    labels = directory / "labels.npy"
    np.save(labels, np.arange(40) % 2 == 0)

    def written(name: str, content: bytes) -> Path:
        path = directory / name
        path.unlink(missing_ok=True)
        path.write_bytes(content)
        return path

    def read_model(content: bytes) -> None:
        path = written("damaged.safetensors", content)
        read_header(path)
        sampler = Sampler(load_model(path))
        list(sampler.stream(3, seed=1))

    def read_findings(content: bytes) -> None:
        cache = Cache(written("damaged.findings.json", content), digest)
        assert all(len(note.splitlines()) == 1 and len(note) < 1000 for note in cache.notes)
        for query in queries:
            result = cache.get(query, digest, FindResult)
            if result is not None and query.accepts(result, shape):
                draw(result, trace)

    def read_events(content: bytes) -> None:
        log = PlainLog(Console(file=io.StringIO()))
        for event in as_one_run(LogReader(written("damaged.jsonl", content)).read()):
            log.say(event)

    def resume(name: str) -> Callable[[bytes], None]:
        def read(content: bytes) -> None:
            copy_ = directory / "damaged-run"
            shutil.rmtree(copy_, ignore_errors=True)
            shutil.copytree(run, copy_)
            (copy_ / name).write_bytes(content)
            read_run(copy_)
            asked = TrainOptions(resume=str(copy_), steps=20)
            train(asked, Controls(ControlState(stop=True, observing=False)), lambda event: None)

        return read

    def read_baseline_file(content: bytes) -> None:
        directory_ = directory / "damaged-baselines"
        directory_.mkdir(exist_ok=True)
        (directory_ / "baselines.json").write_bytes(content)
        read_baselines(directory_)

    return {
        "model": Reader((directory / "model.safetensors").read_bytes(), read_model, _safetensors("rnnscope")),
        "events": Reader((run / "events.jsonl").read_bytes(), read_events, _lines),
        "run": Reader((run / "run.json").read_bytes(), resume("run.json"), _json),
        "resume": Reader(
            (run / "resume.safetensors").read_bytes(),
            resume("resume.safetensors"),
            _safetensors("rnnscope_resume"),
        ),
        "last": Reader(
            (run / "last.safetensors").read_bytes(), resume("last.safetensors"), _safetensors("rnnscope")
        ),
        "baselines": Reader((run / "baselines.json").read_bytes(), read_baseline_file, _json),
        "remarks": Reader(
            remarks.read_bytes(), lambda content: load_notes(written("damaged.json", content)), _json
        ),
        "bookmarks": Reader(
            bookmarks.read_bytes(), lambda content: load_file(written("damaged.json", content), FORMAT), _json
        ),
        "findings": Reader(findings.read_bytes(), read_findings, _json),
        "labels": Reader(
            labels.read_bytes(), lambda content: load_labels(written("damaged.npy", content)), _npy
        ),
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=5_000, help="mutations per reader")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reader", action="append", help="only this one; may be given several times")
    parser.add_argument("--keep", type=Path, default=Path("faults"), help="where the files of faults go")
    asked = parser.parse_args()

    found = 0
    with tempfile.TemporaryDirectory() as directory:
        all_readers = readers(Path(directory))
        resource.setrlimit(resource.RLIMIT_AS, (_address_space() + MEMORY_BYTES, resource.RLIM_INFINITY))
        for name in asked.reader or all_readers:
            start = time.monotonic()
            of_reader = 0
            for fault in faults(name, all_readers[name], seed=asked.seed, count=asked.count):
                of_reader += 1
                asked.keep.mkdir(exist_ok=True)
                (asked.keep / f"{fault.reader}-{asked.seed}-{fault.number}").write_bytes(fault.content)
                print(f"  {fault.reader} {fault.number}: {fault.what}", flush=True)
            seconds = time.monotonic() - start
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"{name:10} {asked.count:7,} mutations  {of_reader} faults  {seconds:.0f} s  {peak:.0f} MB")
            found += of_reader
    return 1 if found else 0


def _address_space() -> int:
    """What the process has mapped, in bytes."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[0]) * resource.getpagesize() if status.exists() else 16 << 30


if __name__ == "__main__":
    sys.exit(main())
